//! What proves to somebody who trusts nobody what became of an action? Its entries with their proofs under the newest
//! signed checkpoint, or one that witnesses have cosigned when that covers them all, and the content that opens their commitments.

use std::collections::BTreeMap;

use countersign_core::ActionId;
use countersign_ledger::note::VerifierKey;
use countersign_ledger::proof::{self, ReadTile, TileHashes};
use countersign_ledger::receipt::{OpenedBytes, OpenedValue, Receipt, ReceiptEntry};
use countersign_ledger::tile::Tile;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::entries::Beside;
use crate::log::Signed;
use crate::tree::{self, unsigned};
use crate::{Store, StoreError, actions, entries, witness};

impl Store {
    /// The receipt of an action, with everything about it that was not erased. `None` when there is no such action, or
    /// its record is a line of a batch.
    ///
    /// # Errors
    /// When the store can't be read or written, or the log's key failed.
    pub async fn receipt(&self, action: ActionId) -> Result<Option<Receipt>, StoreError> {
        let signed = self.sign_all().await?;
        let log_key = self.0.log_key.clone();
        self.read_long(move |conn| receipt(conn, action, (&signed, &log_key))).await
    }
}

impl Store {
    /// Entries from index `from` on, in order, with the values beside them that were not erased, without proofs and
    /// without actions' bytes; at most `limit`, and only those that are under a signed checkpoint.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn ledger_entries(&self, from: u64, limit: u16) -> Result<Vec<ReceiptEntry>, StoreError> {
        let signed = self.signed().map_or(0, |signed| signed.size);
        self.read_long(move |conn| {
            let sql = "SELECT idx, leaf FROM entries WHERE idx >= ?1 AND idx < ?2 ORDER BY idx LIMIT ?3";
            let mut statement = conn.prepare_cached(sql)?;
            let mut rows = statement.query(params![tree::signed(from), tree::signed(signed), limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let index = unsigned(row.get(0)?);
                let corrupt = || StoreError::Corrupt { what: "ledger entry", id: index.to_string() };
                let leaf = String::from_utf8(row.get(1)?).map_err(|_bytes| corrupt())?;
                let content = opened_values(&entries::beside(conn, row.get(0)?)?).ok_or_else(corrupt)?;
                found.push(ReceiptEntry { index, leaf, proof: Vec::new(), content, payload: None });
            }
            Ok(found)
        })
        .await
    }
}

fn receipt(
    conn: &Connection,
    action: ActionId,
    (signed, log_key): (&Signed, &VerifierKey),
) -> Result<Option<Receipt>, StoreError> {
    let case = action.to_string();
    let tiles = StoredTiles { conn, signed };
    let (size, checkpoint) = checkpoint(conn, &case, (signed, log_key))?;
    let mut entries = Vec::new();
    let mut statement =
        conn.prepare_cached("SELECT idx, leaf FROM entries WHERE case_id = ?1 AND idx < ?2 ORDER BY idx")?;
    let mut rows = statement.query((&case, tree::signed(size)))?;
    while let Some(row) = rows.next()? {
        let index = unsigned(row.get(0)?);
        let corrupt = || StoreError::Corrupt { what: "ledger entry", id: index.to_string() };
        let leaf = String::from_utf8(row.get(1)?).map_err(|_bytes| corrupt())?;
        let proof = proof::inclusion(&TileHashes::new(&tiles, size), index, size)
            .map_err(|error| StoreError::Tree(error.to_string()))?;
        let beside = entries::beside(conn, row.get(0)?)?;
        let content = opened_values(&beside).ok_or_else(corrupt)?;
        let payload = opened_bytes(conn, &case, &beside)?;
        entries.push(ReceiptEntry { index, leaf, proof, content, payload });
    }
    let receipt = Receipt { action: case, checkpoint, entries };
    Ok((!receipt.entries.is_empty()).then_some(receipt))
}

/// Size and note of the checkpoint to prove a case under: one with cosignatures when that covers all of it.
fn checkpoint(
    conn: &Connection,
    case: &str,
    (signed, log_key): (&Signed, &VerifierKey),
) -> Result<(u64, String), StoreError> {
    let sql = "SELECT max(idx) FROM entries WHERE case_id = ?1 AND idx < ?2";
    let last: Option<i64> =
        conn.prepare_cached(sql)?.query_row((case, tree::signed(signed.size)), |row| row.get(0))?;
    let cosigned = match last {
        Some(last) => witness::most_cosigned(conn, unsigned(last), log_key)?,
        None => None,
    };
    let cosigned = cosigned.filter(|(size, _)| *size <= signed.size);
    Ok(cosigned.unwrap_or_else(|| (signed.size, signed.note.clone())))
}

/// Values with the salts that open their commitments. `None` when a salt can't be read.
fn opened_values(beside: &Beside) -> Option<BTreeMap<String, OpenedValue>> {
    let values = beside.iter().filter_map(|(name, (salt, value))| Some((name, salt, value.as_ref()?)));
    values
        .map(|(name, salt, value)| {
            Some((name.clone(), OpenedValue { salt: unhex(salt)?, value: value.clone() }))
        })
        .collect()
}

/// The exact bytes of the action whose request this is, where they were not erased.
fn opened_bytes(conn: &Connection, case: &str, beside: &Beside) -> Result<Option<OpenedBytes>, StoreError> {
    let Some((salt, _)) = beside.values().find(|(_, value)| value.is_none()) else { return Ok(None) };
    let salt = unhex(salt).ok_or_else(|| StoreError::Corrupt { what: "content", id: case.to_owned() })?;
    let sql = format!(
        "SELECT {} FROM actions a JOIN keys k ON k.owner = a.id WHERE a.id = ?1",
        actions::OPENED_PAYLOAD
    );
    let bytes = conn.prepare_cached(&sql)?.query_row([case], |row| row.get(0)).optional()?;
    Ok(bytes.map(|bytes| OpenedBytes { salt, bytes }))
}

fn unhex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    odd.is_empty().then_some(())?;
    bytes?.try_into().ok()
}

/// The tiles of the signed tree: the full ones as stored, the open ones as they were signed.
pub(crate) struct StoredTiles<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) signed: &'a Signed,
}

impl ReadTile for StoredTiles<'_> {
    type Error = StoreError;

    fn read(&self, tile: Tile) -> Result<Vec<u8>, StoreError> {
        self.signed.tile(self.conn, tile)?.ok_or_else(|| StoreError::Tree(format!("`{tile}` is missing")))
    }
}

#[cfg(test)]
mod tests;
