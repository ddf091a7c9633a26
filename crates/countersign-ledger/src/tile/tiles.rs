//! Which tiles does a growing tree have? The open ones of each level, and each tile at the moment when it is full.

use super::{TILE_BYTES, TILE_WIDTH, Tile, hashes};
use crate::tree::{Edge, Hash, SIZE_MAX, node_hash};

/// A tile that has just become full. Nothing changes it any more: write it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullTile {
    /// Its place.
    pub tile: Tile,
    /// Its 8,192 bytes.
    pub bytes: Vec<u8>,
}

/// A tree that grows leaf by leaf: its edge and the open tile of each level.
///
/// It holds a few kilobytes, so a transaction can take a clone and keep it only when it commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tiles {
    edge: Edge,
    /// The open tile's bytes of each level, from 0; less than a full tile each.
    open: Vec<Vec<u8>>,
}

/// Why a tree could not be built again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RebuildError<E> {
    /// The size is not one that a tree can have.
    #[error("a tree can't have {0} leaves")]
    Size(u64),
    /// Too few or too many leaf hashes behind the last full tile.
    #[error("a tree of {size} leaves has {expected} behind its last full tile, not {found}")]
    Trailing {
        /// The tree's size.
        size: u64,
        /// How many leaf hashes there must be.
        expected: u64,
        /// How many there are.
        found: usize,
    },
    /// A full tile has another length.
    #[error("`{tile}` has {found} bytes, not {TILE_BYTES}")]
    Length {
        /// Which.
        tile: Tile,
        /// How many bytes there are.
        found: usize,
    },
    /// A tile could not be read.
    #[error("`{tile}` can't be read")]
    Read {
        /// Which.
        tile: Tile,
        /// Why.
        source: E,
    },
}

impl Tiles {
    /// The tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of `size` leaves, from its full tiles and the leaf hashes behind the last of them
    /// (`size` mod 256 of them). `read` brings the bytes of a full tile; it is asked for at most 255 tiles of each
    /// level. Compare [`Tiles::root`] with a root that is known: that proves what was read.
    ///
    /// # Errors
    /// [`RebuildError`] when something is missing or of another length.
    pub fn rebuild<E>(
        size: u64,
        trailing: &[Hash],
        read: &mut dyn FnMut(Tile) -> Result<Vec<u8>, E>,
    ) -> Result<Self, RebuildError<E>> {
        if size > SIZE_MAX {
            return Err(RebuildError::Size(size));
        }
        let expected = size % u64::from(TILE_WIDTH);
        if u64::try_from(trailing.len()) != Ok(expected) {
            return Err(RebuildError::Trailing { size, expected, found: trailing.len() });
        }
        if size == 0 {
            return Ok(Self::new());
        }
        let mut open = vec![trailing.concat()];
        let mut hashes_here = size / u64::from(TILE_WIDTH);
        for below in 0_u8.. {
            if hashes_here == 0 {
                break;
            }
            let first = hashes_here - hashes_here % u64::from(TILE_WIDTH);
            let mut bytes = Vec::new();
            for index in first..hashes_here {
                bytes.extend_from_slice(&full_root(Tile { level: below, index, width: TILE_WIDTH }, read)?);
            }
            open.push(bytes);
            hashes_here /= u64::from(TILE_WIDTH);
        }
        let edge = edge_of(size, &open);
        Ok(Self { edge, open })
    }

    /// Adds a leaf by its hash, and yields the tiles that are full now: mostly none, else one of level 0 and perhaps
    /// those above it, from level 0 up.
    pub fn push(&mut self, leaf_hash: Hash) -> Vec<FullTile> {
        let mut full = Vec::new();
        let Self { edge, open } = self;
        let size = edge.size();
        edge.push_and_tell(leaf_hash, |height, root| {
            // A complete subtree of 256^level leaves is one hash of the tiles at that level.
            let Some(level) = height.is_multiple_of(8).then(|| u8::try_from(height / 8).ok()).flatten()
            else {
                return;
            };
            if usize::from(level) >= open.len() {
                open.resize_with(usize::from(level) + 1, Vec::new);
            }
            let Some(bytes) = open.get_mut(usize::from(level)) else { return };
            bytes.extend_from_slice(&root);
            if bytes.len() == TILE_BYTES {
                let index = super::hashes_at(level, size) / u64::from(TILE_WIDTH);
                let tile = Tile { level, index, width: TILE_WIDTH };
                full.push(FullTile { tile, bytes: std::mem::take(bytes) });
            }
        });
        full
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The tree's root.
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// The tree's right edge.
    pub fn edge(&self) -> &Edge {
        &self.edge
    }

    /// The partial tiles of the tree as it is, from level 0 up, with their bytes.
    pub fn partials(&self) -> impl Iterator<Item = (Tile, &[u8])> {
        self.open.iter().enumerate().filter_map(|(level, bytes)| {
            let tile = Tile::partial(u8::try_from(level).ok()?, self.size())?;
            Some((tile, bytes.as_slice()))
        })
    }

    /// The bytes of a tile that is still open here, at the width that is asked for: as a tree of this size, or of any
    /// smaller one, has it. `None` when the tile has become full, or is not there: a full tile, and any width of it
    /// ([`Tile::cut`]), is what was written down.
    pub fn bytes(&self, tile: Tile) -> Option<&[u8]> {
        let open = Tile::partial(tile.level, self.size())?;
        if open.index != tile.index {
            return None;
        }
        tile.cut(self.open.get(usize::from(tile.level))?)
    }
}

/// The root of a full tile.
fn full_root<E>(
    tile: Tile,
    read: &mut dyn FnMut(Tile) -> Result<Vec<u8>, E>,
) -> Result<Hash, RebuildError<E>> {
    let bytes = read(tile).map_err(|source| RebuildError::Read { tile, source })?;
    complete_root(hashes(&bytes))
        .filter(|_| bytes.len() == TILE_BYTES)
        .ok_or(RebuildError::Length { tile, found: bytes.len() })
}

/// The root of a complete subtree, from the hashes at its foot; they are a power of two in number.
pub(crate) fn complete_root(foot: &[Hash]) -> Option<Hash> {
    match foot {
        [] => None,
        [root] => Some(*root),
        _ => {
            let (left, right) = foot.split_at_checked(foot.len() / 2)?;
            Some(node_hash(&complete_root(left)?, &complete_root(right)?))
        }
    }
}

/// The edge, from the open tiles: the bits of each tile's width say which complete subtrees it holds.
fn edge_of(size: u64, open: &[Vec<u8>]) -> Edge {
    let mut roots = Vec::new();
    for bytes in open.iter().rev() {
        let mut rest = hashes(bytes);
        while !rest.is_empty() {
            let complete = 1_usize << rest.len().ilog2();
            let Some((subtree, after)) = rest.split_at_checked(complete) else { break };
            roots.extend(complete_root(subtree));
            rest = after;
        }
    }
    Edge::of_roots(size, roots)
}
