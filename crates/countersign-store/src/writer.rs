//! Who writes? One thread with one connection. Jobs that arrive together share a transaction and its fsync.
//!
//! Each job runs inside a savepoint, so one that fails takes nothing of the others with it. A batch in which a job
//! asked for [`Durability::Full`] is synced before anybody hears of it; one of relaxed jobs only is written to the
//! operating system, which a crash of the process can't undo, and synced within [`SYNC_WITHIN`].

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use countersign_core::Notice;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::tx::{LogIdentity, Tx};
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

type Ack = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Does a job's writes; `None` when it failed, in which case it has told its caller already.
type Run = Box<dyn FnOnce(Result<&mut Tx<'_>, StoreError>) -> Option<Ack> + Send>;

struct Job {
    durability: Durability,
    run: Run,
}

pub(crate) struct Writer {
    queue: Option<SyncSender<Job>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(crate) fn start(
        connection: Connection,
        checkpointer: Connection,
        log: LogIdentity,
        options: &Options,
    ) -> Result<Self, StoreError> {
        let (queue, jobs) = sync_channel(QUEUE_MAX);
        let (kick, kicks) = sync_channel(1);
        let spawn_error = |source| StoreError::Write { point: "thread", source };
        std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || checkpoint_when_kicked(&checkpointer, &kicks))
            .map_err(spawn_error)?;
        let options = options.clone();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                Loop { connection, log, options, kick, full: true, unsynced_since: None, batches: 0 }
                    .run(&jobs);
            })
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
        let mut job = Job { durability, run };
        // The queue is only full when the disk is far behind; then callers yield until there is room.
        loop {
            match queue.try_send(job) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) => {
                    job = back;
                    tokio::task::yield_now().await;
                }
                Err(TrySendError::Disconnected(_)) => return Err(StoreError::Closed),
            }
        }
        answered.await.map_err(|_cause| StoreError::Closed)?
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
    options: Options,
    kick: SyncSender<()>,
    full: bool,
    /// When the oldest write was made that a power cut would lose.
    unsynced_since: Option<Instant>,
    batches: u32,
}

impl Loop {
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let first = match self.unsynced_since {
                Some(since) => match jobs.recv_timeout(SYNC_WITHIN.saturating_sub(since.elapsed())) {
                    Ok(job) => Some(job),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                },
                None => match jobs.recv() {
                    Ok(job) => Some(job),
                    Err(_) => break,
                },
            };
            let batch: Vec<Job> = first.into_iter().chain(jobs.try_iter()).take(BATCH_MAX).collect();
            self.commit(batch);
        }
        if self.unsynced_since.is_some() {
            self.commit(Vec::new());
        }
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::debug!(%error, "the last checkpoint was not made; the next start makes it");
        }
    }

    /// One transaction. An empty batch is a sync: a small write under `synchronous = FULL`. So is a batch of relaxed
    /// jobs when earlier ones have waited for long enough.
    fn commit(&mut self, batch: Vec<Job>) {
        let overdue = self.unsynced_since.is_some_and(|since| since.elapsed() >= SYNC_WITHIN);
        let full = overdue || batch.is_empty() || batch.iter().any(|job| job.durability == Durability::Full);
        let mut acks = Vec::with_capacity(batch.len());
        let mut notices = Vec::new();
        let done = self.transact(full, batch, &mut acks, &mut notices);
        match &done {
            Ok(()) => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "paces the disk; nothing that is recorded depends on it"
                )]
                let now = Instant::now;
                self.unsynced_since = if full { None } else { self.unsynced_since.or_else(|| Some(now())) };
                for notice in &notices {
                    (self.options.on_commit)(notice);
                }
            }
            Err(error) => {
                tracing::error!(%error, "a transaction was not committed");
                // Make sure that the next batch starts afresh.
                if !self.connection.is_autocommit() {
                    let _already_rolled_back = self.control("ROLLBACK");
                }
            }
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
    }

    fn transact(
        &mut self,
        full: bool,
        batch: Vec<Job>,
        acks: &mut Vec<Ack>,
        notices: &mut Vec<Notice>,
    ) -> Result<(), StoreError> {
        if full != self.full {
            let level = if full { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.full = full;
        }
        if let Err(error) = self.control("BEGIN IMMEDIATE") {
            let text = error.to_string();
            for job in batch {
                let _nothing_ran = (job.run)(Err(StoreError::NotCommitted(text.clone())));
            }
            return Err(error.into());
        }
        if batch.is_empty() {
            self.connection.execute("UPDATE log_state SET syncs = syncs + 1", [])?;
        }
        for job in batch {
            self.control("SAVEPOINT job")?;
            let faults = self.options.faults.as_deref();
            let mut tx = Tx::new(&self.connection, &self.log, self.options.entropy.as_ref(), faults);
            if let Some(ack) = (job.run)(Ok(&mut tx)) {
                notices.append(&mut tx.into_notices());
                acks.push(ack);
            } else {
                self.control("ROLLBACK TO job")?;
            }
            self.control("RELEASE job")?;
        }
        if let Some(faults) = &self.options.faults {
            faults.before("commit").map_err(|source| StoreError::Write { point: "commit", source })?;
        }
        self.control("COMMIT")?;
        Ok(())
    }

    /// A statement that begins or ends something, compiled once.
    fn control(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }
}

fn checkpoint_when_kicked(connection: &Connection, kicks: &Receiver<()>) {
    while kicks.recv().is_ok() {
        if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)") {
            tracing::warn!(%error, "the WAL was not copied into the database; it is tried again");
        }
    }
}
