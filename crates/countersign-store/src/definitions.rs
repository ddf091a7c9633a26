//! Which tool definitions did people accept? The pins, by resource and tool.

use countersign_core::{Digest, Timestamp};
use countersign_ledger::{Content, Kind};
use rusqlite::{OptionalExtension as _, params};

use crate::{Durability, Store, StoreError, entries};

/// A pinned definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The tool.
    pub tool: String,
    /// SHA-256 of the definition.
    pub digest: Digest,
    /// The definition as JSON.
    pub definition: String,
}

impl Store {
    /// Everything pinned for a resource; empty when it was never listed.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn definitions(&self, resource: &str) -> Result<Vec<Definition>, StoreError> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT tool, digest, definition FROM definitions WHERE resource = ?1 ORDER BY tool",
            )?;
            let rows = statement.query_map([resource], |row| {
                Ok(Definition {
                    tool: row.get(0)?,
                    digest: Digest::from_bytes(row.get(1)?),
                    definition: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Pins definitions, replacing what was pinned under the same names.
    ///
    /// # Errors
    /// When it could not be recorded; then nothing is pinned.
    pub async fn pin(
        &self,
        resource: String,
        definitions: Vec<Definition>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Durability::Full, move |tx| {
            for pinned in &definitions {
                tx.exec(
                    "definitions",
                    "INSERT INTO definitions (resource, tool, digest, definition, accepted_at)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE SET digest = ?3, definition = ?4, accepted_at = ?5",
                    params![
                        resource,
                        pinned.tool,
                        pinned.digest.as_bytes(),
                        pinned.definition,
                        now.as_micros()
                    ],
                )?;
                let content = vec![
                    Content::new("tool", pinned.tool.clone()),
                    Content::new("definition", pinned.digest.to_string()),
                ];
                let case = format!("resource:{resource}");
                let record =
                    entries::about(tx, Kind::DefinitionPinned, &case, entries::system(), content, now);
                tx.append(&record, now)?;
            }
            Ok(())
        })
        .await
    }

    /// Notes that a policy bundle comes into force, and keeps its texts, each with the path of its file. No entry when it
    /// is the one noted last.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub async fn policy_changed(
        &self,
        bundle: Digest,
        texts: Vec<(String, String)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Durability::Full, move |tx| {
            for (place, (path, text)) in texts.iter().enumerate() {
                let place = i64::try_from(place).unwrap_or(i64::MAX);
                let sql = "INSERT OR IGNORE INTO policies (bundle, place, path, body) VALUES (?1, ?2, ?3, ?4)";
                tx.exec("policies", sql, params![bundle.to_string(), place, path, text])?;
            }
            let last: Option<String> = tx
                .conn()
                .prepare_cached(
                    "SELECT CAST(opened(c.owner, k.wrapped, 'contents.' || c.idx, c.body) AS TEXT) ->> '$.bundle[1]'
                     FROM entries e JOIN contents c ON c.idx = e.idx JOIN keys k ON k.owner = c.owner
                     WHERE e.case_id = 'policy' ORDER BY e.idx DESC LIMIT 1",
                )?
                .query_row([], |row| row.get(0))
                .optional()?;
            if last == Some(bundle.to_string()) {
                return Ok(());
            }
            let content = vec![Content::new("bundle", bundle.to_string())];
            let record = entries::about(tx, Kind::PolicyChanged, "policy", entries::system(), content, now);
            tx.append(&record, now)?;
            Ok(())
        })
        .await
    }

    /// The texts of a bundle that was in force, in order; none when it was before they were kept.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn policy_texts(&self, bundle: &str) -> Result<Vec<String>, StoreError> {
        self.read(|conn| {
            let sql = "SELECT body FROM policies WHERE bundle = ?1 ORDER BY place";
            let texts =
                conn.prepare_cached(sql)?.query_map([bundle], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(texts)
        })
    }
}
