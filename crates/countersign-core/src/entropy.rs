//! Where do random bytes come from? From whoever the binary or the test passes in.

/// A source of unpredictable bytes. The binary passes the operating system's; tests pass a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random data.
    fn fill(&self, bytes: &mut [u8]);
}
