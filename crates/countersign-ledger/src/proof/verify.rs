//! Does this proof hold? The verification of RFC 9162, sections 2.1.3.2 and 2.1.4.2, which is that of RFC 6962's
//! proofs. It trusts nothing but the hash function: sizes and roots have to come from signed checkpoints.

use crate::tree::{EMPTY_ROOT, Hash, node_hash};

/// Why an inclusion proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InclusionError {
    /// The entry is not in a tree of this size.
    #[error("entry {index} is not in a tree of {size}")]
    Index {
        /// Which entry.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// It has too few or too many hashes.
    #[error("the inclusion proof of entry {index} in a tree of {size} has {expected} hashes, not {found}")]
    Length {
        /// Which entry.
        index: u64,
        /// The tree's size.
        size: u64,
        /// How many it must have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// It leads to another root: the entry, the place or the proof is wrong.
    #[error("entry {index} is not in the tree of {size} with this root")]
    Root {
        /// Which entry.
        index: u64,
        /// The tree's size.
        size: u64,
    },
}

/// Why a consistency proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsistencyError {
    /// The older tree is larger.
    #[error("a tree of {new} does not continue one of {old}")]
    Shrinks {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
    },
    /// It has too few or too many hashes.
    #[error("the consistency proof from {old} to {new} has {expected} hashes, not {found}")]
    Length {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
        /// How many it must have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// The older root is another than the proof leads to.
    #[error("the proof does not lead to the root of the older tree of {0}")]
    OldRoot(u64),
    /// The newer root is another than the proof leads to.
    #[error("the proof does not lead to the root of the newer tree of {0}")]
    NewRoot(u64),
}

/// Checks that the leaf with `leaf_hash` is entry `index` of the tree of `size` leaves with `root`.
///
/// # Errors
/// [`InclusionError`] says what is wrong.
pub fn verify_inclusion(
    leaf_hash: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), InclusionError> {
    if index >= size {
        return Err(InclusionError::Index { index, size });
    }
    let expected = inclusion_length(index, size);
    if proof.len() != expected {
        return Err(InclusionError::Length { index, size, expected, found: proof.len() });
    }
    let (mut at, mut last) = (index, size - 1);
    let mut reached = *leaf_hash;
    for sibling in proof {
        if at % 2 == 1 || at == last {
            reached = node_hash(sibling, &reached);
            // The last node of a level without a sibling stands unchanged on the levels above.
            while at.is_multiple_of(2) && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            reached = node_hash(&reached, sibling);
        }
        (at, last) = (at / 2, last / 2);
    }
    if reached == *root { Ok(()) } else { Err(InclusionError::Root { index, size }) }
}

/// Checks that the tree of `new` leaves with `new_root` begins with the leaves of the tree of `old` leaves with
/// `old_root`.
///
/// # Errors
/// [`ConsistencyError`] says what is wrong.
pub fn verify_consistency(
    (old, old_root): (u64, &Hash),
    (new, new_root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), ConsistencyError> {
    if old > new {
        return Err(ConsistencyError::Shrinks { old, new });
    }
    let expected = consistency_length(old, new);
    if proof.len() != expected {
        return Err(ConsistencyError::Length { old, new, expected, found: proof.len() });
    }
    if old == 0 && *old_root != EMPTY_ROOT {
        return Err(ConsistencyError::OldRoot(old));
    }
    if old == new || old == 0 {
        let same = old == 0 && new != 0 || old_root == new_root;
        return if same { Ok(()) } else { Err(ConsistencyError::NewRoot(new)) };
    }
    let (mut at, mut last) = (old - 1, new - 1);
    let skipped = at.trailing_ones();
    (at, last) = (at >> skipped, last >> skipped);
    // A complete older tree is a subtree of the newer one: its root is the first hash, and is not sent.
    let (seed, rest) = match proof.split_first() {
        Some((first, rest)) if !old.is_power_of_two() => (first, rest),
        _ => (old_root, proof),
    };
    let (mut old_reached, mut new_reached) = (*seed, *seed);
    for sibling in rest {
        if at % 2 == 1 || at == last {
            old_reached = node_hash(sibling, &old_reached);
            new_reached = node_hash(sibling, &new_reached);
            while at.is_multiple_of(2) && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            new_reached = node_hash(&new_reached, sibling);
        }
        (at, last) = (at / 2, last / 2);
    }
    if old_reached != *old_root {
        Err(ConsistencyError::OldRoot(old))
    } else if new_reached != *new_root {
        Err(ConsistencyError::NewRoot(new))
    } else {
        Ok(())
    }
}

/// How many hashes an inclusion proof has: one for each level up to where the paths to the entry and to the last
/// entry meet, and one for each turn to the right above.
fn inclusion_length(index: u64, size: u64) -> usize {
    let below = u64::BITS - (index ^ (size - 1)).leading_zeros();
    let above = index.checked_shr(below).unwrap_or(0).count_ones();
    usize::try_from(below + above).unwrap_or(usize::MAX)
}

/// The length of an inclusion proof of the smallest subtree that ends the older tree, and that subtree unless it is
/// the whole older tree.
fn consistency_length(old: u64, new: u64) -> usize {
    if old == 0 || old == new {
        return 0;
    }
    let skipped = (old - 1).trailing_ones();
    let path = inclusion_length((old - 1) >> skipped, ((new - 1) >> skipped) + 1);
    path + usize::from(!old.is_power_of_two())
}
