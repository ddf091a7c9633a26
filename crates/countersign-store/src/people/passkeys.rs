//! Which passkeys has a person enrolled, and when was each used?

use countersign_core::{PersonId, Timestamp};
use countersign_ledger::{Actor, Content, Kind};
use rusqlite::{Connection, Row, params};

use super::sessions::{self, SessionToStart, StoredSession};
use super::{from_json, human, optional_time, parse_id, record, to_json};
use crate::{Durability, Store, StoreError, Tx};

/// One passkey as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPasskey {
    /// What people see of it.
    pub id: String,
    /// The authenticator's own id.
    pub credential_id: Vec<u8>,
    /// Whose it is.
    pub person: PersonId,
    /// What the person calls it.
    pub label: String,
    /// The exact COSE bytes of the public key.
    pub public_key: Vec<u8>,
    /// The counter of its last use; zero for one that doesn't count.
    pub sign_count: u32,
    /// Whether it may leave the device.
    pub backup_eligible: bool,
    /// Transports, as hints for browsers.
    pub transports: Vec<String>,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When it was used last.
    pub last_used_at: Option<Timestamp>,
}

/// A passkey to be enrolled.
#[derive(Debug, Clone)]
pub struct PasskeyToEnrol {
    /// What is stored.
    pub passkey: StoredPasskey,
    /// Whether it has left the device.
    pub backed_up: bool,
    /// What the ledger keeps beside the leaf so that an auditor can check later signatures: key, attestation and
    /// the like, by name.
    pub evidence: Vec<(&'static str, String)>,
}

/// What a sign-in changes in a passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyUse {
    /// Which.
    pub id: String,
    /// The counter that the signature was compared with.
    pub sign_count_before: u32,
    /// The counter now.
    pub sign_count: u32,
    /// Whether it has left the device.
    pub backed_up: bool,
}

const SELECT: &str = "SELECT k.id, k.credential_id, k.person, k.label, k.public_key, k.sign_count, \
     k.backup_eligible, k.transports, k.enrolled_at, k.last_used_at FROM passkeys k";

impl Store {
    /// How many passkeys one person may have.
    pub const PASSKEYS_PER_PERSON_MAX: usize = 20;

    /// The passkey with this credential id, unless it was removed.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn passkey_by_credential(&self, credential_id: &[u8]) -> Result<Option<StoredPasskey>, StoreError> {
        self.read(|conn| select_one(conn, credential_id))
    }

    /// The person's passkeys, oldest first.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn passkeys_of(&self, person: PersonId) -> Result<Vec<StoredPasskey>, StoreError> {
        self.read(|conn| select_of(conn, person))
    }

    /// Enrols a passkey with its ledger entry.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn enrol_passkey(
        &self,
        new: PasskeyToEnrol,
        now: Timestamp,
    ) -> Result<PasskeyEnrolment, StoreError> {
        self.write(Durability::Full, move |tx| enrol(tx, &new, now)).await
    }

    /// Notes the use of a passkey and starts a session with it. `None` when it was removed or used by somebody else
    /// since it was read.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn sign_in_with_passkey(
        &self,
        used: PasskeyUse,
        session: SessionToStart,
        now: Timestamp,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.write(Durability::Full, move |tx| {
            let mut statement = tx.conn().prepare_cached(
                "UPDATE passkeys SET sign_count = ?3, backed_up = ?4, last_used_at = ?5 \
                 WHERE id = ?1 AND removed_at IS NULL AND sign_count = ?2 RETURNING person",
            )?;
            let mut rows = statement.query(params![
                used.id,
                used.sign_count_before,
                used.sign_count,
                used.backed_up,
                now.as_micros()
            ])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let person = parse_id("person", &row.get::<_, String>(0)?)?;
            drop(rows);
            drop(statement);
            sessions::start(tx, person, Some(&used.id), &session, now).map(Some)
        })
        .await
    }

    /// Removes a passkey of this person and ends the sessions that began with it. False when there is none.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn remove_passkey(
        &self,
        person: PersonId,
        id: String,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(Durability::Full, move |tx| remove(tx, person, &id, &human(person), now)).await
    }
}

/// What became of an enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyEnrolment {
    /// It is there.
    Enrolled,
    /// The credential is enrolled already, by this person or another.
    AlreadyEnrolled,
    /// The person has as many as one may have.
    TooMany,
    /// The person was removed meanwhile.
    PersonRemoved,
}

fn enrol(tx: &mut Tx<'_>, new: &PasskeyToEnrol, now: Timestamp) -> Result<PasskeyEnrolment, StoreError> {
    let passkey = &new.passkey;
    let present: bool = tx
        .conn()
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM people WHERE id = ?1 AND removed_at IS NULL)")?
        .query_row([passkey.person.to_string()], |row| row.get(0))?;
    if !present {
        return Ok(PasskeyEnrolment::PersonRemoved);
    }
    if select_one(tx.conn(), &passkey.credential_id)?.is_some() {
        return Ok(PasskeyEnrolment::AlreadyEnrolled);
    }
    if select_of(tx.conn(), passkey.person)?.len() >= Store::PASSKEYS_PER_PERSON_MAX {
        return Ok(PasskeyEnrolment::TooMany);
    }
    tx.exec(
        "passkeys",
        "INSERT INTO passkeys (id, credential_id, person, label, public_key, sign_count, backup_eligible, \
         backed_up, transports, enrolled_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            passkey.id,
            passkey.credential_id,
            passkey.person.to_string(),
            passkey.label,
            passkey.public_key,
            passkey.sign_count,
            passkey.backup_eligible,
            new.backed_up,
            to_json(&passkey.transports)?,
            now.as_micros()
        ],
    )?;
    let person = passkey.person;
    let mut entry = record(tx, Kind::CredentialEnrolled, person.to_string(), human(person), now);
    entry.content = vec![Content::new("passkey", &passkey.id), Content::new("label", &passkey.label)];
    entry.content.extend(new.evidence.iter().map(|(name, value)| Content::new(name, value)));
    tx.append(&entry, now)?;
    Ok(PasskeyEnrolment::Enrolled)
}

/// Removes every passkey of the person.
pub(super) fn remove_all(
    tx: &mut Tx<'_>,
    person: PersonId,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    for passkey in select_of(tx.conn(), person)? {
        remove(tx, person, &passkey.id, actor, now)?;
    }
    Ok(())
}

fn remove(
    tx: &mut Tx<'_>,
    person: PersonId,
    id: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let removed = tx.exec(
        "passkeys",
        "UPDATE passkeys SET removed_at = ?3 WHERE id = ?1 AND person = ?2 AND removed_at IS NULL",
        params![id, person.to_string(), now.as_micros()],
    )?;
    if removed == 0 {
        return Ok(false);
    }
    sessions::end_begun_with(tx, id, actor, now)?;
    let mut entry = record(tx, Kind::CredentialRevoked, person.to_string(), actor.clone(), now);
    entry.content = vec![Content::new("passkey", id)];
    tx.append(&entry, now)?;
    Ok(true)
}

fn select_one(conn: &Connection, credential_id: &[u8]) -> Result<Option<StoredPasskey>, StoreError> {
    let mut statement =
        conn.prepare_cached(&format!("{SELECT} WHERE k.credential_id = ?1 AND k.removed_at IS NULL"))?;
    let mut rows = statement.query([credential_id])?;
    rows.next()?.map(passkey).transpose()
}

fn select_of(conn: &Connection, person: PersonId) -> Result<Vec<StoredPasskey>, StoreError> {
    let mut statement = conn
        .prepare_cached(&format!("{SELECT} WHERE k.person = ?1 AND k.removed_at IS NULL ORDER BY k.seq"))?;
    statement.query_and_then([person.to_string()], passkey)?.collect()
}

fn passkey(row: &Row<'_>) -> Result<StoredPasskey, StoreError> {
    Ok(StoredPasskey {
        id: row.get(0)?,
        credential_id: row.get(1)?,
        person: parse_id("person", &row.get::<_, String>(2)?)?,
        label: row.get(3)?,
        public_key: row.get(4)?,
        sign_count: row.get(5)?,
        backup_eligible: row.get(6)?,
        transports: from_json("transports", &row.get::<_, String>(7)?)?,
        enrolled_at: Timestamp::from_micros(row.get(8)?),
        last_used_at: optional_time(row, 9)?,
    })
}
