//! Whom does a cancel request mean? Keys that the gateway issued, each with the session that it cancels.
//!
//! A cancel request comes on a connection of its own and proves itself by nothing but its key. A wrong key does
//! nothing and learns nothing: nobody answers either way, and secrets are compared in constant time. A server's key
//! ([`ServerKey`](crate::codec::ServerKey)) is another type, so it can't get to a client or the other way round.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_core::Entropy;
use tokio::sync::mpsc;

use crate::codec::ClientKey;
use crate::codec::startup::ProtocolVersion;

/// Secret bytes of a key for clients that speak 3.2 or newer.
const SECRET_BYTES: usize = 32;
/// All that older clients can read.
const SHORT_SECRET_BYTES: usize = 4;

type Sessions = HashMap<u32, (ClientKey, mpsc::Sender<()>)>;

/// The keys of all sessions of this gateway. Cheap to clone; clones are the same registry.
#[derive(Debug, Clone, Default)]
pub struct Cancels {
    sessions: Arc<Mutex<Sessions>>,
}

/// A key for as long as it is held; dropping it makes the key worthless.
#[derive(Debug)]
pub struct Registration {
    key: ClientKey,
    cancels: Cancels,
}

impl Registration {
    /// What the client is told in `BackendKeyData`.
    pub fn key(&self) -> &ClientKey {
        &self.key
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.cancels.lock().remove(&self.key.process());
    }
}

impl Cancels {
    /// Issues a key that a client of this version can keep. `session` gets one message for each cancel request with it;
    /// when its buffer is full, a cancel is already on its way and the new one is dropped.
    ///
    /// The process id is random as well (31 bits), so even the 4-byte secret of protocol 3.0 is not guessed alone.
    pub fn register(
        &self,
        entropy: &dyn Entropy,
        version: ProtocolVersion,
        session: mpsc::Sender<()>,
    ) -> Registration {
        let mut sessions = self.lock();
        loop {
            let key = fresh(entropy, version);
            if let Entry::Vacant(place) = sessions.entry(key.process()) {
                place.insert((key.clone(), session));
                return Registration { key, cancels: self.clone() };
            }
        }
    }

    /// Tells the session of this key to cancel. A key that nobody holds does nothing.
    pub fn cancel(&self, key: &ClientKey) {
        let sessions = self.lock();
        if let Some((issued, session)) = sessions.get(&key.process())
            && issued.matches(key)
            && session.try_send(()).is_err()
        {
            tracing::debug!("a cancel is already on its way, or the session has ended");
        }
    }

    /// Keys that are live now.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is no session.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fresh(entropy: &dyn Entropy, version: ProtocolVersion) -> ClientKey {
    let mut process = [0; 4];
    entropy.fill(&mut process);
    // Some clients keep it in a signed number.
    let process = u32::from_be_bytes(process) & 0x7fff_ffff;
    if version < ProtocolVersion::V3_2 {
        let mut secret = [0; SHORT_SECRET_BYTES];
        entropy.fill(&mut secret);
        ClientKey::issued(process, &secret)
    } else {
        let mut secret = [0; SECRET_BYTES];
        entropy.fill(&mut secret);
        ClientKey::issued(process, &secret)
    }
}
