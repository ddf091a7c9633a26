//! Where does a piece of the tree stand? Coordinates and paths of tiles and entry bundles, as the C2SP specification
//! tlog-tiles writes them.
//!
//! A tile is 256 hashes side by side. At level 0 they are leaf hashes; at level *l* each is the root of a full tile
//! at level *l* − 1. A bundle is the leaves themselves, 256 of them. At the right end of a tree both may be partial.

mod bundle;
mod path;
mod tiles;

pub use bundle::{BundleError, ENTRY_MAX_BYTES, encode_entries};
pub use path::{PathError, TilePath};
pub(crate) use tiles::complete_root;
pub use tiles::{FullTile, RebuildError, Tiles};

use crate::tree::{HASH_BYTES, Hash, SIZE_MAX};

/// So many hashes are in a full tile, and so many entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// So many bytes are in a full tile.
pub const TILE_BYTES: usize = 256 * HASH_BYTES;

/// The highest level that a path may name. Trees of less than 2^63 leaves have no tile above level 7.
pub const LEVEL_MAX: u8 = 63;

/// A tile's place: level, index within the level, and how many hashes it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// A bundle's place: its index and how many entries it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bundle {
    index: u64,
    width: u16,
}

/// Why there is no such place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The level is beyond the highest.
    #[error("a tile's level is at most {LEVEL_MAX}, not {0}")]
    Level(u8),
    /// No tree has so many.
    #[error("no tree has a tile or bundle of index {0}")]
    Index(u64),
    /// Nothing, or more than fits.
    #[error("a tile or bundle has 1 to {TILE_WIDTH} parts, not {0}")]
    Width(u16),
}

impl Tile {
    /// The tile at this place. `width` is 1 to 256.
    ///
    /// # Errors
    /// [`PlaceError`] when no tree has it.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, PlaceError> {
        if level > LEVEL_MAX {
            return Err(PlaceError::Level(level));
        }
        check(index, width)?;
        Ok(Self { level, index, width })
    }

    /// The level, 0 being that of the leaves.
    pub fn level(self) -> u8 {
        self.level
    }

    /// The index within the level.
    pub fn index(self) -> u64 {
        self.index
    }

    /// How many hashes it has, 1 to 256.
    pub fn width(self) -> u16 {
        self.width
    }

    /// Whether it has all 256.
    pub fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// How many bytes it has.
    pub fn bytes(self) -> usize {
        usize::from(self.width) * HASH_BYTES
    }

    /// The full tile at the same place.
    pub fn full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// The tile at `level` and `index` as a tree of `size` leaves has it: full, partial, or not there.
    pub fn in_tree(level: u8, index: u64, size: u64) -> Option<Self> {
        let width = width_of(hashes_at(level, size), index)?;
        Some(Self { level, index, width })
    }

    /// The partial tile at `level` of a tree of `size` leaves, if there is one.
    pub fn partial(level: u8, size: u64) -> Option<Self> {
        let index = hashes_at(level, size) / u64::from(TILE_WIDTH);
        Self::in_tree(level, index, size)
    }

    /// Every partial tile of a tree of `size` leaves, from level 0 up: what a log serves beside the full ones when
    /// it signs a checkpoint of this size.
    pub fn partials(size: u64) -> impl Iterator<Item = Self> {
        (0..=LEVEL_MAX).filter_map(move |level| Self::partial(level, size))
    }

    /// This tile's bytes, out of those of the full tile or of any wider one at its place.
    pub fn cut(self, wider: &[u8]) -> Option<&[u8]> {
        wider.get(..self.bytes())
    }
}

impl Bundle {
    /// The bundle at this place. `width` is 1 to 256.
    ///
    /// # Errors
    /// [`PlaceError`] when no tree has it.
    pub fn new(index: u64, width: u16) -> Result<Self, PlaceError> {
        check(index, width)?;
        Ok(Self { index, width })
    }

    /// The bundle at `index` as a tree of `size` leaves has it: full, partial, or not there.
    pub fn in_tree(index: u64, size: u64) -> Option<Self> {
        Some(Self { index, width: width_of(size, index)? })
    }

    /// Its index.
    pub fn index(self) -> u64 {
        self.index
    }

    /// How many entries it has, 1 to 256.
    pub fn width(self) -> u16 {
        self.width
    }

    /// Whether it has all 256.
    pub fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The index of its first entry in the ledger.
    pub fn first_entry(self) -> u64 {
        self.index.saturating_mul(u64::from(TILE_WIDTH))
    }
}

fn check(index: u64, width: u16) -> Result<(), PlaceError> {
    if index > SIZE_MAX / u64::from(TILE_WIDTH) {
        return Err(PlaceError::Index(index));
    }
    if width == 0 || width > TILE_WIDTH {
        return Err(PlaceError::Width(width));
    }
    Ok(())
}

/// How many hashes the tiles of a level have together: `floor(size / 256^level)`.
fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * 8).unwrap_or(0)
}

/// How many of `all` parts are in the tile or bundle of this index.
fn width_of(all: u64, index: u64) -> Option<u16> {
    let before = index.checked_mul(u64::from(TILE_WIDTH))?;
    let width = u16::try_from(all.checked_sub(before)?.min(u64::from(TILE_WIDTH))).ok()?;
    (width > 0).then_some(width)
}

/// The hashes of a tile's bytes; what doesn't fill a hash is left out.
fn hashes(bytes: &[u8]) -> &[Hash] {
    bytes.as_chunks::<HASH_BYTES>().0
}

#[cfg(test)]
mod tests;
