//! What would it cost without a ledger? One thread with one connection, whose transactions take up what has come
//! meanwhile and are synced before anybody hears of them: rows with the bytes of an entry, its hash and its content.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use crate::Failure;

/// Rows that share one transaction at most, as in the store.
const BATCH_MAX: usize = 256;

/// Leaf and content.
type Row = (Vec<u8>, Vec<u8>);
type Job = oneshot::Sender<Result<(), String>>;

/// Plain SQLite, written by one thread.
pub struct Plain {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Plain {
    /// `leaf` and `content` are the bytes that an entry of the ledger has in the other turn.
    pub fn open(folder: &Path, (leaf, content): (usize, usize)) -> Result<Self, Failure> {
        let connection = Connection::open(folder.join("plain.sqlite3"))?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA secure_delete = ON;
             PRAGMA wal_autocheckpoint = 0;
             CREATE TABLE entries (idx INTEGER PRIMARY KEY, kind TEXT NOT NULL, time INTEGER NOT NULL,
                 case_id TEXT NOT NULL, leaf BLOB NOT NULL, leaf_hash BLOB NOT NULL) STRICT;
             CREATE INDEX entries_by_case ON entries (case_id, idx);
             CREATE INDEX entries_by_time ON entries (time, idx);
             CREATE TABLE contents (idx INTEGER NOT NULL, owner TEXT NOT NULL, body BLOB NOT NULL,
                 PRIMARY KEY (idx, owner)) STRICT, WITHOUT ROWID;
             CREATE INDEX contents_by_owner ON contents (owner);",
        )?;
        let (jobs, waiting) = sync_channel(4096);
        let row = (vec![b'x'; leaf], vec![b'c'; content]);
        let thread = std::thread::spawn(move || write(&connection, &waiting, &row));
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Returns when a row is down.
    pub async fn append(&self) -> Result<(), Failure> {
        let (job, done) = oneshot::channel();
        self.jobs.as_ref().ok_or("closed")?.try_send(job).map_err(|_full| "too many at once")?;
        done.await?.map_err(Into::into)
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn write(connection: &Connection, jobs: &Receiver<Job>, row: &Row) {
    let mut next = 0_i64;
    while let Ok(first) = jobs.recv() {
        let batch: Vec<Job> = std::iter::once(first).chain(jobs.try_iter()).take(BATCH_MAX).collect();
        let written = insert(connection, &mut next, (batch.len(), row)).map_err(|error| error.to_string());
        for job in batch {
            let _gone = job.send(written.clone());
        }
    }
}

fn insert(
    connection: &Connection,
    next: &mut i64,
    (rows, row): (usize, &Row),
) -> Result<(), rusqlite::Error> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let entry =
        "INSERT INTO entries (idx, kind, time, case_id, leaf, leaf_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let content = "INSERT INTO contents (idx, owner, body) VALUES (?1, ?2, ?3)";
    for _ in 0..rows {
        connection.prepare_cached(entry)?.execute(params![
            *next,
            "audit.exported",
            *next,
            "log",
            row.0,
            [b'h'; 32].as_slice()
        ])?;
        connection.prepare_cached(content)?.execute(params![*next, "log", row.1])?;
        *next += 1;
    }
    connection.execute_batch("COMMIT")
}
