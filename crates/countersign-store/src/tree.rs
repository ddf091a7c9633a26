//! Where does the ledger's tree grow? In the transaction that appends the entries: tiles that are full, size and root
//! commit with them. The open tiles are kept in memory, and are built again from what is stored.

use countersign_ledger::tile::{FullTile, Tile, Tiles};
use countersign_ledger::tree::Hash;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::tx::Head;

/// Leaf hashes are read in pieces of so many.
const PIECE: u64 = 4096;

/// The tree as the last commit left it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree(Tiles);

impl Tree {
    /// The tree of a store that is being opened. What was stored must give the root that was stored.
    pub(crate) fn load(connection: &Connection) -> Result<Self, StoreError> {
        // One view of all of it: another process may be appending.
        let conn = connection.unchecked_transaction()?;
        let tree = Self::read(&conn)?;
        conn.commit()?;
        Ok(tree)
    }

    fn read(conn: &Connection) -> Result<Self, StoreError> {
        let sql = "SELECT size, root FROM log_state";
        let (size, root): (i64, Option<Hash>) =
            conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let size = unsigned(size);
        let Some(root) = root else { return Self::first(conn, size) };
        let tiles = Tiles::rebuild(size, &leaf_hashes(conn, size - size % 256, size)?, &mut |tile| {
            stored(conn, tile)?.ok_or_else(|| StoreError::Tree(format!("`{tile}` is missing")))
        });
        let tiles = tiles.map_err(|error| StoreError::Tree(error.to_string()))?;
        if tiles.root() != root {
            let text =
                format!("the tree over its {size} entries has another root than the one that was stored");
            return Err(StoreError::Tree(text));
        }
        Ok(Self(tiles))
    }

    /// The tree over what a version without trees has written. The next commit stores its root.
    fn first(conn: &Connection, size: u64) -> Result<Self, StoreError> {
        let mut tree = Self::default();
        tree.catch_up(conn, size)?;
        Ok(tree)
    }

    /// Adds what other processes have appended, within the transaction that has begun. Tiles that they filled are
    /// stored already; writing them again changes nothing.
    pub(crate) fn catch_up(&mut self, conn: &Connection, size: u64) -> Result<(), StoreError> {
        while self.0.size() < size {
            let from = self.0.size();
            let hashes = leaf_hashes(conn, from, size.min(from.saturating_add(PIECE)))?;
            if hashes.is_empty() {
                return Err(StoreError::Tree(format!("entry {from} of {size} is missing")));
            }
            self.grow(conn, &hashes)?;
        }
        if self.0.size() > size {
            let text = format!("it had {} entries and has {size} now", self.0.size());
            return Err(StoreError::Tree(text));
        }
        Ok(())
    }

    /// Adds leaves, and stores the tiles that they fill.
    fn grow(&mut self, conn: &Connection, leaves: &[Hash]) -> Result<(), StoreError> {
        for leaf in leaves {
            for FullTile { tile, bytes } in self.0.push(*leaf) {
                let sql = "INSERT OR IGNORE INTO tiles (place, bytes) VALUES (?1, ?2)";
                conn.prepare_cached(sql)?.execute(params![place(tile), bytes])?;
            }
        }
        Ok(())
    }

    /// The tree with these leaves, everything of it stored: what holds once the transaction has committed.
    pub(crate) fn grown(&self, conn: &Connection, leaves: &[Hash], head: Head) -> Result<Self, StoreError> {
        let mut grown = self.clone();
        grown.grow(conn, leaves)?;
        head.save(conn, &grown.root())?;
        Ok(grown)
    }

    pub(crate) fn size(&self) -> u64 {
        self.0.size()
    }

    pub(crate) fn root(&self) -> Hash {
        self.0.root()
    }

    /// The bytes of a tile that is not full yet.
    pub(crate) fn open(&self, tile: Tile) -> Option<&[u8]> {
        self.0.bytes(tile)
    }
}

/// A full tile as stored.
pub(crate) fn stored(conn: &Connection, tile: Tile) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT bytes FROM tiles WHERE place = ?1";
    Ok(conn.prepare_cached(sql)?.query_row([place(tile)], |row| row.get(0)).optional()?)
}

/// The leaf hashes of entries `from` up to `to`, which is not among them. A gap ends them early.
pub(crate) fn leaf_hashes(conn: &Connection, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
    let sql = "SELECT idx, leaf_hash FROM entries WHERE idx >= ?1 AND idx < ?2 ORDER BY idx";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([signed(from), signed(to)])?;
    let mut hashes = Vec::new();
    for expected in from.. {
        let Some(row) = rows.next()? else { break };
        if row.get::<_, i64>(0)? != signed(expected) {
            break;
        }
        hashes.push(row.get(1)?);
    }
    Ok(hashes)
}

fn place(tile: Tile) -> i64 {
    (i64::from(tile.level()) << 56) | signed(tile.index())
}

pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
pub(crate) mod tests;
