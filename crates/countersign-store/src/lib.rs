//! What survives? Actions, reviews, votes, people, agents and the ledger, in one SQLite file with one writer.
//!
//! Every change of state commits together with its ledger entry and its outbox row. Callers say what happened in
//! domain words ([`Store::open_review`], [`Store::advance`], …); no SQL leaves this crate.

mod actions;
mod agents;
mod allowed;
mod audit;
mod backup;
mod batches;
mod definitions;
mod entries;
mod erase;
mod error;
mod exports;
mod history;
mod idempotency;
mod journal;
mod log;
mod migrate;
mod outbox;
mod passed;
mod people;
mod readings;
mod receipt;
mod reviews;
mod rollback;
mod sealing;
mod standing;
mod tree;
mod tx;
mod witness;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use countersign_core::{Entropy, Notice};
use countersign_ledger::note::{Sign, VerifierKey};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::watch;

pub use agents::*;
pub use backup::{Copied, KEYS_FILE, back_up, restore};
pub use batches::{By, Headings, What};
pub use definitions::Definition;
pub use erase::Erasure;
pub use error::StoreError;
pub use exports::{ExportTerms, StoredEntry, StoredExport, Wanted};
pub use idempotency::Remembered;
pub use log::{Covered, Signed};
pub use people::*;
pub use readings::Reader;
pub use reviews::{Advance, Asked, Move};
pub use sealing::{ContentKey, KEY_BYTES, SealError, WrapKeys};
pub use writer::Durability;

use allowed::{Allowed, Opened};
use journal::Journal;
pub(crate) use tx::Tx;

/// Lets a test fail the store at a chosen write. The binary passes none.
pub trait Faults: Send + Sync {
    /// Called before each write and each commit; an error is what the disk would have said.
    ///
    /// # Errors
    /// Whatever the test wants to happen.
    fn before(&self, point: &'static str) -> Result<(), std::io::Error>;
}

/// What a store needs to open.
#[derive(Clone)]
pub struct Options {
    /// The folder; created when it is missing.
    pub folder: PathBuf,
    /// Salts and node names.
    pub entropy: Arc<dyn Entropy>,
    /// Signs the ledger's checkpoints; its name is the log's origin.
    pub signer: Arc<dyn Sign>,
    /// The key that it has replaced, of the same name: it signs along for as long as verifiers may know only that one.
    pub earlier_signer: Option<Arc<dyn Sign>>,
    /// Wraps the keys under which content is sealed.
    pub content_key: Arc<dyn WrapKeys>,
    /// Where a copy of the newest published checkpoint is kept, best on another disk: when the store is opened, a ledger
    /// that has lost or changed what the copy covers is refused.
    pub checkpoint_file: PathBuf,
    /// Whether this is the gateway itself, which records actions. Every other process leaves the journal alone.
    pub records_actions: bool,
    /// Called after each commit with what changed, on the writer's thread; must not block.
    pub on_commit: Arc<dyn Fn(&Notice) + Send + Sync>,
    /// For tests.
    pub faults: Option<Arc<dyn Faults>>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Options {
    /// A store in `folder` without faults, whose commits nobody watches.
    pub fn new(
        folder: impl Into<PathBuf>,
        entropy: Arc<dyn Entropy>,
        signer: Arc<dyn Sign>,
        content_key: Arc<dyn WrapKeys>,
    ) -> Self {
        let folder = folder.into();
        let checkpoint_file = folder.join("checkpoint");
        Self {
            folder,
            entropy,
            signer,
            earlier_signer: None,
            content_key,
            checkpoint_file,
            records_actions: true,
            on_commit: Arc::new(|_| {}),
            faults: None,
        }
    }
}

/// The SQLite store. Cheap to clone; the last clone closes it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    writer: writer::Writer,
    journal: Arc<Journal<Allowed>>,
    known: batches::Known,
    signed: watch::Receiver<Option<Arc<Signed>>>,
    checkpoint_file: PathBuf,
    /// Held while the copy of the newest published checkpoint is written.
    keeping: Mutex<()>,
    /// The key that signs the ledger.
    log_key: VerifierKey,
    readers: Vec<Mutex<Connection>>,
    /// For reads that may take long, so that they never hold up a short one.
    long_reader: Mutex<Connection>,
    next_reader: AtomicUsize,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

const READERS: usize = 4;

impl Store {
    /// The file's name within the folder.
    pub const FILE: &'static str = "countersign.sqlite3";

    /// Opens or creates the store and brings its schema up to date.
    ///
    /// # Errors
    /// When the folder or file can't be used, or the file is from a newer version.
    pub fn open(options: &Options) -> Result<Self, StoreError> {
        create_private_folder(&options.folder)?;
        let path = options.folder.join(Self::FILE);
        let mut connection = open_connection(&path, false)?;
        let seals = sealing::Seals::new(Arc::clone(&options.content_key), Arc::clone(&options.entropy));
        seals.teach(&connection)?;
        migrate::up(&mut connection, &seals)?;
        seals.check(&connection)?;
        rollback::check(&connection, options)?;
        let log = tx::LogIdentity::load(&connection, options.entropy.as_ref())?;
        let readers = (0..READERS).map(|_| open_reader(&path, &seals)).collect::<Result<Vec<_>, _>>()?;
        let long_reader = open_reader(&path, &seals)?;
        let checkpointer = open_connection(&path, false)?;
        let (journal, line) = open_journal(&connection, options)?;
        let signer = log::Signer::new(Arc::clone(&options.signer), options.earlier_signer.clone());
        let signed = signer.subscribe();
        let line = (Arc::clone(&journal), line);
        let writer = writer::Writer::start(connection, checkpointer, (log, signer), line, options)?;
        let next_reader = AtomicUsize::new(0);
        Ok(Self(Arc::new(Inner {
            writer,
            journal,
            known: batches::Known::default(),
            signed,
            checkpoint_file: options.checkpoint_file.clone(),
            keeping: Mutex::new(()),
            log_key: options.signer.key().clone(),
            readers,
            long_reader,
            next_reader,
        })))
    }

    /// Puts `item` into the journal and lets the writer know.
    pub(crate) fn journal(&self, frame: &[u8], item: Allowed) -> Result<(), StoreError> {
        if self.0.journal.append(frame, item)? {
            self.0.writer.wake();
        }
        Ok(())
    }

    /// Returns when there is room for another record: call it before [`Store::record_judged`] where waiting is possible.
    pub async fn has_room(&self) {
        self.0.journal.has_room().await;
    }

    /// Puts `item` in line for the database without a write of its own.
    pub(crate) fn journal_soon(&self, bytes: usize, item: Allowed) {
        if self.0.journal.append_soon(bytes, item) {
            self.0.writer.wake();
        }
    }

    pub(crate) fn known(&self) -> &batches::Known {
        &self.0.known
    }

    /// Returns once everything that was recorded before can be read. What can't be written can't be shown yet, but
    /// what is there can be read all the same, so a failure is only logged.
    pub async fn catch_up(&self) {
        if let Err(error) = self.write(Durability::Relaxed, |_tx| Ok(())).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the latest actions can't be shown yet");
        }
    }

    /// Runs `job` in the writer's next transaction and returns when it is committed as durably as asked.
    pub(crate) async fn write<T, F>(&self, durability: Durability, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.0.writer.run(durability, job).await
    }

    /// Runs a short read on the calling thread. WAL readers never wait for the writer.
    pub(crate) fn read<T>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let count = self.0.readers.len();
        let start = self.0.next_reader.fetch_add(1, Ordering::Relaxed);
        let readers = || (0..count).filter_map(|step| self.0.readers.get((start.wrapping_add(step)) % count));
        if let Some(connection) = readers().find_map(|reader| reader.try_lock().ok()) {
            return job(&connection);
        }
        let reader = readers().next().ok_or(StoreError::Closed)?;
        let connection = reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        job(&connection)
    }

    /// Runs a read that may take long on a thread where that is allowed, one at a time: a costly search of one
    /// person makes only other searches wait.
    pub(crate) async fn read_long<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.clone();
        let read = move || {
            let reader = store.0.long_reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            job(&reader)
        };
        tokio::task::spawn_blocking(read).await.map_err(|_cause| StoreError::Closed)?
    }
}

/// The journal, and what a crash left in it.
fn open_journal(connection: &Connection, options: &Options) -> Result<Opened, StoreError> {
    if !options.records_actions {
        return Ok((Arc::new(Journal::of_another()), Vec::new()));
    }
    let moved: i64 = connection.query_row("SELECT journaled FROM log_state", [], |row| row.get(0))?;
    let moved = u64::try_from(moved).unwrap_or(0);
    let (journal, left) = Journal::open(&options.folder, moved, options.faults.clone())?;
    Ok((Arc::new(journal), allowed::read_back(left)?))
}

fn create_private_folder(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| StoreError::Folder { path: folder.to_owned(), source })
}

fn open_reader(path: &Path, seals: &sealing::Seals) -> Result<Mutex<Connection>, StoreError> {
    let connection = open_connection(path, true)?;
    seals.teach(&connection)?;
    Ok(Mutex::new(connection))
}

fn open_connection(path: &Path, read_only: bool) -> Result<Connection, StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let access = if read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    let create = if read_only { OpenFlags::empty() } else { OpenFlags::SQLITE_OPEN_CREATE };
    let connection =
        Connection::open_with_flags(path, access | create | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(open)?;
    connection.busy_timeout(std::time::Duration::from_secs(10)).map_err(open)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Plans never depend on bound values, so statements are compiled once and not again for each binding.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(open)?;
    if !read_only {
        connection.pragma_update(None, "journal_mode", "WAL").map_err(open)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(open)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(open)?;
        connection.pragma_update(None, "secure_delete", "ON").map_err(open)?;
    }
    connection.pragma_update(None, "foreign_keys", "ON").map_err(open)?;
    connection.pragma_update(None, "cache_size", -16_384).map_err(open)?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
