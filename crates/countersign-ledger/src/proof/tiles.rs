//! Where do a proof's hashes come from? Out of a handful of tiles, each read once.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::Hashes;
use crate::tile::{Tile, complete_root};
use crate::tree::{HASH_BYTES, Hash};

/// Where tiles are kept: a table, a folder, a server.
pub trait ReadTile {
    /// Why a tile can't be had.
    type Error;

    /// The bytes of this tile, which may be partial; or those of a wider tile at the same place, which begin with
    /// them.
    ///
    /// # Errors
    /// When it can't be had.
    fn read(&self, tile: Tile) -> Result<Vec<u8>, Self::Error>;
}

/// The hashes of a tree of one size, out of its tiles. Each tile is read once in this value's life: make one for each
/// proof, which reads at most two tiles of each level. What the tiles hold is believed; the proof made from them is
/// what proves it.
#[derive(Debug)]
pub struct TileHashes<'a, R> {
    tiles: &'a R,
    size: u64,
    read: RefCell<BTreeMap<Tile, Vec<u8>>>,
}

/// Why a hash can't be had from tiles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileHashesError<E> {
    /// A tile could not be read.
    #[error("`{tile}` can't be read")]
    Read {
        /// Which.
        tile: Tile,
        /// Why.
        source: E,
    },
    /// A tile is too short, or not made of hashes.
    #[error("`{tile}` has {found} bytes, not {}", .tile.bytes())]
    Length {
        /// Which.
        tile: Tile,
        /// How many bytes there are.
        found: usize,
    },
    /// The tree of this size has no such subtree.
    #[error("a tree of {size} has no complete subtree {index} of height {height}")]
    Outside {
        /// The subtree's height.
        height: u32,
        /// Its index.
        index: u64,
        /// The tree's size.
        size: u64,
    },
}

impl<'a, R: ReadTile> TileHashes<'a, R> {
    /// The hashes of the tree of the first `size` leaves.
    pub fn new(tiles: &'a R, size: u64) -> Self {
        Self { tiles, size, read: RefCell::default() }
    }

    /// How many tiles were read so far.
    pub fn tiles_read(&self) -> usize {
        self.read.borrow().len()
    }
}

impl<R: ReadTile> Hashes for TileHashes<'_, R> {
    type Error = TileHashesError<R::Error>;

    fn hash(&self, height: u32, index: u64) -> Result<Hash, Self::Error> {
        let outside = || TileHashesError::Outside { height, index, size: self.size };
        // The subtree stands on 2^`above` hashes of the tiles at its level.
        let above = height % 8;
        let level = u8::try_from(height / 8).map_err(|_cause| outside())?;
        let first = index.checked_mul(1 << above).ok_or_else(outside)?;
        let tile = Tile::in_tree(level, first / 256, self.size).ok_or_else(outside)?;
        if !self.read.borrow().contains_key(&tile) {
            let bytes = self.tiles.read(tile).map_err(|source| TileHashesError::Read { tile, source })?;
            let whole = bytes.len() >= tile.bytes() && bytes.len().is_multiple_of(HASH_BYTES);
            if !whole {
                return Err(TileHashesError::Length { tile, found: bytes.len() });
            }
            self.read.borrow_mut().insert(tile, bytes);
        }
        let read = self.read.borrow();
        let hashes = read.get(&tile).and_then(|bytes| tile.cut(bytes)).unwrap_or_default();
        let from = usize::try_from(first % 256).map_err(|_cause| outside())?;
        let foot = hashes.as_chunks::<HASH_BYTES>().0.get(from..from + (1 << above));
        foot.and_then(complete_root).ok_or_else(outside)
    }
}
