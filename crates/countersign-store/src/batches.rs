//! How are actions recorded that pass by the thousand? A line each, in the journal before they run; the database keeps
//! them in batches, each with one ledger entry that commits to all of its lines.
//!
//! A line names its headings by digest: who asked from where (`by`), and what such an action does (`what`). So a
//! batch binds everything, and what repeats is kept once. An outcome is a line of its own, `of` the action; it is put
//! in line for the database without a write of its own, so a crash may lose it, and the action is unknown then.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use countersign_core::{ActionId, Digest, Effects, Outcome, Principal, Resource, Timestamp};
use countersign_ledger::{Content, Kind};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::allowed::Allowed;
use crate::{Store, StoreError, Tx, entries};

/// So many headings are remembered as written; beyond, they are written again, which changes nothing.
const KNOWN_MAX: usize = 50_000;
/// No batch spans more than this, so that a search by time knows where to look.
pub(crate) const SPAN_MAX: Duration = Duration::from_secs(60);

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

/// The two headings of a line, as the line has them: written once for all lines that share them.
#[derive(Debug, Clone)]
pub struct Headings(Box<str>);

impl Headings {
    /// Those with these digests, which [`Store::heading`] gave.
    pub fn new(by: Digest, what: Digest) -> Self {
        Self(format!(",\"by\":\"{by}\",\"what\":\"{what}\",\"payload\":").into())
    }
}

/// A line of a batch: an action that passes, or what became of one. Which it is shows by what is there; an enum would
/// have to read the payload to find out.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<ActionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) what: Option<Digest>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) payload: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<ActionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<Outcome>,
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
        headings: &Headings,
        payload: &str,
    ) -> Result<(), StoreError> {
        // Written by hand: this runs for every statement. A test reads it back as what [`Line`] says.
        let mut line = String::with_capacity(payload.len() + 256);
        line.push_str("{\"id\":\"");
        line.push_str(&id.to_string());
        line.push_str("\",\"at\":");
        line.push_str(&at.as_micros().to_string());
        line.push_str(&headings.0);
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

/// Lines that become one batch, or several where their times are far apart.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    full: Vec<Batch>,
    open: Option<Batch>,
}

#[derive(Debug)]
struct Batch {
    body: Vec<u8>,
    count: i64,
    first: Timestamp,
    last: Timestamp,
}

impl Gathered {
    pub(crate) fn add(&mut self, at: Timestamp, line: &str) {
        if let Some(full) = self.open.take_if(|open| !open.has_room_at(at)) {
            self.full.push(full);
        }
        let open = self.open.get_or_insert_with(|| Batch { body: Vec::new(), count: 0, first: at, last: at });
        open.body.extend_from_slice(line.as_bytes());
        open.count += 1;
        open.first = open.first.min(at);
        open.last = open.last.max(at);
    }

    /// One row and one entry for each batch.
    pub(crate) fn insert(self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.full.into_iter().chain(self.open).try_for_each(|batch| batch.insert(tx))
    }
}

impl Batch {
    fn has_room_at(&self, at: Timestamp) -> bool {
        self.last.max(at).since(self.first.min(at)) <= SPAN_MAX
    }

    fn insert(self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let content = vec![
            Content::new("batch", Digest::of(&self.body).to_string()),
            Content::new("lines", self.count.to_string()),
        ];
        let record = entries::about(tx, Kind::ActionsPassed, "passed", entries::system(), content, self.last);
        let entry = tx.append(&record, self.last)?;
        tx.exec(
            "batches",
            "INSERT INTO batches (entry, first_at, last_at, count, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                i64::try_from(entry).unwrap_or(i64::MAX),
                self.first.as_micros(),
                self.last.as_micros(),
                self.count,
                self.body
            ],
        )?;
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
