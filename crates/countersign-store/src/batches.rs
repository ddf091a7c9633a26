//! How are actions recorded that pass by the thousand? A line each, in the journal before they run; the database keeps
//! them in batches, each with one ledger entry that commits to all of its lines.
//!
//! A line names its headings by digest: who asked from where (`by`), and what such an action does (`what`). So a
//! batch binds everything, and what repeats is kept once. An outcome is a line of its own, `of` the action; it is put
//! in line for the database without a write of its own, so a crash may lose it, and the action is unknown then.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use countersign_core::{
    ActionId, Digest, Effects, Outcome, Page, PassedRecord, Principal, Query, Resource, Timestamp,
};
use countersign_ledger::{Content, Kind};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::allowed::Allowed;
use crate::{Store, StoreError, Tx, entries};

/// So many headings are remembered as written; beyond, they are written again, which changes nothing.
const KNOWN_MAX: usize = 50_000;
/// So many batches are looked through for one page.
const LOOKED_THROUGH_MAX: usize = 2_000;

/// Who asked from where, under which policy: what a connection's actions share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// Who asks.
    pub principal: Principal,
    /// What is acted on.
    pub resource: Resource,
    /// The bundle that allows it.
    pub policy: Digest,
    /// The policies that permit it.
    pub policies: BTreeSet<String>,
    /// What the proxy knows beside the bytes.
    pub facts: BTreeMap<String, String>,
}

/// What a kind of action does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct What {
    /// The operation in the protocol's words.
    pub operation: String,
    /// Everything that it would do.
    pub effects: Effects,
}

/// A line of a batch: an action that passes, or what became of one. Which it is shows by what is there; an enum would
/// have to read the payload to find out.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<ActionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<Digest>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<ActionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
}

/// The headings that are in the journal or the database already.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<HashSet<Digest>>);

impl Store {
    /// Records a heading, once.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub fn heading<T: Serialize>(&self, heading: &T) -> Result<Digest, StoreError> {
        let body = serde_json::to_string(heading)?;
        let digest = Digest::of(body.as_bytes());
        let mut known = self.known().0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&digest) {
            return Ok(digest);
        }
        self.journal(&frame(HEADING, body.as_bytes()), Allowed::Heading(digest, body))?;
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(digest);
        Ok(digest)
    }

    /// Records that an action passes. `payload` is JSON. The record is with the operating system when this returns.
    ///
    /// # Errors
    /// When it could not be recorded; the action must not run then.
    pub fn passes(
        &self,
        id: ActionId,
        at: Timestamp,
        (by, what): (&Digest, &Digest),
        payload: &str,
    ) -> Result<(), StoreError> {
        // Written by hand: this runs for every statement. A test reads it back as what [`Line`] says.
        let mut line = String::with_capacity(payload.len() + 256);
        line.push_str("{\"id\":\"");
        line.push_str(&id.to_string());
        line.push_str("\",\"at\":");
        line.push_str(&at.as_micros().to_string());
        line.push_str(",\"by\":\"sha256:");
        line.push_str(&by.hex());
        line.push_str("\",\"what\":\"sha256:");
        line.push_str(&what.hex());
        line.push_str("\",\"payload\":");
        line.push_str(payload);
        line.push_str("}\n");
        let frame = frame(LINE, line.as_bytes());
        self.journal(&frame, Allowed::Passed(at, line))
    }

    /// Records what became of a passed action, in the database a moment later.
    ///
    /// # Errors
    /// When it can't be written as JSON.
    pub fn passed(&self, of: ActionId, outcome: Outcome, now: Timestamp) -> Result<(), StoreError> {
        let mut line =
            serde_json::to_string(&Line { of: Some(of), outcome: Some(outcome), ..Line::default() })?;
        line.push('\n');
        self.journal_soon(line.len(), Allowed::Passed(now, line));
        Ok(())
    }

    /// A page of passed actions, newest first.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn passed_records(&self, query: Query) -> Result<Page<PassedRecord>, StoreError> {
        self.catch_up().await;
        self.read_long(move |conn| page(conn, &query)).await
    }
}

pub(crate) const HEADING: u8 = b'H';
pub(crate) const LINE: u8 = b'L';

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(body.len() + 1);
    frame.push(kind);
    frame.extend_from_slice(body);
    frame
}

/// A frame of this file, read back.
pub(crate) fn parse(kind: u8, body: &[u8]) -> Option<Allowed> {
    let text = String::from_utf8(body.to_vec()).ok()?;
    match kind {
        HEADING => Some(Allowed::Heading(Digest::of(body), text)),
        LINE => {
            let at = serde_json::from_str::<Line<'_>>(&text).ok()?.at?;
            Some(Allowed::Passed(Timestamp::from_micros(at), text))
        }
        _ => None,
    }
}

pub(crate) fn insert_heading(tx: &Tx<'_>, digest: &Digest, body: &str) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO headings (digest, body) VALUES (?1, ?2)";
    tx.exec("headings", sql, params![digest.as_bytes(), body])?;
    Ok(())
}

/// Lines that become one batch.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    body: Vec<u8>,
    count: i64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Gathered {
    pub(crate) fn add(&mut self, at: Timestamp, line: &str) {
        self.body.extend_from_slice(line.as_bytes());
        self.count += 1;
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }

    /// One row and one entry for all of them.
    pub(crate) fn insert(self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (self.first, self.last) else { return Ok(()) };
        let content = vec![
            Content::new("batch", Digest::of(&self.body).to_string()),
            Content::new("lines", self.count.to_string()),
        ];
        let record = entries::about(tx, Kind::ActionsPassed, "passed", entries::system(), content, last);
        let entry = tx.append(&record, last)?;
        tx.exec(
            "batches",
            "INSERT INTO batches (entry, first_at, last_at, count, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                i64::try_from(entry).unwrap_or(i64::MAX),
                first.as_micros(),
                last.as_micros(),
                self.count,
                self.body
            ],
        )?;
        Ok(())
    }
}

/// The cursor counts lines within batches: sequence times this plus the line.
const LINES_MAX: u64 = 1 << 24;

fn page(conn: &Connection, query: &Query) -> Result<Page<PassedRecord>, StoreError> {
    let limit = usize::from(query.limit.clamp(1, Query::LIMIT_MAX));
    let cursor = query.cursor.unwrap_or(u64::MAX);
    let from_batch = i64::try_from(cursor / LINES_MAX).unwrap_or(i64::MAX);
    let micros = |at: Option<Timestamp>, otherwise| at.map_or(otherwise, Timestamp::as_micros);
    let mut statement = conn.prepare_cached(
        "SELECT seq, entry, body FROM batches WHERE seq <= ?1 AND last_at >= ?2 AND first_at < ?3
         ORDER BY seq DESC LIMIT ?4",
    )?;
    let bound = i64::try_from(LOOKED_THROUGH_MAX).unwrap_or(i64::MAX);
    let range = params![from_batch, micros(query.from, i64::MIN), micros(query.until, i64::MAX), bound];
    let mut rows = statement.query(range)?;
    let mut reader = Reader { conn, headings: HashMap::new(), outcomes: HashMap::new() };
    let mut found = Page { items: Vec::new(), next: None };
    while let Some(row) = rows.next()? {
        let (seq, entry, body): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (seq, entry) = (u64::try_from(seq).unwrap_or(0), u64::try_from(entry).unwrap_or(0));
        let lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        for (at, line) in lines.iter().enumerate().rev() {
            let place = seq.saturating_mul(LINES_MAX).saturating_add(u64::try_from(at).unwrap_or(0));
            let record = reader.read(line, entry).ok_or_else(|| corrupt(seq))?;
            let Some(record) = record.filter(|record| place < cursor && wanted(record, query)) else {
                continue;
            };
            if found.items.len() == limit {
                found.next = Some(place.saturating_add(1));
                return Ok(found);
            }
            found.items.push(record);
        }
    }
    Ok(found)
}

fn corrupt(seq: u64) -> StoreError {
    StoreError::Corrupt { what: "batch", id: seq.to_string() }
}

struct Reader<'a> {
    conn: &'a Connection,
    headings: HashMap<Digest, String>,
    /// An outcome comes after its action, so going backwards it comes first.
    outcomes: HashMap<ActionId, Outcome>,
}

impl Reader<'_> {
    /// The action of a line; `Some(None)` for a line that is none.
    #[expect(clippy::option_option, reason = "not readable, and not an action, are two things")]
    fn read(&mut self, line: &[u8], entry: u64) -> Option<Option<PassedRecord>> {
        let line: Line<'_> = serde_json::from_slice(line).ok()?;
        if let (Some(of), Some(outcome)) = (line.of, line.outcome) {
            self.outcomes.entry(of).or_insert(outcome);
            return Some(None);
        }
        let (id, by, what) = (line.id?, self.heading::<By>(line.by?)?, self.heading::<What>(line.what?)?);
        Some(Some(PassedRecord {
            id,
            at: Timestamp::from_micros(line.at?),
            entry,
            principal: by.principal,
            resource: by.resource,
            policy: by.policy,
            policies: by.policies,
            operation: what.operation,
            effects: what.effects,
            payload: line.payload?.get().to_owned(),
            outcome: self.outcomes.remove(&id),
        }))
    }

    fn heading<T: for<'de> Deserialize<'de>>(&mut self, digest: Digest) -> Option<T> {
        if !self.headings.contains_key(&digest) {
            let body: Option<String> = self
                .conn
                .prepare_cached("SELECT body FROM headings WHERE digest = ?1")
                .and_then(|mut statement| {
                    statement.query_row([digest.as_bytes()], |row| row.get(0)).optional()
                })
                .ok()?;
            self.headings.insert(digest, body?);
        }
        serde_json::from_str(self.headings.get(&digest)?).ok()
    }
}

fn wanted(record: &PassedRecord, query: &Query) -> bool {
    let same = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
    let text = query.text.as_ref().map(|text| text.to_lowercase());
    same(&query.resource, &record.resource.name)
        && same(&query.agent, &record.principal.name)
        && same(&query.operation, &record.operation)
        && query.verb.is_none_or(|verb| record.effects.iter().any(|effect| effect.verb == verb))
        && query.from.is_none_or(|from| record.at >= from)
        && query.until.is_none_or(|until| record.at < until)
        && text.is_none_or(|text| record.payload.to_lowercase().contains(&text))
}

#[cfg(test)]
mod tests;
