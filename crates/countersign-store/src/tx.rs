//! What is one change? Writes, ledger entries and outbox rows that commit together or not at all.

use std::collections::{BTreeMap, HashMap};

use countersign_core::{Entropy, Notice, Review, Timestamp};
use countersign_ledger::tree::Hash;
use countersign_ledger::{Encoded, Kind, Place, Record, hex};
use rusqlite::{Connection, OptionalExtension as _, Params, params};

use crate::sealing::{OwnersKey, Seals};
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

/// How far the ledger has come, kept at hand within one transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) size: i64,
    nseq: i64,
}

/// What a job has brought about.
#[derive(Debug)]
pub(crate) struct Done {
    /// What has to be told.
    pub(crate) notices: Vec<Notice>,
    /// How far the ledger has come.
    pub(crate) head: Head,
    /// The leaf hashes of its entries.
    pub(crate) leaves: Vec<Hash>,
}

impl Head {
    pub(crate) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let sql = "SELECT size, nseq FROM log_state";
        let head = |row: &rusqlite::Row<'_>| Ok(Self { size: row.get(0)?, nseq: row.get(1)? });
        Ok(conn.prepare_cached(sql)?.query_row([], head)?)
    }

    pub(crate) fn save(self, conn: &Connection, root: &Hash) -> Result<(), StoreError> {
        let sql = "UPDATE log_state SET size = ?1, nseq = ?2, root = ?3 WHERE size <> ?1 OR root IS NULL";
        conn.prepare_cached(sql)?.execute(params![self.size, self.nseq, root])?;
        Ok(())
    }
}

/// One job's view of the writer's transaction.
pub(crate) struct Tx<'a> {
    conn: &'a Connection,
    log: &'a LogIdentity,
    seals: &'a Seals,
    entropy: &'a dyn Entropy,
    faults: Option<&'a dyn Faults>,
    notices: Vec<Notice>,
    head: Head,
    leaves: Vec<Hash>,
    /// The last leaf of each case that this job wrote about.
    told: HashMap<String, [u8; 32]>,
    /// The keys of those whose content this job has sealed.
    keys: HashMap<String, OwnersKey>,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(
        conn: &'a Connection,
        (log, seals): (&'a LogIdentity, &'a Seals),
        entropy: &'a dyn Entropy,
        faults: Option<&'a dyn Faults>,
        head: Head,
    ) -> Self {
        Self {
            conn,
            log,
            seals,
            entropy,
            faults,
            notices: Vec::new(),
            head,
            leaves: Vec::new(),
            told: HashMap::new(),
            keys: HashMap::new(),
        }
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
        if let Some(faults) = self.faults {
            let point = "log_state";
            faults.before(point).map_err(|source| StoreError::Write { point, source })?;
        }
        let index = self.head.size;
        self.head = Head { size: index + 1, nseq: self.head.nseq + 1 };
        let prev = self.last_of(record)?;
        let place = Place {
            tenant: &self.log.tenant,
            node: &self.log.node,
            nseq: u64::try_from(self.head.nseq).unwrap_or(0),
            prev: prev.as_ref(),
        };
        let entropy = self.entropy;
        let encoded = record.encode(place, &mut |bytes| entropy.fill(bytes))?;
        self.exec(
            "entries",
            "INSERT INTO entries (idx, kind, time, case_id, leaf, leaf_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![index, record.kind.word(), now.as_micros(), record.case, encoded.leaf, encoded.hash],
        )?;
        self.leaves.push(encoded.hash);
        self.told.insert(record.case.clone(), encoded.hash);
        self.put_beside(index, record, &encoded)?;
        Ok(u64::try_from(index).unwrap_or(0))
    }

    /// Stores what stands beside a leaf, sealed for its case, and for the person where it is about one.
    fn put_beside(&mut self, index: i64, record: &Record, encoded: &Encoded) -> Result<(), StoreError> {
        let mut beside: BTreeMap<&str, BTreeMap<&str, (String, Option<&str>)>> = BTreeMap::new();
        if let Some(salt) = &encoded.action_salt {
            beside.entry(&record.case).or_default().insert("action", (hex(salt), None));
        }
        for (content, salt) in record.content.iter().zip(&encoded.salts) {
            let owner = content.about.as_deref().unwrap_or(&record.case);
            beside.entry(owner).or_default().insert(&content.name, (hex(salt), Some(&content.value)));
        }
        for (owner, body) in beside {
            let body = self.sealed(owner, &format!("contents.{index}"), &serde_json::to_vec(&body)?)?;
            let sql = "INSERT INTO contents (idx, owner, body) VALUES (?1, ?2, ?3)";
            self.exec("contents", sql, params![index, owner, body])?;
        }
        Ok(())
    }

    /// Seals `plain` for the place `what` under the key of `owner`, which is made when there is none yet.
    pub(crate) fn sealed(&mut self, owner: &str, what: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let key = match self.keys.get(owner) {
            Some(key) => key.clone(),
            None => self.key_of(owner)?,
        };
        Ok(self.seals.seal(&key, owner, what, plain)?)
    }

    fn key_of(&mut self, owner: &str) -> Result<OwnersKey, StoreError> {
        let sql = "SELECT wrapped FROM keys WHERE owner = ?1";
        let kept: Option<Vec<u8>> =
            self.conn.prepare_cached(sql)?.query_row([owner], |row| row.get(0)).optional()?;
        let key = if let Some(wrapped) = kept {
            self.seals.unwrapped(owner, &wrapped)?
        } else {
            let (key, wrapped) = self.seals.fresh(owner)?;
            self.exec("keys", "INSERT INTO keys (owner, wrapped) VALUES (?1, ?2)", params![owner, wrapped])?;
            key
        };
        self.keys.insert(owner.to_owned(), key.clone());
        Ok(key)
    }

    /// The hash of the last leaf about the same case.
    fn last_of(&self, record: &Record) -> Result<Option<[u8; 32]>, StoreError> {
        // The first entry of every action; its case is as new as its id.
        if record.kind == Kind::ActionRequested {
            return Ok(None);
        }
        if let Some(told) = self.told.get(&record.case) {
            return Ok(Some(*told));
        }
        let sql = "SELECT leaf_hash FROM entries WHERE case_id = ?1 ORDER BY idx DESC LIMIT 1";
        Ok(self.conn.prepare_cached(sql)?.query_row([&record.case], |row| row.get(0)).optional()?)
    }

    /// How many entries the ledger has, with those of this job.
    pub(crate) fn size(&self) -> u64 {
        u64::try_from(self.head.size).unwrap_or(0)
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

    /// What came of it, to be kept when the job succeeded.
    pub(crate) fn finish(self) -> Done {
        Done { notices: self.notices, head: self.head, leaves: self.leaves }
    }
}

fn hyphenated(bytes: &[u8; 16]) -> String {
    let mut text = hex(bytes);
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}
