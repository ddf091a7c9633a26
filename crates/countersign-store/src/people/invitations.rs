//! Who was handed a one-time link, and was it used?

use std::collections::BTreeSet;

use countersign_core::{Digest, PersonId, Timestamp};
use countersign_ledger::{Content, Kind};
use rusqlite::{OptionalExtension as _, params};

use super::sessions::{self, SessionToStart, StoredSession};
use super::{StoredPerson, administrator, find_person, parse_id, record, to_json, write_groups};
use crate::{Durability, Store, StoreError, Tx};

/// A one-time link to be made.
#[derive(Debug, Clone)]
pub struct InvitationToMake {
    /// The id that the person gets when the name is new.
    pub fresh_id: PersonId,
    /// The name.
    pub name: String,
    /// The name in lower case.
    pub name_key: String,
    /// The person's groups from now on; empty leaves them as they are.
    pub groups: BTreeSet<String>,
    /// The hash of the link's token.
    pub token_hash: Digest,
    /// When the link ends.
    pub expires_at: Timestamp,
}

/// A one-time link that nobody used yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredInvitation {
    /// For whom.
    pub name: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Store {
    /// Makes a one-time link, and the person when the name is new. Earlier links of the person end.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn invite(&self, new: InvitationToMake, now: Timestamp) -> Result<StoredPerson, StoreError> {
        self.write(Durability::Full, move |tx| invite(tx, &new, now)).await
    }

    /// The unused link with this token, whether or not it has ended.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn invitation(&self, token_hash: &Digest) -> Result<Option<StoredInvitation>, StoreError> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT p.name, i.expires_at FROM invitations i JOIN people p ON p.id = i.person \
                 WHERE i.token_hash = ?1 AND i.spent_at IS NULL",
            )?;
            let found = statement.query_row([token_hash.as_bytes().as_slice()], |row| {
                Ok(StoredInvitation { name: row.get(0)?, expires_at: Timestamp::from_micros(row.get(1)?) })
            });
            Ok(found.optional()?)
        })
    }

    /// Uses up the link and starts a session: one compare-and-swap, so that of two who come at the same time one
    /// gets in. `None` when the link is unknown, used or ended.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn accept_invitation(
        &self,
        token_hash: Digest,
        session: SessionToStart,
        now: Timestamp,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.write(Durability::Full, move |tx| {
            let person: Option<String> = tx
                .conn()
                .prepare_cached(
                    "UPDATE invitations SET spent_at = ?2 \
                     WHERE token_hash = ?1 AND spent_at IS NULL AND expires_at > ?2 RETURNING person",
                )?
                .query_row(params![token_hash.as_bytes().as_slice(), now.as_micros()], |row| row.get(0))
                .optional()?;
            let Some(person) = person else { return Ok(None) };
            sessions::start(tx, parse_id("person", &person)?, None, &session, now).map(Some)
        })
        .await
    }
}

fn invite(tx: &mut Tx<'_>, new: &InvitationToMake, now: Timestamp) -> Result<StoredPerson, StoreError> {
    let mut person = match find_person(tx.conn(), &new.name_key)? {
        Some(person) => person,
        None => create(tx, new, now)?,
    };
    if person.removed_at.take().is_some() {
        let id = person.id.to_string();
        tx.exec("people", "UPDATE people SET removed_at = NULL WHERE id = ?1", [id])?;
    }
    if !new.groups.is_empty() {
        write_groups(tx, person.id, &new.groups)?;
        person.groups.clone_from(&new.groups);
    }
    spend_all(tx, person.id, now)?;
    tx.exec(
        "invitations",
        "INSERT INTO invitations (token_hash, person, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![
            new.token_hash.as_bytes().as_slice(),
            person.id.to_string(),
            now.as_micros(),
            new.expires_at.as_micros()
        ],
    )?;
    let mut entry = record(tx, Kind::PersonInvited, person.id.to_string(), administrator(), now);
    entry.content = vec![
        Content::new("name", &person.name),
        Content::new("groups", to_json(&person.groups)?),
        Content::new("expires_at", new.expires_at.to_string()),
    ];
    tx.append(&entry, now)?;
    Ok(person)
}

fn create(tx: &Tx<'_>, new: &InvitationToMake, now: Timestamp) -> Result<StoredPerson, StoreError> {
    tx.exec(
        "people",
        "INSERT INTO people (id, name, name_key, groups, created_at) VALUES (?1, ?2, ?3, '[]', ?4)",
        params![new.fresh_id.to_string(), new.name, new.name_key, now.as_micros()],
    )?;
    Ok(StoredPerson {
        id: new.fresh_id,
        name: new.name.clone(),
        groups: BTreeSet::new(),
        created_at: now,
        removed_at: None,
    })
}

/// Ends every unused link of the person.
pub(super) fn spend_all(tx: &Tx<'_>, person: PersonId, now: Timestamp) -> Result<(), StoreError> {
    tx.exec(
        "invitations",
        "UPDATE invitations SET spent_at = ?2 WHERE person = ?1 AND spent_at IS NULL",
        params![person.to_string(), now.as_micros()],
    )?;
    Ok(())
}
