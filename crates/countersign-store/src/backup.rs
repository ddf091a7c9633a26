//! How is the store copied while it is in use, and put back without anybody being told less than before? The keys of the
//! content go into a file of their own, so that the copies can be kept for years and the keys for weeks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};

use crate::sealing::Seals;
use crate::{Options, Store, StoreError, open_connection, rollback};

/// Name of the file with the keys, beside the copy of the store.
pub const KEYS_FILE: &str = "keys.sqlite3";

/// A copy that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The store without its keys.
    pub store: PathBuf,
    /// The keys. Without them nothing that is sealed in the copy can be read.
    pub keys: PathBuf,
    /// How many entries of the ledger it has.
    pub entries: u64,
}

/// Copies the store of `folder`, which may be in use, into `to`. What was appended to the journal in the last 25 ms may
/// be missing, and nothing else.
///
/// # Errors
/// When a file is there already or can't be written; nothing is left behind then but what could not be removed.
pub fn back_up(folder: &Path, to: &Path) -> Result<Copied, StoreError> {
    let (store, keys) = (to.join(Store::FILE), to.join(KEYS_FILE));
    for place in [&store, &keys] {
        refuse_existing(place)?;
    }
    crate::create_private_folder(to)?;
    let made = copy(folder, &store, &keys);
    if made.is_err() {
        for place in [&store, &keys] {
            let _not_there = std::fs::remove_file(place);
        }
    }
    Ok(Copied { store, keys, entries: made? })
}

fn refuse_existing(place: &Path) -> Result<(), StoreError> {
    let there = place.try_exists().map_err(|source| StoreError::Write { point: "copy", source })?;
    if there { Err(StoreError::InTheWay(place.to_owned())) } else { Ok(()) }
}

fn text(path: &Path) -> Result<&str, StoreError> {
    let wrong = || std::io::Error::new(std::io::ErrorKind::InvalidInput, path.display().to_string());
    path.to_str().ok_or_else(|| StoreError::Write { point: "copy", source: wrong() })
}

fn copy(folder: &Path, store: &Path, keys: &Path) -> Result<u64, StoreError> {
    let place = folder.join(Store::FILE);
    let open = |source| StoreError::Open { path: place.clone(), source };
    let source = Connection::open_with_flags(&place, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(open)?;
    source.busy_timeout(std::time::Duration::from_secs(10))?;
    source.execute("VACUUM INTO ?1", [text(store)?])?;
    let copied = open_connection(store, false)?;
    copied.pragma_update(None, "journal_mode", "DELETE")?;
    copied.execute("ATTACH ?1 AS apart", [text(keys)?])?;
    // What is deleted is overwritten, see `open_connection`.
    copied.execute_batch(
        "BEGIN;
         CREATE TABLE apart.keys (owner TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID;
         INSERT INTO apart.keys SELECT owner, wrapped FROM main.keys;
         DELETE FROM main.keys;
         COMMIT;
         DETACH apart;
         VACUUM;",
    )?;
    let entries: i64 = copied.query_row("SELECT size FROM log_state", [], |row| row.get(0))?;
    drop(copied);
    for place in [store, keys] {
        private_and_synced(place).map_err(|source| StoreError::Write { point: "copy", source })?;
    }
    Ok(crate::tree::unsigned(entries))
}

fn private_and_synced(place: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = std::fs::File::open(place)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    file.sync_all()
}

/// Puts a copy back as the store of `options`, which must have none. The copy is compared with the checkpoint that was
/// published last before anything is put into place.
///
/// # Errors
/// [`StoreError::RolledBack`] when the published ledger was longer than the copy, or another one; else when a file can't
/// be read or written, or the content key is another one.
pub fn restore(from: &Path, options: &Options) -> Result<Copied, StoreError> {
    let place = options.folder.join(Store::FILE);
    // A journal beside it is that of another store, and would be read as this one's.
    for name in [Store::FILE].into_iter().chain(crate::journal::NAMES) {
        refuse_existing(&options.folder.join(name))?;
    }
    crate::create_private_folder(&options.folder)?;
    let half = options.folder.join("countersign.sqlite3.restoring");
    let made = put_together(from, &half, options);
    let moved = made.and_then(|entries| {
        std::fs::rename(&half, &place).map_err(|source| StoreError::Write { point: "restore", source })?;
        Ok(entries)
    });
    if moved.is_err() {
        let _not_there = std::fs::remove_file(&half);
    }
    Ok(Copied { store: place, keys: from.join(KEYS_FILE), entries: moved? })
}

fn put_together(from: &Path, half: &Path, options: &Options) -> Result<u64, StoreError> {
    let failed = |source| StoreError::Write { point: "restore", source };
    let _left_over = std::fs::remove_file(half);
    std::fs::copy(from.join(Store::FILE), half).map_err(failed)?;
    let copied = open_connection(half, false)?;
    copied.pragma_update(None, "journal_mode", "DELETE")?;
    let keys = from.join(KEYS_FILE);
    // Without the keys, what is sealed stays closed and every proof holds: that is what they are kept apart for.
    if keys.try_exists().map_err(failed)? {
        copied.execute("ATTACH ?1 AS apart", [text(&keys)?])?;
        copied.execute_batch(
            "INSERT OR IGNORE INTO main.keys SELECT owner, wrapped FROM apart.keys; DETACH apart;",
        )?;
    }
    Seals::new(Arc::clone(&options.content_key), Arc::clone(&options.entropy)).check(&copied)?;
    rollback::check(&copied, options)?;
    let entries: i64 = copied.query_row("SELECT size FROM log_state", [], |row| row.get(0))?;
    drop(copied);
    private_and_synced(half).map_err(failed)?;
    Ok(crate::tree::unsigned(entries))
}

#[cfg(test)]
mod tests;
