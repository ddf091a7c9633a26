//! How is an action recorded that waits for nobody? In the journal before it runs, in the database a moment later.

use std::collections::HashMap;
use std::sync::Arc;

use countersign_core::{Action, ActionId, Decision, Digest, Outcome, Timestamp};

use crate::actions::{self, Ended, Progress, Requested};
use crate::batches::{self, Gathered};
use crate::journal::{Journal, Left, Waiting};
use crate::{Store, StoreError, Tx, entries};

/// The journal, and what a crash left in it.
pub(crate) type Opened = (Arc<Journal<Allowed>>, Vec<Waiting<Allowed>>);

/// What the journal holds of an action without a review.
#[derive(Debug)]
pub(crate) enum Allowed {
    /// Policy allowed it, and this very record released it; or policy denied it.
    Judged(Box<Judged>),
    /// What became of it.
    Settled(ActionId, Box<Ended>),
    /// What repeats in the records of passed actions.
    Heading(Digest, String),
    /// A line about a passed action.
    Passed(Timestamp, String),
}

#[derive(Debug)]
pub(crate) struct Judged {
    action: Arc<Action>,
    decision: Decision,
    body: String,
    judged: String,
}

impl Store {
    /// Records an action that policy allowed (it is released by this very record) or denied. The record is with the
    /// operating system when this returns, and in the database a moment later ([`Store::catch_up`]). Reviews are
    /// recorded by [`Store::open_review`].
    ///
    /// # Errors
    /// When it could not be recorded; the action must not run then.
    pub fn record_judged(&self, action: Arc<Action>, decision: Decision) -> Result<(), StoreError> {
        let body = serde_json::to_string(&*action)?;
        let judged = serde_json::to_string(&decision)?;
        let frame = frame(JUDGED, &[body.as_bytes(), judged.as_bytes()], action.payload())?;
        self.journal(&frame, Allowed::Judged(Box::new(Judged { action, decision, body, judged })))
    }

    /// Records what became of an action that policy allowed without people, as surely as
    /// [`Store::record_judged`] does. An outcome is recorded once; later ones change nothing.
    ///
    /// # Errors
    /// When it could not be recorded; recovery will call it unknown.
    pub fn settle_allowed(
        &self,
        action: ActionId,
        outcome: Outcome,
        result: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ended = Ended { outcome, result, at: now };
        let head = serde_json::to_vec(&(action, &ended))?;
        let kind = if ended.result.is_some() { SETTLED_WITH_RESULT } else { SETTLED };
        let frame = frame(kind, &[&head], ended.result.as_deref().unwrap_or_default())?;
        self.journal(&frame, Allowed::Settled(action, Box::new(ended)))
    }
}

const JUDGED: u8 = b'J';
const SETTLED: u8 = b'S';
const SETTLED_WITH_RESULT: u8 = b'R';

/// `kind | (length u32 | part)* | rest`.
fn frame(kind: u8, parts: &[&[u8]], rest: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut frame = vec![kind];
    for part in parts {
        let length = u32::try_from(part.len()).map_err(|_cause| corrupt("too long"))?;
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(part);
    }
    frame.extend_from_slice(rest);
    Ok(frame)
}

fn corrupt(id: &str) -> StoreError {
    StoreError::Corrupt { what: "journal frame", id: id.to_owned() }
}

/// What a crash left in the journal, ready to be moved.
pub(crate) fn read_back(left: Left) -> Result<Vec<Waiting<Allowed>>, StoreError> {
    left.into_iter()
        .map(|(seq, body)| {
            let item = parse(&body).ok_or_else(|| corrupt(&seq.to_string()))?;
            Ok(Waiting { seq, framed: true, bytes: body.len(), item })
        })
        .collect()
}

fn parse(frame: &[u8]) -> Option<Allowed> {
    let (kind, rest) = frame.split_first()?;
    if matches!(*kind, batches::HEADING | batches::LINE) {
        return batches::parse(*kind, rest);
    }
    let (head, rest) = part(rest)?;
    if *kind == JUDGED {
        let (judged, payload) = part(rest)?;
        let mut action: Action = serde_json::from_slice(head).ok()?;
        action.put_payload(payload.to_vec());
        return Some(Allowed::Judged(Box::new(Judged {
            decision: serde_json::from_slice(judged).ok()?,
            body: String::from_utf8(head.to_vec()).ok()?,
            judged: String::from_utf8(judged.to_vec()).ok()?,
            action: Arc::new(action),
        })));
    }
    let (id, mut ended): (ActionId, Ended) = serde_json::from_slice(head).ok()?;
    ended.result = (*kind == SETTLED_WITH_RESULT).then(|| rest.to_vec());
    matches!(*kind, SETTLED | SETTLED_WITH_RESULT).then(|| Allowed::Settled(id, Box::new(ended)))
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// Moves everything in `line` into the database, in its order. An action whose outcome is in the line as well takes
/// one row and no second look.
pub(crate) fn settle_line(tx: &mut Tx<'_>, line: &[Waiting<Allowed>]) -> Result<(), StoreError> {
    let mut known: HashMap<ActionId, &Ended> = HashMap::new();
    for waiting in line {
        if let Allowed::Settled(id, ended) = &waiting.item {
            known.entry(*id).or_insert(ended);
        }
    }
    let mut passed = Gathered::default();
    for waiting in line {
        match &waiting.item {
            Allowed::Heading(digest, body) => batches::insert_heading(tx, digest, body)?,
            Allowed::Passed(at, line) => passed.add(*at, line),
            Allowed::Judged(judged) => insert(tx, judged, known.remove(&judged.action.id()))?,
            Allowed::Settled(id, _) => {
                if let Some(ended) = known.remove(id) {
                    settle(tx, *id, ended)?;
                }
            }
        }
    }
    passed.insert(tx)?;
    let Some(last) = line.last() else { return Ok(()) };
    let last = i64::try_from(last.seq).unwrap_or(i64::MAX);
    tx.exec("journal.moved", "UPDATE log_state SET journaled = ?1", [last])?;
    Ok(())
}

fn insert(tx: &mut Tx<'_>, judged: &Judged, ended: Option<&Ended>) -> Result<(), StoreError> {
    let allowed = matches!(judged.decision, Decision::Allow(_));
    let ended = ended.filter(|_| allowed);
    let progress = if allowed && ended.is_none() { Progress::Released } else { Progress::Ended };
    let requested = Requested {
        action: &judged.action,
        decision: &judged.decision,
        body: &judged.body,
        judged: &judged.judged,
        progress,
        review: None,
        ended,
    };
    actions::insert(tx, &requested)?;
    ended.map_or(Ok(()), |ended| tell(tx, judged.action.id(), ended))
}

/// The outcome of an action that came with an earlier line. One that has ended is left as it is.
fn settle(tx: &mut Tx<'_>, id: ActionId, ended: &Ended) -> Result<(), StoreError> {
    if actions::end(tx, id, &ended.outcome, ended.result.as_deref(), ended.at)? {
        tell(tx, id, ended)?;
    }
    Ok(())
}

fn tell(tx: &mut Tx<'_>, id: ActionId, ended: &Ended) -> Result<(), StoreError> {
    let record = entries::settled(tx, &id, None, &ended.outcome, ended.at);
    tx.append(&record, ended.at)?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
