//! Who signs the ledger in a test? A key that is always the same, and can be made to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_ledger::note::{Algorithm, Sign, SignError, SigningKey, VerifierKey};

/// A key that signs until a test takes it away.
#[derive(Debug)]
pub struct LogKey {
    key: SigningKey,
    gone: AtomicBool,
}

impl LogKey {
    /// The key of every world.
    pub fn new() -> Arc<Self> {
        let key = SigningKey::generate("world.example/ledger", Algorithm::Ed25519, &[7; 32]);
        Arc::new(Self { key: key.expect("the name is right"), gone: AtomicBool::new(false) })
    }

    /// From now on it does not sign, or does again.
    pub fn set_gone(&self, gone: bool) {
        self.gone.store(gone, Ordering::Relaxed);
    }
}

impl Sign for LogKey {
    fn key(&self) -> &VerifierKey {
        self.key.key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.gone.load(Ordering::Relaxed) {
            let name = self.key().name().to_owned();
            return Err(SignError::Failed { name, source: "the key is out of reach".into() });
        }
        self.key.sign(message)
    }
}
