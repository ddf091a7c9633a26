//! What if the disk fails at the n-th write? Once, or from then on as after a crash.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_store::Faults;

fn broken() -> io::Error {
    io::Error::other("the test broke the disk")
}

/// Every write from the n-th on fails, as when the process died there.
#[derive(Debug)]
pub struct FailFrom {
    seen: AtomicU64,
    from: AtomicU64,
}

impl FailFrom {
    /// Never, until [`FailFrom::arm`].
    pub fn never() -> Self {
        Self { seen: AtomicU64::new(0), from: AtomicU64::new(u64::MAX) }
    }

    /// Lets `more` further writes through, then none.
    pub fn arm(&self, more: u64) {
        self.from.store(self.seen().saturating_add(more), Ordering::SeqCst);
    }

    /// Lets every write through again.
    pub fn mend(&self) {
        self.from.store(u64::MAX, Ordering::SeqCst);
    }

    /// How many writes were tried so far.
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::SeqCst)
    }
}

impl Faults for FailFrom {
    fn before(&self, _point: &'static str) -> Result<(), io::Error> {
        let at = self.seen.fetch_add(1, Ordering::SeqCst);
        if at >= self.from.load(Ordering::SeqCst) { Err(broken()) } else { Ok(()) }
    }
}

/// Exactly the n-th write fails; everything after it works again.
#[derive(Debug)]
pub struct FailOnce {
    seen: AtomicU64,
    at: u64,
}

impl FailOnce {
    /// The write that fails, from 0.
    pub fn at(at: u64) -> Self {
        Self { seen: AtomicU64::new(0), at }
    }
}

impl Faults for FailOnce {
    fn before(&self, _point: &'static str) -> Result<(), io::Error> {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.at { Err(broken()) } else { Ok(()) }
    }
}
