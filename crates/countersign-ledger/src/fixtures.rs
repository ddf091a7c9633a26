//! What do tests stand on? Numbered leaves, every complete subtree over them, and keys.

use crate::checkpoint::TrustedLog;
use crate::note::{Algorithm, Sign as _, SigningKey, VerifierKey};
use crate::proof::Hashes;
use crate::tree::{Edge, Hash, leaf_hash, node_hash};

pub(crate) const ORIGIN: &str = "example.com/log";

/// The leaf hash of a number.
pub(crate) fn leaf(at: u64) -> Hash {
    leaf_hash(&at.to_be_bytes())
}

/// The root over the first numbers.
pub(crate) fn root(size: u64) -> Hash {
    let mut edge = Edge::new();
    (0..size).for_each(|at| edge.push(leaf(at)));
    edge.root()
}

/// Every complete subtree, by height and index.
pub(crate) struct Leaves(Vec<Vec<Hash>>);

impl Leaves {
    pub(crate) fn of(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while levels[levels.len() - 1].len() > 1 {
            let below = &levels[levels.len() - 1];
            levels.push(below.as_chunks().0.iter().map(|[left, right]| node_hash(left, right)).collect());
        }
        Self(levels)
    }

    pub(crate) fn numbered(size: u64) -> Self {
        Self::of((0..size).map(leaf).collect())
    }
}

impl Hashes for Leaves {
    type Error = String;

    fn hash(&self, height: u32, index: u64) -> Result<Hash, String> {
        let found = self.0.get(height as usize).and_then(|level| level.get(small(index)).copied());
        found.ok_or(format!("no subtree {index} of height {height}"))
    }
}

pub(crate) fn small(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

/// A key of the log [`ORIGIN`].
pub(crate) fn log_key(seed: u8) -> SigningKey {
    SigningKey::generate(ORIGIN, Algorithm::Ed25519, &[seed; 32]).unwrap()
}

pub(crate) fn witness_key(name: &str, seed: u8) -> SigningKey {
    SigningKey::generate(name, Algorithm::CosignatureV1, &[seed; 32]).unwrap()
}

pub(crate) fn public(keys: &[&SigningKey]) -> Vec<VerifierKey> {
    keys.iter().map(|key| key.key().clone()).collect()
}

/// The log of `log_key(1)`, without witnesses.
pub(crate) fn trusted() -> TrustedLog {
    TrustedLog::new(&public(&[&log_key(1)])).unwrap()
}
