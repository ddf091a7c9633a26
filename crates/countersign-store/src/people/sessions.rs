//! Who is signed in, since when, and how surely?

use std::pin::pin;
use std::task::{Context, Waker};

use countersign_core::{Assurance, Digest, PersonId, Timestamp};
use countersign_ledger::{Actor, Content, Kind};
use rusqlite::{Connection, Row, params};

use super::{StoredPerson, administrator, from_json, human, optional_time, parse_id, record};
use crate::{Durability, Store, StoreError, Tx};

/// A session to be started.
#[derive(Debug, Clone)]
pub struct SessionToStart {
    /// What people see of it; not a secret.
    pub id: String,
    /// The hash of its token.
    pub token_hash: Digest,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// One session as stored, with its person at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// What people see of it.
    pub id: String,
    /// The hash of its token.
    pub token_hash: Digest,
    /// Whose it is.
    pub person: StoredPerson,
    /// How it began.
    pub assurance: Assurance,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// When it was used last, give or take a minute.
    pub last_seen_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

const SELECT: &str = "SELECT s.id, s.token_hash, s.assurance, s.started_at, s.expires_at, s.last_seen_at, \
     s.ended_at, p.id, p.name, p.groups, p.created_at, p.removed_at \
     FROM sessions s JOIN people p ON p.id = s.person";

impl Store {
    /// The session with this token, whether or not it is over, with the person's groups at this moment.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn session_by_token(&self, token_hash: &Digest) -> Result<Option<StoredSession>, StoreError> {
        self.read(|conn| select_one(conn, token_hash))
    }

    /// The person's sessions that were not ended, newest first.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn sessions_of(&self, person: PersonId) -> Result<Vec<StoredSession>, StoreError> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(&format!(
                "{SELECT} WHERE s.person = ?1 AND s.ended_at IS NULL ORDER BY s.started_at DESC, s.id"
            ))?;
            statement.query_and_then([person.to_string()], session)?.collect()
        })
    }

    /// Notes that the session was used, without waiting until that is written. A note that gets lost shortens the
    /// session, never lengthens it.
    pub fn note_session_seen(&self, token_hash: Digest, now: Timestamp) {
        let write = pin!(self.write(Durability::Relaxed, move |tx| {
            tx.exec(
                "sessions",
                "UPDATE sessions SET last_seen_at = max(last_seen_at, ?2) WHERE token_hash = ?1",
                params![token_hash.as_bytes().as_slice(), now.as_micros()],
            )?;
            Ok(())
        }));
        // The first poll hands the job to the writer, which runs it whether or not anybody waits.
        let _not_waited_for = write.poll(&mut Context::from_waker(Waker::noop()));
    }

    /// Ends one session of the person, by its token's hash or by its id. False when there was none.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn end_session(&self, which: SessionKey, now: Timestamp) -> Result<bool, StoreError> {
        self.write(Durability::Full, move |tx| {
            let (column, value): (_, Box<dyn rusqlite::ToSql>) = match &which {
                SessionKey::Token(hash) => ("s.token_hash", Box::new(hash.as_bytes().to_vec())),
                SessionKey::Id(id) => ("s.id", Box::new(id.clone())),
            };
            let found = {
                let mut statement = tx
                    .conn()
                    .prepare_cached(&format!("{SELECT} WHERE {column} = ?1 AND s.ended_at IS NULL"))?;
                let mut rows = statement.query([value])?;
                rows.next()?.map(session).transpose()?
            };
            let Some(found) = found else { return Ok(false) };
            end(tx, &found, &human(found.person.id), now)?;
            Ok(true)
        })
        .await
    }

    /// Ends every session of the person but the one to keep; returns how many.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn end_sessions_of(
        &self,
        person: PersonId,
        keep: Option<SessionKey>,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        self.write(Durability::Full, move |tx| {
            // Whoever keeps one is the person; an administrator keeps none.
            let actor = if keep.is_some() { human(person) } else { administrator() };
            end_all(tx, person, keep.as_ref(), &actor, now)
        })
        .await
    }
}

/// How one session is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionKey {
    /// By the hash of its token.
    Token(Digest),
    /// By its id.
    Id(String),
}

impl SessionKey {
    fn names(&self, session: &StoredSession) -> bool {
        match self {
            Self::Token(hash) => session.token_hash == *hash,
            Self::Id(id) => session.id == *id,
        }
    }
}

/// Starts a session of a person who was not removed.
pub(super) fn start(
    tx: &mut Tx<'_>,
    person: PersonId,
    passkey: Option<&str>,
    new: &SessionToStart,
    now: Timestamp,
) -> Result<StoredSession, StoreError> {
    let assurance = if passkey.is_some() { Assurance::Passkey } else { Assurance::Session };
    tx.exec("sessions", "DELETE FROM sessions WHERE expires_at <= ?1", [now.as_micros()])?;
    tx.exec(
        "sessions",
        "INSERT INTO sessions (token_hash, id, person, assurance, passkey, started_at, expires_at, last_seen_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6)",
        params![
            new.token_hash.as_bytes().as_slice(),
            new.id,
            person.to_string(),
            assurance.word(),
            passkey,
            now.as_micros(),
            new.expires_at.as_micros()
        ],
    )?;
    let mut entry = record(tx, Kind::PersonSignedIn, person.to_string(), human(person), now);
    entry.content = vec![Content::new("session", &new.id), Content::new("assurance", assurance.word())];
    if let Some(passkey) = passkey {
        entry.content.push(Content::new("passkey", passkey));
    }
    tx.append(&entry, now)?;
    let corrupt = || StoreError::Corrupt { what: "session", id: new.id.clone() };
    select_one(tx.conn(), &new.token_hash)?.ok_or_else(corrupt)
}

/// Ends the person's sessions but one; returns how many.
pub(super) fn end_all(
    tx: &mut Tx<'_>,
    person: PersonId,
    keep: Option<&SessionKey>,
    actor: &Actor,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let open: Vec<StoredSession> = open_where(tx, "s.person = ?1", &person.to_string())?
        .into_iter()
        .filter(|session| keep.is_none_or(|keep| !keep.names(session)))
        .collect();
    for session in &open {
        end(tx, session, actor, now)?;
    }
    Ok(open.len())
}

/// Ends the sessions that began with this passkey.
pub(super) fn end_begun_with(
    tx: &mut Tx<'_>,
    passkey: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    for session in open_where(tx, "s.passkey = ?1", passkey)? {
        end(tx, &session, actor, now)?;
    }
    Ok(())
}

fn open_where(tx: &Tx<'_>, condition: &str, value: &str) -> Result<Vec<StoredSession>, StoreError> {
    let mut statement = tx.conn().prepare_cached(&format!(
        "{SELECT} WHERE {condition} AND s.ended_at IS NULL ORDER BY s.started_at, s.id"
    ))?;
    statement.query_and_then([value], session)?.collect()
}

fn end(tx: &mut Tx<'_>, session: &StoredSession, actor: &Actor, now: Timestamp) -> Result<(), StoreError> {
    tx.exec(
        "sessions",
        "UPDATE sessions SET ended_at = ?2 WHERE id = ?1",
        params![session.id, now.as_micros()],
    )?;
    let mut entry = record(tx, Kind::SessionEnded, session.person.id.to_string(), actor.clone(), now);
    entry.content = vec![Content::new("session", &session.id)];
    tx.append(&entry, now)?;
    Ok(())
}

fn select_one(conn: &Connection, token_hash: &Digest) -> Result<Option<StoredSession>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE s.token_hash = ?1"))?;
    let mut rows = statement.query([token_hash.as_bytes().as_slice()])?;
    rows.next()?.map(session).transpose()
}

fn session(row: &Row<'_>) -> Result<StoredSession, StoreError> {
    Ok(StoredSession {
        id: row.get(0)?,
        token_hash: Digest::from_bytes(row.get(1)?),
        assurance: parse_id("assurance", &row.get::<_, String>(2)?)?,
        started_at: Timestamp::from_micros(row.get(3)?),
        expires_at: Timestamp::from_micros(row.get(4)?),
        last_seen_at: Timestamp::from_micros(row.get(5)?),
        ended_at: optional_time(row, 6)?,
        person: StoredPerson {
            id: parse_id("person", &row.get::<_, String>(7)?)?,
            name: row.get(8)?,
            groups: from_json("groups", &row.get::<_, String>(9)?)?,
            created_at: Timestamp::from_micros(row.get(10)?),
            removed_at: optional_time(row, 11)?,
        },
    })
}
