//! Which rights hold at this moment? Looked up again just before an approved action runs.

use std::collections::BTreeSet;

use countersign_core::{AgentId, PersonId, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use crate::{Store, StoreError};

impl Store {
    /// The person's groups; `None` when the person was removed or never was.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn groups_of(&self, person: PersonId) -> Result<Option<BTreeSet<String>>, StoreError> {
        self.read(|conn| {
            let groups: Option<String> = conn
                .prepare_cached("SELECT groups FROM people WHERE id = ?1 AND removed_at IS NULL")?
                .query_row([person.to_string()], |row| row.get(0))
                .optional()?;
            Ok(groups.as_deref().map(serde_json::from_str).transpose()?)
        })
    }

    /// Whether the agent would still be let in.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn agent_stands(&self, agent: AgentId, now: Timestamp) -> Result<bool, StoreError> {
        self.read(|conn| {
            Ok(conn
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM agents WHERE id = ?1 AND revoked_at IS NULL AND expires_at > ?2)",
                )?
                .query_row(params![agent.to_string(), now.as_micros()], |row| row.get(0))?)
        })
    }
}
