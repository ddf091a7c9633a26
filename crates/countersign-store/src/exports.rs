//! What may leave the house, and how far has it come? Entries under the signed head in their order, and for each export
//! the first one that its target has not taken.

use std::collections::BTreeMap;

use countersign_core::Timestamp;
use countersign_ledger::{Actor, Content, Kind};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::tree::{signed, unsigned};
use crate::{Durability, Store, StoreError, Tx, entries, people};

/// The case of entries about the log itself.
const CASE: &str = "log";

/// An entry, with all that stands beside it and was not erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Where it stands.
    pub index: u64,
    /// The leaf's exact bytes.
    pub leaf: Vec<u8>,
    /// By name, without salts.
    pub content: BTreeMap<String, String>,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The first index.
    pub first: u64,
    /// The index after the last.
    pub end: u64,
    /// Not from before.
    pub from: Option<Timestamp>,
    /// Only from before.
    pub to: Option<Timestamp>,
}

impl Wanted {
    /// From `first` up to `end`, of any time.
    pub fn between(first: u64, end: u64) -> Self {
        Self { first, end, from: None, to: None }
    }

    fn times(&self) -> (i64, i64) {
        let micros = |time: Option<Timestamp>, none| time.map_or(none, Timestamp::as_micros);
        (micros(self.from, i64::MIN), micros(self.to, i64::MAX))
    }
}

/// What an export takes where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportTerms {
    /// `json`, `ocsf`, `otlp` or `cef`.
    pub format: String,
    /// Where it goes, without credentials.
    pub target: String,
    /// The names of the content that it shows, with commas between.
    pub shown: String,
}

/// An export, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredExport {
    /// Its name in the configuration.
    pub name: String,
    /// The first entry that its target has not taken.
    pub next: u64,
    /// When it began.
    pub began_at: Timestamp,
}

impl Store {
    /// Wanted entries in their order, at most `limit`.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn entries(&self, wanted: Wanted, limit: u16) -> Result<Vec<StoredEntry>, StoreError> {
        self.read(|conn| page(conn, wanted, limit))
    }

    /// How many entries are wanted.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn count_entries(&self, wanted: Wanted) -> Result<u64, StoreError> {
        self.read_long(move |conn| {
            let (from, to) = wanted.times();
            let sql =
                "SELECT count(*) FROM entries WHERE idx >= ?1 AND idx < ?2 AND time >= ?3 AND time < ?4";
            let bounds = params![signed(wanted.first), signed(wanted.end), from, to];
            Ok(unsigned(conn.prepare_cached(sql)?.query_row(bounds, |row| row.get(0))?))
        })
        .await
    }

    /// The size of the signed tree as soon as it has more than `size` entries. `None` when the store is closed.
    pub async fn signed_beyond(&self, size: u64) -> Option<u64> {
        let mut heads = self.0.signed.clone();
        let beyond = heads.wait_for(|head| head.as_ref().is_some_and(|head| head.size > size)).await.ok()?;
        beyond.as_ref().map(|head| head.size)
    }

    /// Where an export goes on. The first time, and when its terms are others than before, that is recorded: it begins
    /// with the ledger's first entry or with the one that tells of it.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub async fn begin_export(
        &self,
        name: String,
        terms: ExportTerms,
        from_start: bool,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write(Durability::Full, move |tx| {
            let written = serde_json::to_string(&(&terms.format, &terms.target, &terms.shown))?;
            let known = known(tx.conn(), &name)?;
            let next = match &known {
                Some((next, before)) if *before == written => return Ok(*next),
                Some((next, _)) => *next,
                None if from_start => 0,
                None => tx.size(),
            };
            let told = [("by", format!("export {name}")), ("from", next.to_string())];
            tell(tx, entries::system(), &terms, told.into(), now)?;
            tx.exec(
                "exports",
                "INSERT OR REPLACE INTO exports (name, next, terms, began_at) VALUES (?1, ?2, ?3, ?4)",
                params![name, signed(next), written, now.as_micros()],
            )?;
            Ok(next)
        })
        .await
    }

    /// Notes that an export's target has taken everything before `next`. After a power cut it may be offered again.
    ///
    /// # Errors
    /// When it could not be noted.
    pub async fn export_reached(&self, name: String, next: u64) -> Result<(), StoreError> {
        self.write(Durability::Relaxed, move |tx| {
            let sql = "UPDATE exports SET next = ?2 WHERE name = ?1 AND next < ?2";
            tx.exec("exports", sql, params![name, signed(next)])?;
            Ok(())
        })
        .await
    }

    /// Records that somebody at the command line takes `count` entries away.
    ///
    /// # Errors
    /// When it could not be recorded; then nothing may leave.
    pub async fn record_export(
        &self,
        terms: ExportTerms,
        wanted: Wanted,
        count: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Durability::Full, move |tx| {
            let mut told = vec![("by", "administrator".to_owned()), ("count", count.to_string())];
            told.push((
                "from",
                wanted.from.map_or_else(|| wanted.first.to_string(), |from| from.to_string()),
            ));
            told.extend(wanted.to.map(|to| ("to", to.to_string())));
            tell(tx, people::administrator(), &terms, told, now)
        })
        .await
    }

    /// Every export that has ever begun here, by name.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn exports(&self) -> Result<Vec<StoredExport>, StoreError> {
        self.read(|conn| {
            let export = |row: &Row<'_>| {
                Ok(StoredExport {
                    name: row.get(0)?,
                    next: unsigned(row.get(1)?),
                    began_at: Timestamp::from_micros(row.get(2)?),
                })
            };
            let sql = "SELECT name, next, began_at FROM exports ORDER BY name";
            Ok(conn.prepare_cached(sql)?.query_map([], export)?.collect::<Result<_, _>>()?)
        })
    }
}

/// The one place where entries are read to leave, with their content.
fn page(conn: &Connection, wanted: Wanted, limit: u16) -> Result<Vec<StoredEntry>, StoreError> {
    let (from, to) = wanted.times();
    let mut statement = conn.prepare_cached(
        "SELECT idx, leaf FROM entries WHERE idx >= ?1 AND idx < ?2 AND time >= ?3 AND time < ?4
         ORDER BY idx LIMIT ?5",
    )?;
    let mut rows = statement.query(params![signed(wanted.first), signed(wanted.end), from, to, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let content = entries::beside(conn, row.get(0)?)?;
        // The action's bytes have no value here, and don't leave.
        let content = content.into_iter().filter_map(|(name, (_salt, value))| Some((name, value?))).collect();
        found.push(StoredEntry { index: unsigned(row.get(0)?), leaf: row.get(1)?, content });
    }
    Ok(found)
}

/// How far an export has come, and its terms as they are written down.
fn known(conn: &Connection, name: &str) -> Result<Option<(u64, String)>, StoreError> {
    let sql = "SELECT next, terms FROM exports WHERE name = ?1";
    let read = |row: &Row<'_>| Ok((unsigned(row.get(0)?), row.get(1)?));
    Ok(conn.prepare_cached(sql)?.query_row([name], read).optional()?)
}

/// `audit.exported`: who takes what away.
fn tell(
    tx: &mut Tx<'_>,
    actor: Actor,
    terms: &ExportTerms,
    told: Vec<(&str, String)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut content: Vec<Content> = told.into_iter().map(|(name, value)| Content::new(name, value)).collect();
    content.extend([
        Content::new("format", &terms.format),
        Content::new("target", &terms.target),
        Content::new("shown", &terms.shown),
    ]);
    let record = entries::about(tx, Kind::AuditExported, CASE, actor, content, now);
    tx.append(&record, now)?;
    Ok(())
}

#[cfg(test)]
mod tests;
