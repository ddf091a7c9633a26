//! Is this the ledger that we told the world about? A copy of the newest published checkpoint, kept beside it or better
//! elsewhere, shows a store that was put back to an earlier day, or rewritten.

use std::io::Write as _;
use std::path::Path;

use countersign_ledger::checkpoint::Checkpoint;
use countersign_ledger::note::Note;
use countersign_ledger::tree::Edge;
use rusqlite::Connection;

use crate::tree::{leaf_hashes, unsigned};
use crate::{Options, StoreError};

/// Longer files are not checkpoints.
const FILE_MAX_BYTES: u64 = 256 * 1024;

/// Refuses a store that lacks what the copy covers. Without a copy there is nothing to compare with.
pub(crate) fn check(conn: &Connection, options: &Options) -> Result<(), StoreError> {
    let path = &options.checkpoint_file;
    let Some(text) = read(path)? else { return Ok(()) };
    let refused = |why: String| StoreError::RolledBack { why, checkpoint: path.clone() };
    let note = Note::parse(text.as_bytes());
    let note =
        note.map_err(|error| refused(format!("can't be compared with its published checkpoint: {error}")))?;
    let keys = std::iter::once(&options.signer).chain(&options.earlier_signer);
    let keys: Vec<_> = keys.map(|signer| signer.key().clone()).collect();
    note.verify(&keys)
        .map_err(|error| refused(format!("has a published checkpoint that is not its own: {error}")))?;
    let checkpoint = Checkpoint::from_text(note.text())
        .map_err(|error| refused(format!("can't be compared with its published checkpoint: {error}")))?;
    let size = unsigned(conn.query_row("SELECT size FROM log_state", [], |row| row.get(0))?);
    if checkpoint.size() > size {
        let told = checkpoint.size();
        return Err(refused(format!("was put back: it has {size} entries, and {told} were published")));
    }
    if root_at(conn, checkpoint.size())? != Some(*checkpoint.root()) {
        let told = checkpoint.size();
        return Err(refused(format!(
            "was rewritten: its first {told} entries are not those that were published"
        )));
    }
    Ok(())
}

/// The root of the tree of the first `size` entries, computed from their leaf hashes.
fn root_at(conn: &Connection, size: u64) -> Result<Option<countersign_ledger::tree::Hash>, StoreError> {
    let mut edge = Edge::new();
    while edge.size() < size {
        let hashes = leaf_hashes(conn, edge.size(), size.min(edge.size().saturating_add(4096)))?;
        if hashes.is_empty() {
            return Ok(None);
        }
        hashes.into_iter().for_each(|hash| edge.push(hash));
    }
    Ok(Some(edge.root()))
}

fn read(path: &Path) -> Result<Option<String>, StoreError> {
    use std::io::Read as _;
    let failed = |source| StoreError::Write { point: "checkpoint file", source };
    match std::fs::File::open(path) {
        Ok(file) => {
            let mut text = String::new();
            file.take(FILE_MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
            Ok(Some(text))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Replaces the copy, whole or not at all.
pub(crate) fn keep(path: &Path, note: &str) -> Result<(), StoreError> {
    let failed = |source| StoreError::Write { point: "checkpoint file", source };
    let beside = path.with_extension("new");
    let mut file = std::fs::File::create(&beside).map_err(failed)?;
    file.write_all(note.as_bytes()).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}

#[cfg(test)]
mod tests;
