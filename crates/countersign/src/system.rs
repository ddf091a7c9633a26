//! Where do randomness and exclusive use come from? From the operating system, at the edge of the program.

use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use countersign_core::Entropy;

/// The operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemEntropy;

/// Ids and salts are at most so long. Keys and tokens are longer, and come from the operating system each time.
const SMALL: usize = 16;
/// Small pieces are fetched together, so that not every statement's id is a call of the operating system.
const POOL_BYTES: usize = 2048;

thread_local! {
    /// Random bytes that nobody has used yet.
    static POOL: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > SMALL {
            return fetch(bytes);
        }
        POOL.with_borrow_mut(|pool| {
            if pool.len() < bytes.len() {
                pool.resize(POOL_BYTES, 0);
                fetch(pool);
            }
            // Taken out, so that no byte is handed out twice.
            let rest = pool.len().saturating_sub(bytes.len());
            for (byte, random) in bytes.iter_mut().zip(pool.drain(rest..)) {
                *byte = random;
            }
        });
    }
}

fn fetch(bytes: &mut [u8]) {
    #[expect(clippy::panic, reason = "without randomness no id, salt or token is safe: nothing may go on")]
    if let Err(error) = getrandom::fill(bytes) {
        panic!("the operating system gives no random bytes: {error}");
    }
}

/// Makes a folder, if it is missing. What lies there is for the gateway alone.
pub(crate) fn create_private(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Holds a folder for one gateway. Released when dropped, or by the operating system when the process dies.
#[derive(Debug)]
pub(crate) struct FolderLock(#[expect(dead_code, reason = "held, not read")] File);

impl FolderLock {
    /// `None` when another gateway holds it.
    pub(crate) fn take(folder: &Path) -> std::io::Result<Option<Self>> {
        create_private(folder)?;
        let file =
            File::options().create(true).truncate(false).write(true).open(folder.join("gateway.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_small_piece_comes_twice_and_none_is_left_empty() {
        let mut seen = HashSet::new();
        for _ in 0..1000 {
            let mut piece = [0; 10];
            SystemEntropy.fill(&mut piece);
            assert!(seen.insert(piece));
        }
        assert!(!seen.contains(&[0; 10]));
    }
}
