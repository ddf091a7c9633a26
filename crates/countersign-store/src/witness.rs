//! What have others seen of the ledger? Their cosignatures, kept with the published checkpoint that they are about,
//! and the proof that an entry is under a checkpoint with enough of them.

use std::sync::Arc;

use countersign_ledger::checkpoint::TrustedLog;
use countersign_ledger::note::{Note, SignatureLine, VerifierKey};
use countersign_ledger::proof::{self, TileHashes};
use countersign_ledger::tree::Hash;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::log::Covered;
use crate::receipt::StoredTiles;
use crate::tree::{signed, unsigned};
use crate::{Durability, Store, StoreError};

/// So many of the newest cosigned checkpoints are looked at: a witness that comes and goes leaves the newest with
/// fewer cosignatures than one shortly before.
const LOOKED_AT: u16 = 16;

impl Store {
    /// The consistency proof from the tree of the first `old` entries to that of the first `new`.
    ///
    /// # Errors
    /// When the store can't be read, nothing was signed yet, or there is no such tree.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
        let signed = self.signed().ok_or(StoreError::Unsigned)?;
        self.read(|conn| {
            let tiles = StoredTiles { conn, signed: &signed };
            proof::consistency(&TileHashes::new(&tiles, new), old, new)
                .map_err(|error| StoreError::Tree(error.to_string()))
        })
    }

    /// The largest tree that this witness has cosigned, as far as is recorded here; 0 when none.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn cosigned_by(&self, witness: &VerifierKey) -> Result<u64, StoreError> {
        self.read(|conn| {
            let sql = "SELECT size FROM witnesses WHERE log = ?1 AND key = ?2";
            let of = (self.0.log_key.name(), witness.to_string());
            let size = conn.prepare_cached(sql)?.query_row(of, |row| row.get(0));
            Ok(size.optional()?.map_or(0, unsigned))
        })
    }

    /// Adds the cosignature of `witness`, which the caller has verified, to the published checkpoint of this size. The
    /// first of a key stays. Whether there is such a checkpoint.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub async fn add_cosignature(
        &self,
        size: u64,
        witness: &VerifierKey,
        line: SignatureLine,
    ) -> Result<bool, StoreError> {
        let (witness, log) = (witness.clone(), self.0.log_key.name().to_owned());
        let added = self
            .write(Durability::Full, move |tx| {
                let Some(note) = note_of(tx.conn(), size)? else { return Ok(false) };
                let mut note = parse(&note, size)?;
                if !note.signatures().iter().any(|before| before.is_by(&witness)) {
                    note.add(line);
                    let sql = "UPDATE checkpoints SET note = ?2, cosigned = cosigned + 1 WHERE size = ?1";
                    tx.exec("checkpoints", sql, params![signed(size), note.to_string()])?;
                }
                let sql = "INSERT INTO witnesses (log, key, size) VALUES (?1, ?2, ?3)
                           ON CONFLICT (log, key) DO UPDATE SET size = max(size, excluded.size)";
                tx.exec("witnesses", sql, params![log, witness.to_string(), signed(size)])?;
                Ok(true)
            })
            .await?;
        self.keep_published()?;
        Ok(added)
    }

    /// The proof that an entry is under a checkpoint that so many different of `witnesses` have cosigned; every signature
    /// on it is verified here and now. `None` when there is no such checkpoint yet.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn witnessed(
        &self,
        index: u64,
        witnesses: &[VerifierKey],
        needed: u16,
    ) -> Result<Option<Covered>, StoreError> {
        let Some(latest) = self.signed() else { return Ok(None) };
        let keys = [std::slice::from_ref(&self.0.log_key), witnesses].concat();
        let trusted = TrustedLog::of_origin(self.0.log_key.name(), &keys).with_quorum(needed.into());
        let notes = self.read(|conn| cosigned(conn, index))?;
        let checkpoint = notes.into_iter().find_map(|note| {
            let seen = trusted.verify(note.as_bytes()).ok()?;
            let (size, root) = (seen.checkpoint().size(), *seen.checkpoint().root());
            (size > index && size <= latest.size).then(|| latest.at(size, root, note))
        });
        Ok(checkpoint.map(|checkpoint| Covered::new(index, Arc::new(checkpoint))))
    }
}

/// The newest cosigned checkpoints that cover entry `index`, newest first.
fn cosigned(conn: &Connection, index: u64) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT note FROM checkpoints WHERE cosigned > 0 AND size > ?1 ORDER BY size DESC LIMIT ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let notes = statement.query_map(params![signed(index), LOOKED_AT], |row| row.get(0))?;
    Ok(notes.collect::<Result<_, _>>()?)
}

/// Size and note of the checkpoint, of the newest that cover entry `index`, that the most witnesses have cosigned; the
/// newer of two. Those that another key of the ledger signed are left out.
pub(crate) fn most_cosigned(
    conn: &Connection,
    index: u64,
    log_key: &VerifierKey,
) -> Result<Option<(u64, String)>, StoreError> {
    let sql = "SELECT size, note FROM (SELECT size, note, cosigned FROM checkpoints
                   WHERE cosigned > 0 AND size > ?1 ORDER BY size DESC LIMIT ?2)
               ORDER BY cosigned DESC, size DESC";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![signed(index), LOOKED_AT])?;
    while let Some(row) = rows.next()? {
        let (size, note): (u64, String) = (unsigned(row.get(0)?), row.get(1)?);
        if parse(&note, size)?.verify(std::slice::from_ref(log_key)).is_ok() {
            return Ok(Some((size, note)));
        }
    }
    Ok(None)
}

fn note_of(conn: &Connection, size: u64) -> Result<Option<String>, StoreError> {
    let sql = "SELECT note FROM checkpoints WHERE size = ?1";
    Ok(conn.prepare_cached(sql)?.query_row([signed(size)], |row| row.get(0)).optional()?)
}

fn parse(note: &str, size: u64) -> Result<Note, StoreError> {
    Note::parse(note.as_bytes())
        .map_err(|_error| StoreError::Corrupt { what: "checkpoint", id: size.to_string() })
}

#[cfg(test)]
mod tests;
