//! Who has read the record? Reading a receipt is written into the action's own case before the receipt is handed out.

use std::time::Duration;

use countersign_core::{ActionId, PersonId, Timestamp};
use countersign_ledger::receipt::Receipt;
use countersign_ledger::{Actor, Content, Kind};
use rusqlite::{Connection, params};

use crate::{Durability, Store, StoreError, entries, people};

/// Who reads again within this adds no entry: else one person could fill a case until its receipt is too large to be
/// read by anybody.
const ONCE_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// Who reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    /// A signed-in person.
    Person {
        /// Who.
        id: PersonId,
        /// The name at this moment.
        name: String,
    },
    /// Somebody at the command line.
    Administrator,
}

impl Reader {
    fn actor(&self) -> Actor {
        match self {
            Self::Person { id, .. } => entries::person(*id),
            Self::Administrator => people::administrator(),
        }
    }

    fn content(self) -> Vec<Content> {
        match self {
            Self::Person { id, name } => vec![Content::new("name", name).about(id.to_string())],
            Self::Administrator => Vec::new(),
        }
    }
}

impl Store {
    /// [`Store::receipt`] for a reader, which is recorded: once a day for each reader and action.
    ///
    /// # Errors
    /// As [`Store::receipt`]; what can't be recorded is not handed out.
    pub async fn read_receipt(
        &self,
        action: ActionId,
        reader: Reader,
        now: Timestamp,
    ) -> Result<Option<Receipt>, StoreError> {
        let case = action.to_string();
        let there = self.write(Durability::Full, move |tx| {
            let sql = "SELECT EXISTS (SELECT 1 FROM entries WHERE case_id = ?1)";
            let there: bool = tx.conn().prepare_cached(sql)?.query_row([&case], |row| row.get(0))?;
            if !there || has_read(tx.conn(), &case, &reader.actor(), now)? {
                return Ok(there);
            }
            let record = entries::about(tx, Kind::AuditRead, &case, reader.actor(), reader.content(), now);
            tx.append(&record, now)?;
            Ok(true)
        });
        if there.await? { self.receipt(action).await } else { Ok(None) }
    }
}

fn has_read(conn: &Connection, case: &str, actor: &Actor, now: Timestamp) -> Result<bool, StoreError> {
    let since = now.as_micros().saturating_sub(i64::try_from(ONCE_WITHIN.as_micros()).unwrap_or(0));
    // The cast is needed: SQLite takes a blob for JSON of its own binary form.
    let sql = "SELECT EXISTS (SELECT 1 FROM entries WHERE case_id = ?1 AND kind = ?2 AND time > ?3
                   AND json_extract(CAST(leaf AS TEXT), '$.actor.id') = ?4)";
    let kind = Kind::AuditRead.word();
    Ok(conn.prepare_cached(sql)?.query_row(params![case, kind, since, actor.id], |row| row.get(0))?)
}

#[cfg(test)]
mod tests;
