//! What has to be told? Committed changes in order, for watchers that were away.

use countersign_core::{Notice, State, Timestamp};
use rusqlite::params;

use crate::actions::parse;
use crate::{Durability, Store, StoreError};

impl Store {
    /// Changes after `seq`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn notices_after(&self, seq: u64, limit: u16) -> Result<Vec<Notice>, StoreError> {
        self.read(|conn| {
            let seq = i64::try_from(seq).unwrap_or(i64::MAX);
            let mut statement = conn.prepare_cached(
                "SELECT seq, review, state, version FROM outbox WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            )?;
            let rows = statement.query_map(params![seq, limit], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, i64>(3)?,
                ))
            })?;
            rows.map(|row| {
                let (seq, review, state, version) = row?;
                let corrupt = || StoreError::Corrupt { what: "outbox", id: seq.to_string() };
                Ok(Notice {
                    seq: u64::try_from(seq).unwrap_or(0),
                    review: parse("outbox", &review)?,
                    state: State::from_word(&state).ok_or_else(corrupt)?,
                    version: u64::try_from(version).unwrap_or(0),
                })
            })
            .collect()
        })
    }

    /// The newest change's `seq`, 0 when there is none.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn newest_notice(&self) -> Result<u64, StoreError> {
        self.read(|conn| {
            let seq: Option<i64> =
                conn.prepare_cached("SELECT max(seq) FROM outbox")?.query_row([], |row| row.get(0))?;
            Ok(seq.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0))
        })
    }

    /// Forgets what nobody can need any more: notices and idempotency keys from before `old`, and results from
    /// before `old` that policy does not ask to keep.
    ///
    /// # Errors
    /// When it could not be written; it is tried again later.
    pub async fn sweep(&self, old: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Relaxed, move |tx| {
            let old = old.as_micros();
            tx.exec("sweep", "DELETE FROM outbox WHERE time < ?1", [old])?;
            tx.exec("sweep", "DELETE FROM idempotency WHERE time < ?1", [old])?;
            tx.exec(
                "sweep",
                "UPDATE actions SET result = NULL WHERE result IS NOT NULL AND settled_at < ?1
                     AND instr(judged, '\"record\"') = 0",
                [old],
            )?;
            Ok(())
        })
        .await
    }
}
