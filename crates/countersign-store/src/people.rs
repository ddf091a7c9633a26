//! Which people are known, and which groups do they hold at this moment?

mod challenges;
mod invitations;
mod passkeys;
mod sessions;

use std::collections::BTreeSet;
use std::str::FromStr;

use countersign_core::{PersonId, Timestamp};
use countersign_ledger::{Actor, ActorKind, Content, Kind, Record};
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::agents::revoke_agents_of;
use crate::{Durability, Store, StoreError, Tx};

pub use challenges::StoredChallenge;
pub use invitations::{InvitationToMake, StoredInvitation};
pub use passkeys::{PasskeyEnrolment, PasskeyToEnrol, PasskeyUse, StoredPasskey};
pub use sessions::{SessionKey, SessionToStart, StoredSession};

/// One person as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPerson {
    /// Who.
    pub id: PersonId,
    /// The name.
    pub name: String,
    /// Groups at this moment; none after removal.
    pub groups: BTreeSet<String>,
    /// When the person was first invited.
    pub created_at: Timestamp,
    /// When the person was removed.
    pub removed_at: Option<Timestamp>,
}

const SELECT: &str = "SELECT id, name, groups, created_at, removed_at FROM people";

impl Store {
    /// Every person who was not removed, by name.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn people(&self) -> Result<Vec<StoredPerson>, StoreError> {
        self.read(|conn| {
            let mut statement =
                conn.prepare_cached(&format!("{SELECT} WHERE removed_at IS NULL ORDER BY name_key"))?;
            statement.query_and_then([], person)?.collect()
        })
    }

    /// The person with this name in lower case, also when removed: a name stays with its person.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn person_by_name(&self, name_key: &str) -> Result<Option<StoredPerson>, StoreError> {
        self.read(|conn| find_person(conn, name_key))
    }

    /// Sets the groups of a person who was not removed. `None` when there is no such person.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn set_groups(
        &self,
        name_key: String,
        groups: BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Option<StoredPerson>, StoreError> {
        self.write(Durability::Full, move |tx| {
            let Some(person) = present(tx.conn(), &name_key)? else { return Ok(None) };
            write_groups(tx, person.id, &groups)?;
            let mut entry = record(tx, Kind::PersonInvited, person.id.to_string(), administrator(), now);
            entry.content =
                vec![Content::new("name", &person.name), Content::new("groups", to_json(&groups)?)];
            tx.append(&entry, now)?;
            Ok(Some(StoredPerson { groups, ..person }))
        })
        .await
    }

    /// Removes a person: groups, sessions, invitations and passkeys end, and so do the agents that the person
    /// owns or that act for the person. The name stays with the id, so that an invitation later brings back the
    /// same person, with the same past. `None` when there is no such person.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn remove_person(
        &self,
        name_key: String,
        now: Timestamp,
    ) -> Result<Option<StoredPerson>, StoreError> {
        self.write(Durability::Full, move |tx| {
            let Some(person) = present(tx.conn(), &name_key)? else { return Ok(None) };
            remove(tx, &person, now)?;
            Ok(Some(person))
        })
        .await
    }
}

fn remove(tx: &mut Tx<'_>, person: &StoredPerson, now: Timestamp) -> Result<(), StoreError> {
    let id = person.id.to_string();
    tx.exec(
        "people",
        "UPDATE people SET removed_at = ?2, groups = '[]' WHERE id = ?1",
        params![id, now.as_micros()],
    )?;
    sessions::end_all(tx, person.id, None, &administrator(), now)?;
    invitations::spend_all(tx, person.id, now)?;
    passkeys::remove_all(tx, person.id, &administrator(), now)?;
    revoke_agents_of(tx, person.id, now)?;
    let mut entry = record(tx, Kind::PersonRemoved, id, administrator(), now);
    entry.content = vec![Content::new("name", &person.name)];
    tx.append(&entry, now)?;
    Ok(())
}

fn write_groups(tx: &Tx<'_>, person: PersonId, groups: &BTreeSet<String>) -> Result<(), StoreError> {
    tx.exec(
        "people",
        "UPDATE people SET groups = ?2 WHERE id = ?1",
        params![person.to_string(), to_json(groups)?],
    )?;
    Ok(())
}

/// The person with this name, also when removed.
pub(crate) fn find_person(conn: &Connection, name_key: &str) -> Result<Option<StoredPerson>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE name_key = ?1"))?;
    let mut rows = statement.query([name_key])?;
    rows.next()?.map(person).transpose()
}

fn present(conn: &Connection, name_key: &str) -> Result<Option<StoredPerson>, StoreError> {
    Ok(find_person(conn, name_key)?.filter(|person| person.removed_at.is_none()))
}

fn person(row: &Row<'_>) -> Result<StoredPerson, StoreError> {
    Ok(StoredPerson {
        id: parse_id("person", &row.get::<_, String>(0)?)?,
        name: row.get(1)?,
        groups: from_json("groups", &row.get::<_, String>(2)?)?,
        created_at: Timestamp::from_micros(row.get(3)?),
        removed_at: optional_time(row, 4)?,
    })
}

/// The head of a ledger record about people or agents.
pub(crate) fn record(tx: &Tx<'_>, kind: Kind, case: String, actor: Actor, now: Timestamp) -> Record {
    Record::new(kind, tx.record_id(now), now.to_string(), case, actor)
}

/// Whoever works at the command line of the gateway's machine.
pub(crate) fn administrator() -> Actor {
    Actor { kind: ActorKind::System, id: "administrator".to_owned() }
}

fn human(person: PersonId) -> Actor {
    Actor { kind: ActorKind::Human, id: person.to_string() }
}

pub(crate) fn parse_id<T: FromStr>(what: &'static str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_unreadable| StoreError::Corrupt { what, id: text.to_owned() })
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    Ok(serde_json::to_string(value)?)
}

pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_unreadable| StoreError::Corrupt { what, id: text.to_owned() })
}

pub(crate) fn optional_time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
}

#[cfg(test)]
mod tests;
