//! Who writes? One thread with one connection. Jobs that arrive together share a transaction and its fsync.
//!
//! Each job runs inside a savepoint, so one that fails takes nothing of the others with it. A batch in which a job
//! asked for [`Durability::Full`] is synced before anybody hears of it; one of relaxed jobs only is written to the
//! operating system, which a crash of the process can't undo, and synced within [`SYNC_WITHIN`].
//!
//! Whatever stands in the journal's line goes first in every transaction, and at the latest [`LINE_WITHIN`] after it
//! came.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use countersign_core::Notice;
use countersign_ledger::tree::Hash;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::allowed::{Allowed, Opened, settle_line};
use crate::journal::{Journal, Waiting};
use crate::log::Signer;
use crate::sealing::Seals;
use crate::tree::{self, Tree};
use crate::tx::{Done, Head, LogIdentity, Tx};
use crate::{Options, StoreError};

/// How surely a write must be down before its caller goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Survives power loss.
    Full,
    /// Survives a crash of the process; a power cut may lose the last [`SYNC_WITHIN`].
    Relaxed,
}

/// What a power cut may lose of relaxed writes.
const SYNC_WITHIN: Duration = Duration::from_millis(500);
/// Jobs that share one transaction at most.
const BATCH_MAX: usize = 256;
/// Jobs that may wait; further callers are held back.
const QUEUE_MAX: usize = 4096;
/// After so many batches the WAL is copied into the database file, on another thread.
const CHECKPOINT_EVERY_BATCHES: u32 = 2000;

/// What stands in the journal's line is moved into the database at the latest after so long.
const LINE_WITHIN: Duration = Duration::from_millis(25);
/// After a failure the line is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

type Ack = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Does a job's writes; `None` when it failed, in which case it has told its caller already.
type Run = Box<dyn FnOnce(Result<&mut Tx<'_>, StoreError>) -> Option<Ack> + Send>;

struct Job {
    durability: Durability,
    run: Run,
}

enum Call {
    Job(Job),
    /// Something stands in the journal's line.
    Wake,
}

pub(crate) struct Writer {
    queue: Option<SyncSender<Call>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(crate) fn start(
        connection: Connection,
        checkpointer: Connection,
        log: (LogIdentity, Signer),
        (journal, line): Opened,
        options: &Options,
    ) -> Result<Self, StoreError> {
        let (log, signer) = log;
        let (queue, jobs) = sync_channel(QUEUE_MAX);
        let (kick, kicks) = sync_channel(1);
        let spawn_error = |source| StoreError::Write { point: "thread", source };
        std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || checkpoint_when_kicked(&checkpointer, &kicks))
            .map_err(spawn_error)?;
        let options = options.clone();
        let tree = Tree::load(&connection)?;
        let mut looped = Loop {
            connection,
            log,
            seals: Seals::new(Arc::clone(&options.content_key), Arc::clone(&options.entropy)),
            tree,
            signer,
            options,
            journal,
            line,
            kick,
            full: true,
            unsynced_since: None,
            batches: 0,
        };
        // What a crash left in the journal comes before everything else, and what it left unsynced before a signature.
        looped.unsynced_since = (looped.tree.size() > 0).then(now);
        looped.commit(Vec::new(), true)?;
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || looped.run(&jobs))
            .map_err(spawn_error)?;
        Ok(Self { queue: Some(queue), thread: Mutex::new(Some(thread)) })
    }

    pub(crate) async fn run<T, F>(&self, durability: Durability, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        // In every arm the caller may be gone; the write stands all the same.
        let run: Run = Box::new(move |tx| match tx.and_then(job) {
            Ok(value) => Some(Box::new(move |committed: Result<(), StoreError>| {
                let _gone = answer.send(committed.map(|()| value));
            })),
            Err(error) => {
                let _gone = answer.send(Err(error));
                None
            }
        });
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        let mut call = Call::Job(Job { durability, run });
        // The queue is only full when the disk is far behind; then callers yield until there is room.
        loop {
            match queue.try_send(call) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) => {
                    call = back;
                    tokio::task::yield_now().await;
                }
                Err(TrySendError::Disconnected(_)) => return Err(StoreError::Closed),
            }
        }
        answered.await.map_err(|_cause| StoreError::Closed)?
    }

    /// Tells the writer that the journal's line is no longer empty. A full queue means that it is awake.
    pub(crate) fn wake(&self) {
        if let Some(queue) = &self.queue {
            let _awake = queue.try_send(Call::Wake);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        let thread = self.thread.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        // The last clone may be dropped by the writer's own thread, through a job's captures.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _panicked = thread.join();
        }
    }
}

struct Loop {
    connection: Connection,
    log: LogIdentity,
    seals: Seals,
    /// As the last commit left it.
    tree: Tree,
    signer: Signer,
    options: Options,
    journal: Arc<Journal<Allowed>>,
    /// Taken from the journal and not committed yet.
    line: Vec<Waiting<Allowed>>,
    kick: SyncSender<()>,
    full: bool,
    /// When the oldest write was made that a power cut would lose.
    unsynced_since: Option<Instant>,
    batches: u32,
}

impl Loop {
    fn run(mut self, calls: &Receiver<Call>) {
        loop {
            let first = match self.wait(calls) {
                Ok(Call::Job(job)) => Some(job),
                Ok(Call::Wake) => gather(calls),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let more = calls.try_iter().filter_map(|call| match call {
                Call::Job(job) => Some(job),
                Call::Wake => None,
            });
            let batch: Vec<Job> = first.into_iter().chain(more).take(BATCH_MAX).collect();
            // Whoever waits has been told; the line is tried again.
            let _told = self.commit(batch, false);
        }
        self.close();
    }

    fn wait(&self, calls: &Receiver<Call>) -> Result<Call, RecvTimeoutError> {
        let sync_in = self.unsynced_since.map(|since| SYNC_WITHIN.saturating_sub(since.elapsed()));
        let retry_in = (!self.line.is_empty()).then_some(RETRY_AFTER);
        match sync_in.into_iter().chain(retry_in).min() {
            Some(timeout) => calls.recv_timeout(timeout),
            None => calls.recv().map_err(|_closed| RecvTimeoutError::Disconnected),
        }
    }

    fn close(mut self) {
        let all_down = self.commit(Vec::new(), true).is_ok();
        match self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            Ok(()) if all_down => {
                if let Err(error) = self.journal.clear() {
                    tracing::debug!(%error, "the journal was not emptied; the next start knows what it holds");
                }
            }
            Ok(()) => {}
            Err(error) => {
                tracing::debug!(%error, "the last checkpoint was not made; the next start makes it");
            }
        }
    }

    /// One transaction: the line, then the batch. Synced when `sync` says so, when a job asks for it, and when
    /// earlier relaxed writes have waited for long enough.
    fn commit(&mut self, batch: Vec<Job>, sync: bool) -> Result<(), StoreError> {
        self.line.append(&mut self.journal.take());
        let overdue = self.unsynced_since.is_some_and(|since| since.elapsed() >= SYNC_WITHIN);
        if self.line.is_empty() && batch.is_empty() && !(self.unsynced_since.is_some() && (overdue || sync)) {
            return Ok(());
        }
        let full = sync || overdue || batch.iter().any(|job| job.durability == Durability::Full);
        let mut acks = Vec::with_capacity(batch.len());
        let mut notices = Vec::new();
        let done = self.transact(full, batch, &mut acks, &mut notices);
        match &done {
            Ok(()) => self.committed(full, &notices),
            Err(error) => self.not_committed(error),
        }
        for ack in acks {
            ack(match &done {
                Ok(()) => Ok(()),
                Err(error) => Err(StoreError::NotCommitted(error.to_string())),
            });
        }
        self.batches = self.batches.wrapping_add(1);
        if self.batches.is_multiple_of(CHECKPOINT_EVERY_BATCHES) {
            let _busy = self.kick.try_send(());
        }
        done
    }

    fn committed(&mut self, full: bool, notices: &[Notice]) {
        self.unsynced_since = if full { None } else { self.unsynced_since.or_else(|| Some(now())) };
        if full {
            self.signer.sign(&self.tree);
        }
        if let Some(last) = self.line.last() {
            self.journal.moved(last.seq, self.line.iter().map(|waiting| waiting.bytes).sum());
            self.line.clear();
        }
        for notice in notices {
            (self.options.on_commit)(notice);
        }
    }

    fn not_committed(&self, error: &StoreError) {
        tracing::error!(%error, "a transaction was not committed");
        if !self.line.is_empty() {
            self.journal.refuse(error.to_string());
        }
        // Make sure that the next batch starts afresh.
        if !self.connection.is_autocommit() {
            let _already_rolled_back = self.control("ROLLBACK");
        }
    }

    fn transact(
        &mut self,
        full: bool,
        batch: Vec<Job>,
        acks: &mut Vec<Ack>,
        notices: &mut Vec<Notice>,
    ) -> Result<(), StoreError> {
        let begun = self.begin(full).and_then(|head| self.move_line(head));
        let (mut head, mut leaves) = match begun {
            Ok(line) => line,
            Err(error) => {
                let text = error.to_string();
                for job in batch {
                    let _nothing_ran = (job.run)(Err(StoreError::NotCommitted(text.clone())));
                }
                return Err(error);
            }
        };
        if full && batch.is_empty() {
            // A sync needs something to write.
            self.connection.execute("UPDATE log_state SET syncs = syncs + 1", [])?;
        }
        for job in batch {
            let Some((ack, mut done)) = self.run_job(job, head)? else { continue };
            acks.push(ack);
            notices.append(&mut done.notices);
            leaves.append(&mut done.leaves);
            head = done.head;
        }
        let grown = self.tree.grown(&self.connection, &leaves, head)?;
        if let Some(faults) = &self.options.faults {
            faults.before("commit").map_err(|source| StoreError::Write { point: "commit", source })?;
        }
        self.control("COMMIT")?;
        self.tree = grown;
        Ok(())
    }

    fn begin(&mut self, full: bool) -> Result<Head, StoreError> {
        if full != self.full {
            let level = if full { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.full = full;
        }
        self.control("BEGIN IMMEDIATE")?;
        let head = Head::load(&self.connection)?;
        self.tree.catch_up(&self.connection, tree::unsigned(head.size))?;
        Ok(head)
    }

    fn tx(&self, head: Head) -> Tx<'_> {
        let faults = self.options.faults.as_deref();
        Tx::new(&self.connection, (&self.log, &self.seals), self.options.entropy.as_ref(), faults, head)
    }

    fn move_line(&mut self, head: Head) -> Result<(Head, Vec<Hash>), StoreError> {
        if self.line.is_empty() {
            return Ok((head, Vec::new()));
        }
        // Before a restart, or by an older gateway that is not quite gone, some of it may have been moved already.
        let sql = "SELECT journaled FROM log_state";
        let moved: i64 = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        let moved = tree::unsigned(moved);
        let known = self.line.extract_if(.., |waiting| waiting.framed && waiting.seq <= moved);
        let bytes: usize = known.map(|waiting| waiting.bytes).sum();
        self.journal.moved_by_another(bytes);
        let mut tx = self.tx(head);
        settle_line(&mut tx, &self.line)?;
        let Done { head, leaves, .. } = tx.finish();
        Ok((head, leaves))
    }

    /// `None` when the job failed, in which case it has told its caller already.
    fn run_job(&self, job: Job, head: Head) -> Result<Option<(Ack, Done)>, StoreError> {
        self.control("SAVEPOINT job")?;
        let mut tx = self.tx(head);
        let done = (job.run)(Ok(&mut tx)).map(|ack| (ack, tx.finish()));
        if done.is_none() {
            self.control("ROLLBACK TO job")?;
        }
        self.control("RELEASE job")?;
        Ok(done)
    }

    /// A statement that begins or ends something, compiled once.
    fn control(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }
}

#[expect(clippy::disallowed_methods, reason = "paces the disk; nothing that is recorded depends on it")]
fn now() -> Instant {
    Instant::now()
}

/// Lets more come before the line is moved. A job ends the wait.
fn gather(calls: &Receiver<Call>) -> Option<Job> {
    let since = now();
    while let Some(left) = LINE_WITHIN.checked_sub(since.elapsed()) {
        match calls.recv_timeout(left) {
            Ok(Call::Job(job)) => return Some(job),
            Ok(Call::Wake) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    None
}

fn checkpoint_when_kicked(connection: &Connection, kicks: &Receiver<()>) {
    while kicks.recv().is_ok() {
        if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)") {
            tracing::warn!(%error, "the WAL was not copied into the database; it is tried again");
        }
    }
}
