//! What is measured on? A store in a folder that goes away, with random keys.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use countersign_core::{Entropy, Timestamp};
use countersign_ledger::note::{Algorithm, SigningKey};
use countersign_store::{ContentKey, Options, Store};

use crate::Failure;

/// Small pieces come from a pool, as in the gateway.
#[derive(Debug)]
struct Random(Mutex<Vec<u8>>);

impl Entropy for Random {
    fn fill(&self, bytes: &mut [u8]) {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < bytes.len() {
            pool.resize(4096.max(bytes.len()), 0);
            // Without randomness nothing of this may be believed.
            if getrandom::fill(&mut pool).is_err() {
                std::process::abort();
            }
        }
        let rest = pool.len() - bytes.len();
        for (byte, random) in bytes.iter_mut().zip(pool.drain(rest..)) {
            *byte = random;
        }
    }
}

pub fn key() -> Result<SigningKey, Failure> {
    Ok(SigningKey::generate("bench.example/ledger", Algorithm::Ed25519, &[7; 32])?)
}

pub fn open(folder: &Path) -> Result<Store, Failure> {
    let content_key = Arc::new(ContentKey::new(&[8; 32])?);
    Ok(Store::open(&Options::new(folder, Arc::new(Random(Mutex::default())), Arc::new(key()?), content_key))?)
}

pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Bytes that the folder's files have.
pub fn bytes(folder: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for file in std::fs::read_dir(folder)? {
        bytes += file?.metadata()?.len();
    }
    Ok(bytes)
}
