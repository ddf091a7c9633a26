//! Which challenges were issued to browsers and not yet answered?

use countersign_core::{Digest, PersonId, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::parse_id;
use crate::{Durability, Store, StoreError};

/// A challenge that was issued, with what it is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChallenge {
    /// Who enrols with it; `None` when it is for signing in.
    pub person: Option<PersonId>,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Store {
    /// Anybody can ask for a challenge, so beyond this many the oldest are forgotten.
    pub const CHALLENGES_MAX: u32 = 10_000;

    /// Keeps a challenge until it is answered.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn keep_challenge(
        &self,
        hash: Digest,
        challenge: StoredChallenge,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Durability::Relaxed, move |tx| {
            tx.exec("challenges", "DELETE FROM challenges WHERE expires_at <= ?1", [now.as_micros()])?;
            tx.exec(
                "challenges",
                "DELETE FROM challenges WHERE hash IN \
                 (SELECT hash FROM challenges ORDER BY expires_at DESC LIMIT -1 OFFSET ?1)",
                [Self::CHALLENGES_MAX - 1],
            )?;
            tx.exec(
                "challenges",
                "INSERT INTO challenges (hash, person, expires_at) VALUES (?1, ?2, ?3)",
                params![
                    hash.as_bytes().as_slice(),
                    challenge.person.map(|person| person.to_string()),
                    challenge.expires_at.as_micros()
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// Takes the challenge out, so that nobody can answer it again, whatever becomes of this answer. `None` when it
    /// was never issued, was answered before or was forgotten.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn take_challenge(&self, hash: Digest) -> Result<Option<StoredChallenge>, StoreError> {
        self.write(Durability::Relaxed, move |tx| {
            let taken: Option<(Option<String>, i64)> = tx
                .conn()
                .prepare_cached("DELETE FROM challenges WHERE hash = ?1 RETURNING person, expires_at")?
                .query_row([hash.as_bytes().as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((person, expires_at)) = taken else { return Ok(None) };
            let person = person.map(|person| parse_id("person", &person)).transpose()?;
            Ok(Some(StoredChallenge { person, expires_at: Timestamp::from_micros(expires_at) }))
        })
        .await
    }
}
