//! Is this entry in the tree, and does the new tree continue the old one? Proofs of RFC 6962, sections 2.1.1 and
//! 2.1.2, made from the hashes of complete subtrees, and their verification.

mod tiles;
mod verify;

pub use tiles::{ReadTile, TileHashes, TileHashesError};
pub use verify::{ConsistencyError, InclusionError, verify_consistency, verify_inclusion};

use crate::tree::{Hash, SIZE_MAX, node_hash};

/// No proof in a tree of less than 2^63 leaves has more hashes.
pub const PROOF_MAX: usize = 63;

/// Where the hashes of complete subtrees come from.
pub trait Hashes {
    /// Why a hash can't be had.
    type Error;

    /// The root of the complete subtree of 2^`height` leaves from leaf `index` · 2^`height` on. Height 0 is a leaf.
    ///
    /// # Errors
    /// When it can't be had.
    fn hash(&self, height: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError<E> {
    /// No tree has so many leaves.
    #[error("a tree can't have {0} leaves")]
    Size(u64),
    /// The entry is not in a tree of this size.
    #[error("entry {index} is not in a tree of {size}")]
    Index {
        /// Which entry.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The older tree is larger.
    #[error("a tree of {new} does not continue one of {old}")]
    Shrinks {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
    },
    /// A hash can't be had.
    #[error("the tree's hashes can't be read")]
    Read(#[source] E),
}

/// The inclusion proof of entry `index` in the tree of the first `size` leaves, from the leaf's sibling up.
///
/// # Errors
/// When the entry is not in that tree, or a hash can't be had.
pub fn inclusion<H: Hashes + ?Sized>(
    hashes: &H,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, ProofError<H::Error>> {
    check_size(size)?;
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let mut proof = Vec::new();
    let (mut first, mut end) = (0, size);
    while end - first > 1 {
        let middle = first + left_half(end - first);
        if index < middle {
            proof.push(range(hashes, middle, end)?);
            end = middle;
        } else {
            proof.push(range(hashes, first, middle)?);
            first = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The consistency proof from the tree of the first `old` leaves to that of the first `new`. Empty when `old` is 0 or
/// equals `new`.
///
/// # Errors
/// When the older tree is larger, or a hash can't be had.
pub fn consistency<H: Hashes + ?Sized>(
    hashes: &H,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, ProofError<H::Error>> {
    check_size(new)?;
    if old > new {
        return Err(ProofError::Shrinks { old, new });
    }
    let mut proof = Vec::new();
    if old == 0 || old == new {
        return Ok(proof);
    }
    // Down to the smallest subtree that ends where the older tree ends; on the way, every half that was passed by.
    let (mut first, mut end) = (0, new);
    while end != old {
        let middle = first + left_half(end - first);
        if old <= middle {
            proof.push(range(hashes, middle, end)?);
            end = middle;
        } else {
            proof.push(range(hashes, first, middle)?);
            first = middle;
        }
    }
    // A subtree from the first leaf on is the older tree itself, whose root the reader has.
    if first > 0 {
        proof.push(range(hashes, first, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The root of the tree of the first `size` leaves.
///
/// # Errors
/// When a hash can't be had.
pub fn root<H: Hashes + ?Sized>(hashes: &H, size: u64) -> Result<Hash, ProofError<H::Error>> {
    check_size(size)?;
    if size == 0 { Ok(crate::tree::EMPTY_ROOT) } else { range(hashes, 0, size) }
}

fn check_size<E>(size: u64) -> Result<(), ProofError<E>> {
    if size > SIZE_MAX { Err(ProofError::Size(size)) } else { Ok(()) }
}

/// The largest power of two below `leaves`, which are at least two.
fn left_half(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The root over the leaves from `first` to before `end`, as halving the tree cuts them off: the complete subtrees in
/// it, the largest first, joined from the right.
fn range<H: Hashes + ?Sized>(hashes: &H, first: u64, end: u64) -> Result<Hash, ProofError<H::Error>> {
    let mut subtrees = Vec::new();
    let mut at = first;
    while at < end {
        let height = (end - at).ilog2();
        subtrees.push(hashes.hash(height, at >> height).map_err(ProofError::Read)?);
        at += 1 << height;
    }
    let mut smallest_first = subtrees.iter().rev();
    let last = smallest_first.next().copied().unwrap_or(crate::tree::EMPTY_ROOT);
    Ok(smallest_first.fold(last, |right, left| node_hash(left, &right)))
}

#[cfg(test)]
mod tests;
