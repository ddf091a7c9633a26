//! What is one change? Writes, ledger entries and outbox rows that commit together or not at all.

use std::collections::BTreeMap;

use countersign_core::{Entropy, Notice, Review, Timestamp};
use countersign_ledger::{Place, Record, hex};
use rusqlite::{Connection, OptionalExtension as _, Params, params};

use crate::{Faults, StoreError};

/// Whose log this is and which node writes.
pub(crate) struct LogIdentity {
    tenant: String,
    node: String,
}

impl LogIdentity {
    pub(crate) fn load(connection: &Connection, entropy: &dyn Entropy) -> Result<Self, StoreError> {
        let mut random = [0_u8; 8];
        entropy.fill(&mut random);
        let fresh = format!("node-{:016x}", u64::from_be_bytes(random));
        connection.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('node', ?1)", [&fresh])?;
        let node = connection.query_row("SELECT value FROM meta WHERE key = 'node'", [], |row| row.get(0))?;
        Ok(Self { tenant: "default".to_owned(), node })
    }
}

/// One job's view of the writer's transaction.
pub(crate) struct Tx<'a> {
    conn: &'a Connection,
    log: &'a LogIdentity,
    entropy: &'a dyn Entropy,
    faults: Option<&'a dyn Faults>,
    notices: Vec<Notice>,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(
        conn: &'a Connection,
        log: &'a LogIdentity,
        entropy: &'a dyn Entropy,
        faults: Option<&'a dyn Faults>,
    ) -> Self {
        Self { conn, log, entropy, faults, notices: Vec::new() }
    }

    /// For reads within the transaction.
    pub(crate) fn conn(&self) -> &Connection {
        self.conn
    }

    /// One write; returns how many rows it touched.
    pub(crate) fn exec(
        &self,
        point: &'static str,
        sql: &str,
        params: impl Params,
    ) -> Result<usize, StoreError> {
        if let Some(faults) = self.faults {
            faults.before(point).map_err(|source| StoreError::Write { point, source })?;
        }
        Ok(self.conn.prepare_cached(sql)?.execute(params)?)
    }

    /// Sixteen random bytes as a UUIDv7 of `now`, for records.
    pub(crate) fn record_id(&self, now: Timestamp) -> String {
        let id = countersign_core::ActionId::mint(now, self.entropy);
        hyphenated(id.as_bytes())
    }

    /// Gives the record the next place in the ledger and stores its leaf and what stands beside it.
    pub(crate) fn append(&mut self, record: &Record, now: Timestamp) -> Result<u64, StoreError> {
        let (size, nseq): (i64, i64) = {
            if let Some(faults) = self.faults {
                let point = "log_state";
                faults.before(point).map_err(|source| StoreError::Write { point, source })?;
            }
            self.conn
                .prepare_cached("UPDATE log_state SET size = size + 1, nseq = nseq + 1 RETURNING size, nseq")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?
        };
        let index = size - 1;
        let prev: Option<[u8; 32]> = self
            .conn
            .prepare_cached("SELECT leaf_hash FROM entries WHERE case_id = ?1 ORDER BY idx DESC LIMIT 1")?
            .query_row([&record.case], |row| row.get(0))
            .optional()?;
        let place = Place {
            tenant: &self.log.tenant,
            node: &self.log.node,
            nseq: u64::try_from(nseq).unwrap_or(0),
            prev: prev.as_ref(),
        };
        let entropy = self.entropy;
        let encoded = record.encode(place, &mut |bytes| entropy.fill(bytes))?;
        self.exec(
            "entries",
            "INSERT INTO entries (idx, kind, time, case_id, leaf, leaf_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![index, record.kind.word(), now.as_micros(), record.case, encoded.leaf, encoded.hash],
        )?;
        let mut beside = BTreeMap::new();
        if let Some(salt) = &encoded.action_salt {
            beside.insert("action", (hex(salt), None));
        }
        for (content, salt) in record.content.iter().zip(&encoded.salts) {
            beside.insert(&content.name, (hex(salt), Some(&content.value)));
        }
        if !beside.is_empty() {
            let body = serde_json::to_string(&beside)?;
            self.exec("contents", "INSERT INTO contents (idx, body) VALUES (?1, ?2)", params![index, body])?;
        }
        Ok(u64::try_from(index).unwrap_or(0))
    }

    /// Writes the outbox row that tells of a review's change.
    pub(crate) fn tell(&mut self, review: &Review, now: Timestamp) -> Result<(), StoreError> {
        let version = i64::try_from(review.version).unwrap_or(i64::MAX);
        self.exec(
            "outbox",
            "INSERT INTO outbox (time, review, state, version) VALUES (?1, ?2, ?3, ?4)",
            params![now.as_micros(), review.id.to_string(), review.state.word(), version],
        )?;
        let seq = u64::try_from(self.conn.last_insert_rowid()).unwrap_or(0);
        self.notices.push(Notice { seq, review: review.id, state: review.state, version: review.version });
        Ok(())
    }

    pub(crate) fn into_notices(self) -> Vec<Notice> {
        self.notices
    }
}

fn hyphenated(bytes: &[u8; 16]) -> String {
    let mut text = hex(bytes);
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}
