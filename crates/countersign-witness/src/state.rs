//! What has this witness signed? The latest checkpoint of each log, in a file of its own, exactly as the log signed it.
//!
//! What can't be read back is never taken for "nothing seen": a witness that forgets would sign a log that was rewritten.

use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use countersign_ledger::checkpoint::{TrustError, TrustedLog};
use countersign_ledger::hex;
use countersign_ledger::note::{NOTE_MAX_BYTES, Note};
use countersign_ledger::witness::Latest;
use sha2::{Digest as _, Sha256};

/// A folder that no other witness uses meanwhile.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    #[expect(dead_code, reason = "held, not read")]
    lock: File,
}

/// Why the state can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process has it.
    #[error("another witness uses the folder `{}`", .0.display())]
    InUse(PathBuf),
    /// A file or the folder failed.
    #[error("`{}` can't be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what was written there.
    #[error("`{}` is not the latest checkpoint of its log; nothing of this log is signed until it is", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: TrustError,
    },
}

impl State {
    /// Takes the folder, and makes it when it is missing. It is released when this is dropped, or by the operating system
    /// when the process dies.
    ///
    /// # Errors
    /// When it can't be used, or another witness uses it.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| StateError::File { path, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
        let place = folder.join("witness.lock");
        let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(&place);
        let lock = lock.map_err(failed(&place))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), lock }),
            Err(std::fs::TryLockError::WouldBlock) => Err(StateError::InUse(folder.to_owned())),
            Err(std::fs::TryLockError::Error(source)) => Err(failed(&place)(source)),
        }
    }

    /// The checkpoint of this log that was signed last; `None` when none ever was.
    ///
    /// # Errors
    /// When the file can't be read, or doesn't hold a checkpoint that this log has signed.
    pub fn latest(&self, log: &TrustedLog) -> Result<Option<Latest>, StateError> {
        let path = self.path(log.origin());
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::File { path, source }),
        };
        let mut bytes = Vec::new();
        // One more than a note may have, so that a longer one is seen to be none.
        let most = u64::try_from(NOTE_MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        if let Err(source) = file.take(most).read_to_end(&mut bytes) {
            return Err(StateError::File { path, source });
        }
        match log.verify(&bytes) {
            Ok(seen) => {
                let checkpoint = seen.checkpoint();
                Ok(Some(Latest { size: checkpoint.size(), root: *checkpoint.root() }))
            }
            Err(source) => Err(StateError::Damaged { path, source }),
        }
    }

    /// Puts this checkpoint in the place of the one before, whole or not at all. When this returns, it survives a power
    /// cut.
    pub(crate) fn keep(&self, origin: &str, note: &Note) -> Result<(), StateError> {
        let path = self.path(origin);
        let kept = write_and_sync(&path.with_extension("new"), note.to_string().as_bytes())
            .and_then(|()| std::fs::rename(path.with_extension("new"), &path))
            // The new name is in the folder, which is synced like a file.
            .and_then(|()| File::open(&self.folder)?.sync_all());
        kept.map_err(|source| StateError::File { path, source })
    }

    fn path(&self, origin: &str) -> PathBuf {
        self.folder.join(format!("{}.checkpoint", hex(&Sha256::digest(origin))))
    }
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
