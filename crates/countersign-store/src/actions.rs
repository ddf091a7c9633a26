//! What was asked and what became of it? Rows of actions, and how they are read back whole.

use countersign_core::{Action, ActionId, ActionRecord, Decision, Outcome, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError, Tx, entries, reviews};

/// How far an action has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Waits for people.
    Held,
    /// A permit was given and the outcome is not recorded yet.
    Released,
    /// Nothing more happens.
    Ended,
}

impl Progress {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Released => "released",
            Self::Ended => "ended",
        }
    }
}

impl Store {
    /// Actions without a review that were released before the last stop and whose outcome nobody recorded.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn released_without_review(&self) -> Result<Vec<ActionId>, StoreError> {
        self.read(|conn| {
            conn.prepare_cached("SELECT id FROM actions WHERE progress = 'released' AND review_id IS NULL")?
                .query_map([], |row| row.get::<_, String>(0))?
                .map(|id| parse("action", &id?))
                .collect()
        })
    }

    /// One action with everything that became of it.
    ///
    /// # Errors
    /// When the store can't be read or the row does not hold the bytes that its digest covers.
    pub fn action(&self, id: ActionId) -> Result<Option<ActionRecord>, StoreError> {
        self.read(|conn| by_id(conn, id))
    }
}

pub(crate) fn parse<T: std::str::FromStr>(what: &'static str, id: &str) -> Result<T, StoreError> {
    id.parse().map_err(|_cause| StoreError::Corrupt { what, id: id.to_owned() })
}

/// One action as it goes into its row.
pub(crate) struct Requested<'a> {
    pub(crate) action: &'a Action,
    pub(crate) decision: &'a Decision,
    /// The action without its payload, JSON.
    pub(crate) body: &'a str,
    /// The decision, JSON.
    pub(crate) judged: &'a str,
    pub(crate) progress: Progress,
    pub(crate) review: Option<&'a str>,
    /// What has become of it already.
    pub(crate) ended: Option<&'a Ended>,
}

/// What became of an action.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    #[serde(skip)]
    pub(crate) result: Option<Vec<u8>>,
    pub(crate) at: Timestamp,
}

pub(crate) fn insert(tx: &mut Tx<'_>, row: &Requested<'_>) -> Result<(), StoreError> {
    let action = row.action;
    let id = action.id().to_string();
    let body = tx.sealed(&id, "actions.body", row.body.as_bytes())?;
    let payload = tx.sealed(&id, "actions.payload", action.payload())?;
    let (outcome, result) = match row.ended {
        Some(ended) => sealed_end(tx, &id, &ended.outcome, ended.result.as_deref())?,
        None => (None, None),
    };
    let mut verbs: Vec<&str> = action.effects().iter().map(|effect| effect.verb.word()).collect();
    verbs.dedup();
    tx.exec(
        "actions",
        "INSERT INTO actions (id, received_at, resource, agent, operation, verbs, decision, progress, review_id,
             body, judged, payload, outcome, result, settled_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            id,
            action.received_at().as_micros(),
            action.resource().name,
            action.principal().name,
            action.operation(),
            format!(" {} ", verbs.join(" ")),
            row.decision.word(),
            row.progress.word(),
            row.review,
            body,
            row.judged,
            payload,
            outcome,
            result,
            row.ended.map(|ended| ended.at.as_micros()),
        ],
    )?;
    let record = entries::requested(tx, action, row.decision)?;
    tx.append(&record, action.received_at())?;
    Ok(())
}

/// Ends a released action. False when it had ended already: an outcome is recorded once.
pub(crate) fn end(
    tx: &mut Tx<'_>,
    action: ActionId,
    outcome: &Outcome,
    result: Option<&[u8]>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let id = action.to_string();
    let (sealed, result) = sealed_end(tx, &id, outcome, result)?;
    let changed = tx.exec(
        "actions.outcome",
        "UPDATE actions SET progress = 'ended', outcome = ?2, result = ?3, settled_at = ?4
         WHERE id = ?1 AND progress = 'released'",
        params![id, sealed, result, now.as_micros()],
    )?;
    Ok(changed == 1)
}

type SealedEnd = (Option<Vec<u8>>, Option<Vec<u8>>);

/// An outcome and an answer as they are kept.
fn sealed_end(
    tx: &mut Tx<'_>,
    id: &str,
    outcome: &Outcome,
    result: Option<&[u8]>,
) -> Result<SealedEnd, StoreError> {
    let outcome = tx.sealed(id, "actions.outcome", &serde_json::to_vec(outcome)?)?;
    let result = result.map(|result| tx.sealed(id, "actions.result", result)).transpose()?;
    Ok((Some(outcome), result))
}

pub(crate) fn set_progress(tx: &mut Tx<'_>, action: ActionId, progress: Progress) -> Result<(), StoreError> {
    tx.exec(
        "actions.progress",
        "UPDATE actions SET progress = ?2 WHERE id = ?1",
        params![action.to_string(), progress.word()],
    )?;
    Ok(())
}

/// One column of an action, opened.
macro_rules! opened {
    ($column:literal) => {
        concat!("opened(a.id, k.wrapped, 'actions.", $column, "', a.", $column, ")")
    };
}
/// The JSON of an action without its payload.
pub(crate) const OPENED_BODY: &str = opened!("body");
/// Its exact bytes.
pub(crate) const OPENED_PAYLOAD: &str = opened!("payload");
const OPENED_OUTCOME: &str = opened!("outcome");
const OPENED_RESULT: &str = opened!("result");
/// Where they come from.
pub(crate) const FROM: &str =
    "actions a JOIN keys k ON k.owner = a.id LEFT JOIN reviews r ON r.id = a.review_id";

/// The columns that [`raw`] reads, in its order. In lists, payloads and results stay where they are: a page of them
/// could be gigabytes.
pub(crate) fn columns(listed: bool) -> String {
    let review = reviews::OPENED_BODY;
    let (payload, result) = if listed { ("x''", "NULL") } else { (OPENED_PAYLOAD, OPENED_RESULT) };
    format!("a.id, {OPENED_BODY}, a.judged, {payload}, {OPENED_OUTCOME}, {result}, {review}, a.seq")
}

pub(crate) fn by_id(conn: &Connection, id: ActionId) -> Result<Option<ActionRecord>, StoreError> {
    let sql = format!("SELECT {} FROM {FROM} WHERE a.id = ?1", columns(false));
    let row = conn.prepare_cached(&sql)?.query_row([id.to_string()], raw).optional()?;
    row.map(Raw::into_record).transpose()
}

/// A row before it is understood, so that every failure names the row.
pub(crate) struct Raw {
    id: String,
    body: Vec<u8>,
    judged: String,
    payload: Vec<u8>,
    outcome: Option<Vec<u8>>,
    result: Option<Vec<u8>>,
    review: Option<Vec<u8>>,
    pub(crate) seq: u64,
}

pub(crate) fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw {
        id: row.get(0)?,
        body: row.get(1)?,
        judged: row.get(2)?,
        payload: row.get(3)?,
        outcome: row.get(4)?,
        result: row.get(5)?,
        review: row.get(6)?,
        seq: u64::try_from(row.get::<_, i64>(7)?).unwrap_or(0),
    })
}

impl Raw {
    /// The whole record, when the payload is the one that the digest covers.
    fn into_record(self) -> Result<ActionRecord, StoreError> {
        let corrupt = StoreError::Corrupt { what: "action", id: self.id.clone() };
        let record = self.into_listed()?;
        if record.action.recomputed() == record.action.digest() { Ok(record) } else { Err(corrupt) }
    }

    /// The record as it was read, whose payload may have been left out.
    pub(crate) fn into_listed(self) -> Result<ActionRecord, StoreError> {
        let corrupt = || StoreError::Corrupt { what: "action", id: self.id.clone() };
        let mut action: Action = serde_json::from_slice(&self.body).map_err(|_cause| corrupt())?;
        action.put_payload(self.payload);
        Ok(ActionRecord {
            action,
            decision: serde_json::from_str(&self.judged).map_err(|_cause| corrupt())?,
            review: self.review.as_deref().map(reviews::from_body).transpose()?,
            outcome: self
                .outcome
                .as_deref()
                .map(serde_json::from_slice)
                .transpose()
                .map_err(|_cause| corrupt())?,
            result: self.result,
        })
    }
}
