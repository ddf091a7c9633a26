//! How is what was recorded about somebody made unreadable for ever? The keys that sealed it are destroyed with the rows,
//! and the ledger says that it happened. Leaves, tree and proofs stay as they are.

use countersign_core::{ActionId, PersonId, Timestamp};
use countersign_ledger::Kind;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::actions::{self, parse};
use crate::people::{StoredPerson, administrator, find_person, record};
use crate::{Durability, Store, StoreError, Tx, reviews};

/// What stands for the name of somebody who was erased.
const ERASED: &str = "(erased)";

/// What erasing brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasure {
    /// It is done; the actions whose content is gone.
    Done(Vec<ActionId>),
    /// There is no such person or action, or it was erased before.
    NotFound,
    /// The person has not been removed yet.
    StillHere,
    /// These actions have not ended yet. Nothing was erased.
    Unfinished(Vec<ActionId>),
}

impl Store {
    /// Erases what is known about a person who was removed: the name, what it said in votes, sessions and passkeys, and
    /// the whole content of every action that the person asked for or that an agent asked for in the person's name.
    /// The random id stays, in the ledger.
    ///
    /// # Errors
    /// When it could not be recorded; then nothing was erased.
    pub async fn erase_person(&self, name_key: String, now: Timestamp) -> Result<Erasure, StoreError> {
        self.write(Durability::Full, move |tx| {
            let Some(person) = find_person(tx.conn(), &name_key)? else { return Ok(Erasure::NotFound) };
            if person.removed_at.is_none() {
                return Ok(Erasure::StillHere);
            }
            let asked = asked_by(tx.conn(), person.id)?;
            let open: Vec<_> = asked.iter().filter(|action| !action.ended).map(|action| action.id).collect();
            if !open.is_empty() {
                return Ok(Erasure::Unfinished(open));
            }
            let actions: Vec<_> = asked.iter().map(|action| action.id).collect();
            for action in &actions {
                erase_action(tx, *action, now)?;
            }
            forget_votes(tx, person.id)?;
            forget(tx, &person)?;
            let entry = record(tx, Kind::SubjectErased, person.id.to_string(), administrator(), now);
            tx.append(&entry, now)?;
            Ok(Erasure::Done(actions))
        })
        .await
    }

    /// Erases the whole content of one action that has ended: its bytes, what was said about it and why, its preview,
    /// its answer. What people who voted said stays with them.
    ///
    /// # Errors
    /// When it could not be recorded; then nothing was erased.
    pub async fn erase_action(&self, action: ActionId, now: Timestamp) -> Result<Erasure, StoreError> {
        self.write(Durability::Full, move |tx| {
            let sql = "SELECT progress = 'ended' FROM actions WHERE id = ?1";
            let ended: Option<bool> = tx
                .conn()
                .prepare_cached(sql)?
                .query_row([action.to_string()], |row| row.get(0))
                .optional()?;
            match ended {
                None => Ok(Erasure::NotFound),
                Some(false) => Ok(Erasure::Unfinished(vec![action])),
                Some(true) => {
                    erase_action(tx, action, now)?;
                    Ok(Erasure::Done(vec![action]))
                }
            }
        })
        .await
    }
}

struct Found {
    id: ActionId,
    ended: bool,
}

/// Actions in whose chain of requesters the person stands.
fn asked_by(conn: &Connection, person: PersonId) -> Result<Vec<Found>, StoreError> {
    let sql = format!(
        "SELECT a.id, a.progress = 'ended' FROM actions a JOIN keys k ON k.owner = a.id
         WHERE instr(CAST({} AS TEXT), ?1) > 0 ORDER BY a.seq",
        actions::OPENED_BODY
    );
    conn.prepare(&sql)?
        .query_map([person.to_string()], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?
        .map(|row| {
            let (id, ended) = row?;
            Ok(Found { id: parse("action", &id)?, ended })
        })
        .collect()
}

fn erase_action(tx: &mut Tx<'_>, action: ActionId, now: Timestamp) -> Result<(), StoreError> {
    let id = action.to_string();
    destroy(tx, &id)?;
    let views = "DELETE FROM views WHERE review_id IN (SELECT id FROM reviews WHERE action_id = ?1)";
    tx.exec("views", views, [&id])?;
    tx.exec("reviews", "DELETE FROM reviews WHERE action_id = ?1", [&id])?;
    tx.exec("actions", "DELETE FROM actions WHERE id = ?1", [&id])?;
    let entry = record(tx, Kind::SubjectErased, id, administrator(), now);
    tx.append(&entry, now)?;
    Ok(())
}

/// Destroys the key of `owner` and what it sealed beside the ledger.
fn destroy(tx: &Tx<'_>, owner: &str) -> Result<(), StoreError> {
    tx.exec("keys", "DELETE FROM keys WHERE owner = ?1", [owner])?;
    tx.exec("contents", "DELETE FROM contents WHERE owner = ?1", [owner])?;
    Ok(())
}

/// Takes the person's name and reasons out of the reviews that stay.
fn forget_votes(tx: &mut Tx<'_>, person: PersonId) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT r.id, r.action_id, {body} FROM reviews r JOIN keys k ON k.owner = r.action_id
         WHERE instr(CAST({body} AS TEXT), ?1) > 0",
        body = reviews::OPENED_BODY
    );
    let found = tx
        .conn()
        .prepare(&sql)?
        .query_map([person.to_string()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<Vec<(String, String, Vec<u8>)>, _>>()?;
    for (id, action, body) in found {
        let mut review = reviews::from_body(&body)?;
        for vote in review.votes.iter_mut().filter(|vote| vote.person == person) {
            ERASED.clone_into(&mut vote.name);
            vote.reason.clear();
        }
        let body = tx.sealed(&action, "reviews.body", &serde_json::to_vec(&review)?)?;
        tx.exec("reviews.votes", "UPDATE reviews SET body = ?2 WHERE id = ?1", params![id, body])?;
    }
    Ok(())
}

/// Everything about the person that is no action and no review.
fn forget(tx: &Tx<'_>, person: &StoredPerson) -> Result<(), StoreError> {
    let id = person.id.to_string();
    destroy(tx, &id)?;
    for (table, sql) in [
        ("sessions", "DELETE FROM sessions WHERE person = ?1"),
        ("passkeys", "DELETE FROM passkeys WHERE person = ?1"),
        ("invitations", "DELETE FROM invitations WHERE person = ?1"),
        ("challenges", "DELETE FROM challenges WHERE person = ?1"),
        ("idempotency", "DELETE FROM idempotency WHERE person = ?1"),
        ("headings", "DELETE FROM headings WHERE instr(body, ?1) > 0"),
        ("people", "UPDATE people SET name = id, name_key = id WHERE id = ?1"),
    ] {
        tx.exec(table, sql, [&id])?;
    }
    Ok(())
}
