//! Was this API request answered before? The stored answer of a person's key.

use countersign_core::{Digest, PersonId, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use crate::{Durability, Store, StoreError};

/// An answer given before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The request that it answered.
    pub request: Digest,
    /// HTTP status.
    pub status: u16,
    /// HTTP body.
    pub body: Vec<u8>,
}

impl Store {
    /// The answer stored under this person's key.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn recall(&self, person: PersonId, key: &str) -> Result<Option<Remembered>, StoreError> {
        self.read(|conn| {
            Ok(conn
                .prepare_cached(
                    "SELECT request, status, body FROM idempotency WHERE person = ?1 AND key = ?2",
                )?
                .query_row(params![person.to_string(), key], |row| {
                    Ok(Remembered {
                        request: Digest::from_bytes(row.get(0)?),
                        status: row.get(1)?,
                        body: row.get(2)?,
                    })
                })
                .optional()?)
        })
    }

    /// Stores an answer under this person's key; the first one stays.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn remember(
        &self,
        person: PersonId,
        key: String,
        answer: Remembered,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Durability::Full, move |tx| {
            tx.exec(
                "idempotency",
                "INSERT OR IGNORE INTO idempotency (person, key, request, status, body, time)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    person.to_string(),
                    key,
                    answer.request.as_bytes(),
                    answer.status,
                    answer.body,
                    now.as_micros()
                ],
            )?;
            Ok(())
        })
        .await
    }
}
