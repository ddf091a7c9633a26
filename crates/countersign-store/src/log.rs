//! What does the log say of itself, and who may know? Its signed head, and the pieces of the tree that it serves.
//!
//! A checkpoint is signed only over what is synced, and only after the commit: two views of one log can't come to be.

use std::sync::Arc;

use countersign_core::Timestamp;
use countersign_ledger::checkpoint::Checkpoint;
use countersign_ledger::note::{Note, Sign, SignError};
use countersign_ledger::tile::{Bundle, Tile};
use countersign_ledger::tree::Hash;
use countersign_ledger::{Content, Kind};
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::watch;

use crate::people::administrator;
use crate::tree::{self, Tree, signed, unsigned};
use crate::tx::Head;
use crate::{Durability, Store, StoreError, entries, rollback};

/// A checkpoint with the log's own signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// How many entries it covers.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
    /// The signed note.
    pub note: String,
    /// The tree itself, or one that continues it, with its open tiles.
    tree: Tree,
}

impl Signed {
    /// A tile of this tree, or of a smaller one: from the full one where that is stored, else from the open one.
    pub(crate) fn tile(&self, conn: &Connection, tile: Tile) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(open) = self.tree.open(tile) {
            return Ok(Some(open.to_vec()));
        }
        let full = tree::stored(conn, tile.full())?;
        Ok(full.and_then(|full| tile.cut(&full).map(<[u8]>::to_vec)))
    }

    /// An older checkpoint of the same tree.
    pub(crate) fn at(&self, size: u64, root: Hash, note: String) -> Self {
        Self { size, root, note, tree: self.tree.clone() }
    }
}

/// The proof that an entry is under a signed checkpoint. Only this crate makes one.
#[derive(Debug, Clone)]
pub struct Covered {
    index: u64,
    checkpoint: Arc<Signed>,
}

impl Covered {
    pub(crate) fn new(index: u64, checkpoint: Arc<Signed>) -> Self {
        Self { index, checkpoint }
    }

    /// The entry's index in the ledger.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The checkpoint that covers it.
    pub fn checkpoint(&self) -> &Signed {
        &self.checkpoint
    }
}

/// Who signs, and what was signed last.
#[derive(Debug)]
pub(crate) struct Signer {
    key: Arc<dyn Sign>,
    /// Signs along.
    earlier: Option<Arc<dyn Sign>>,
    latest: watch::Sender<Option<Arc<Signed>>>,
}

impl Signer {
    pub(crate) fn new(key: Arc<dyn Sign>, earlier: Option<Arc<dyn Sign>>) -> Self {
        Self { key, earlier, latest: watch::Sender::new(None) }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<Arc<Signed>>> {
        self.latest.subscribe()
    }

    /// Signs the tree that was committed and synced, unless that was done. A key that fails is asked again at the next
    /// commit; what needs a checkpoint does not go on meanwhile.
    pub(crate) fn sign(&self, tree: &Tree) {
        if self.latest.borrow().as_ref().is_some_and(|latest| latest.size == tree.size()) {
            return;
        }
        match self.note(tree) {
            Ok(note) => {
                let (size, root, note) = (tree.size(), tree.root(), note.to_string());
                self.latest.send_replace(Some(Arc::new(Signed { size, root, note, tree: tree.clone() })));
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(
                    error,
                    "the ledger's checkpoint was not signed; nothing that needs it goes on"
                );
            }
        }
    }

    fn note(&self, tree: &Tree) -> Result<Note, SignError> {
        let checkpoint = Checkpoint::new(self.key.key().name(), tree.size(), tree.root());
        let failed = |source: countersign_ledger::checkpoint::CheckpointError| SignError::Failed {
            name: self.key.key().name().to_owned(),
            source: source.into(),
        };
        let keys: Vec<&dyn Sign> =
            std::iter::once(&self.key).chain(&self.earlier).map(|key| &**key).collect();
        checkpoint.map_err(failed)?.sign(&keys)
    }
}

impl Store {
    /// The last checkpoint that was signed; `None` before the first commit of this process.
    pub fn signed(&self) -> Option<Arc<Signed>> {
        self.0.signed.borrow().clone()
    }

    /// The proof that entry `index`, which is committed, is under a signed checkpoint.
    ///
    /// # Errors
    /// [`StoreError::Unsigned`] when the key failed.
    pub(crate) fn covered(&self, index: u64) -> Result<Covered, StoreError> {
        let checkpoint = self.signed().filter(|signed| signed.size > index).ok_or(StoreError::Unsigned)?;
        Ok(Covered::new(index, checkpoint))
    }

    /// The newest signed checkpoint when it covers everything that was recorded: then nothing has to be written.
    fn all_signed(&self) -> Result<Option<Arc<Signed>>, StoreError> {
        if !self.0.journal.is_moved() {
            return Ok(None);
        }
        let size = self.read(|conn| Ok(Head::load(conn)?.size))?;
        Ok(self.signed().filter(|signed| signed.size == unsigned(size)))
    }

    /// Makes sure that everything that was recorded before is under a signed checkpoint.
    ///
    /// # Errors
    /// When the store can't be written or the key failed.
    pub async fn sign_all(&self) -> Result<Arc<Signed>, StoreError> {
        if let Some(signed) = self.all_signed()? {
            return Ok(signed);
        }
        let size = self.write(Durability::Full, |tx| Ok(tx.size())).await?;
        self.signed().filter(|signed| signed.size >= size).ok_or(StoreError::Unsigned)
    }

    /// Writes down the newest signed checkpoint as one that leaves the house; gives the newest that did.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn publish(&self, now: Timestamp) -> Result<Option<String>, StoreError> {
        let Some(latest) = self.signed() else { return self.published() };
        let newest = self.read(newest_size)?;
        if newest.is_some_and(|newest| newest >= latest.size) {
            return self.published();
        }
        self.write(Durability::Relaxed, move |tx| {
            let sql = "INSERT OR IGNORE INTO checkpoints (size, time, note) VALUES (?1, ?2, ?3)";
            tx.exec("checkpoints", sql, params![signed(latest.size), now.as_micros(), latest.note])?;
            Ok(())
        })
        .await?;
        self.keep_published()
    }

    /// Brings the copy of the newest published checkpoint up to date; gives that checkpoint. One at a time, so that an
    /// older one never replaces a newer.
    pub(crate) fn keep_published(&self) -> Result<Option<String>, StoreError> {
        let _one = self.0.keeping.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let newest = self.published()?;
        if let Some(note) = &newest {
            rollback::keep(&self.0.checkpoint_file, note)?;
        }
        Ok(newest)
    }

    /// Writes down that nothing has happened.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn heartbeat(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Full, move |tx| {
            let record = entries::about(tx, Kind::LogHeartbeat, "log", entries::system(), Vec::new(), now);
            tx.append(&record, now)?;
            Ok(())
        })
        .await
    }

    /// Writes down, still under the key that is to be replaced, that another one takes its place: both as verifier keys.
    ///
    /// # Errors
    /// When it could not be written; the key stays then.
    pub async fn key_rotated(&self, earlier: String, key: String, now: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Full, move |tx| {
            let content = vec![Content::new("earlier", earlier), Content::new("key", key)];
            let record = entries::about(tx, Kind::KeyRotated, "log", administrator(), content, now);
            tx.append(&record, now)?;
            Ok(())
        })
        .await
    }

    /// The newest checkpoint that has left the house.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn published(&self) -> Result<Option<String>, StoreError> {
        self.read(|conn| {
            let sql = "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1";
            Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
        })
    }

    /// A tile of the tree, full or partial, as the published log has it. `None` when it has no such tile.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, StoreError> {
        let signed = self.signed();
        self.read(|conn| {
            let published = newest_size(conn)?.unwrap_or(0);
            let wide_enough = |whole: Tile| whole.width() >= tile.width();
            if !Tile::in_tree(tile.level(), tile.index(), published).is_some_and(wide_enough) {
                return Ok(None);
            }
            // The newest tree is no older than what was published.
            signed.map_or(Ok(None), |signed| signed.tile(conn, tile))
        })
    }

    /// The leaves of a bundle, in order, as the published log has them. `None` when it has no such bundle.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn bundle(&self, bundle: Bundle) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        self.read(|conn| {
            let first = bundle.first_entry();
            let after = first.saturating_add(u64::from(bundle.width()));
            if after > newest_size(conn)?.unwrap_or(0) {
                return Ok(None);
            }
            let sql = "SELECT leaf FROM entries WHERE idx >= ?1 AND idx < ?2 ORDER BY idx";
            let leaves = conn
                .prepare_cached(sql)?
                .query_map([signed(first), signed(after)], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(Some(leaves))
        })
    }
}

fn newest_size(conn: &Connection) -> Result<Option<u64>, StoreError> {
    let size: Option<i64> =
        conn.prepare_cached("SELECT max(size) FROM checkpoints")?.query_row([], |row| row.get(0))?;
    Ok(size.map(unsigned))
}
