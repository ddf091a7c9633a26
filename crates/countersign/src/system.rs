//! Where do randomness and exclusive use come from? From the operating system, at the edge of the program.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use countersign_core::Entropy;

/// The operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(
            clippy::panic,
            reason = "without randomness no id, salt or token is safe: nothing may go on"
        )]
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system gives no random bytes: {error}");
        }
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
