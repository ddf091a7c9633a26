//! What is random in a test? A sequence that is the same in each run and never repeats within one.

use std::sync::atomic::{AtomicU64, Ordering};

use countersign_core::{Digest, Entropy};

/// SHA-256 in counter mode.
#[derive(Debug, Default)]
pub struct SeededEntropy {
    next: AtomicU64,
    seed: u64,
}

impl SeededEntropy {
    /// Another sequence for another seed, for a second process on the same store.
    pub fn new(seed: u64) -> Self {
        Self { next: AtomicU64::new(0), seed }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let next = self.next.fetch_add(1, Ordering::Relaxed);
            let block = Digest::of(&[self.seed.to_be_bytes(), next.to_be_bytes()].concat());
            chunk.iter_mut().zip(block.as_bytes()).for_each(|(byte, random)| *byte = *random);
        }
    }
}
