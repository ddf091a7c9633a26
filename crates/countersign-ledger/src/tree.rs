//! What is the root of a growing tree? RFC 6962 hashing, and the tree's right edge, which is all that growing needs.
//!
//! The tree is that of RFC 6962, section 2.1, over SHA-256, as the C2SP specification tlog-tiles asks for.

use sha2::{Digest, Sha256};

/// A SHA-256 hash: of a leaf, of a subtree, or the root.
pub type Hash = [u8; 32];

/// How long a hash is.
pub const HASH_BYTES: usize = size_of::<Hash>();

/// Trees have at most this many leaves, 2^63 − 1: other verifiers count with signed numbers.
pub const SIZE_MAX: u64 = i64::MAX.unsigned_abs();

/// The root of the tree without leaves: SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The RFC 6962 leaf hash: `SHA-256(0x00 ‖ leaf)`.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// The RFC 6962 hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Why bytes are not an edge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EdgeError {
    /// There is not even a size.
    #[error("an edge begins with 8 bytes of size; there are {0} bytes")]
    NoSize(usize),
    /// The size is not one that a tree can have.
    #[error("a tree can't have {0} leaves")]
    Size(u64),
    /// Too few or too many hashes for the size.
    #[error("the edge of a tree of {size} leaves has {expected} bytes after the size, not {found}")]
    Length {
        /// The tree's size.
        size: u64,
        /// Bytes that its hashes take.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
}

/// The right edge of a tree: the roots of the complete subtrees that it is made of, the largest first. One hash for
/// each bit that is set in the size, so at most 63.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    roots: Vec<Hash>,
}

impl Edge {
    /// The edge of the tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, the largest first.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Adds a leaf, by its hash.
    pub fn push(&mut self, leaf_hash: Hash) {
        self.push_and_tell(leaf_hash, |_, _| ());
    }

    /// Adds a leaf and tells of each complete subtree that it completes, by its height: 0 is the leaf itself.
    pub(crate) fn push_and_tell(&mut self, leaf_hash: Hash, mut completes: impl FnMut(u32, Hash)) {
        let mut root = leaf_hash;
        completes(0, root);
        for height in 1..=self.size.trailing_ones() {
            let Some(left) = self.roots.pop() else { break };
            root = node_hash(&left, &root);
            completes(height, root);
        }
        self.roots.push(root);
        self.size += 1;
    }

    /// The tree's root.
    pub fn root(&self) -> Hash {
        let mut smallest_first = self.roots.iter().rev();
        let Some(last) = smallest_first.next() else { return EMPTY_ROOT };
        smallest_first.fold(*last, |right, left| node_hash(left, &right))
    }

    /// The size in 8 bytes, big-endian, then the roots, the largest first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size_of::<u64>() + self.roots.len() * HASH_BYTES);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes.extend(self.roots.iter().flatten());
        bytes
    }

    /// What [`Edge::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`EdgeError`] for anything else. Whether the hashes are right only the root can tell.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EdgeError> {
        let (size, rest) = bytes.split_first_chunk().ok_or(EdgeError::NoSize(bytes.len()))?;
        let size = u64::from_be_bytes(*size);
        if size > SIZE_MAX {
            return Err(EdgeError::Size(size));
        }
        let (roots, odd) = rest.as_chunks::<HASH_BYTES>();
        if roots.len() != expected_roots(size) || !odd.is_empty() {
            let expected = expected_roots(size) * HASH_BYTES;
            return Err(EdgeError::Length { size, expected, found: rest.len() });
        }
        Ok(Self { size, roots: roots.to_vec() })
    }

    /// An edge of `size` leaves whose roots are known to be right in number.
    pub(crate) fn of_roots(size: u64, roots: Vec<Hash>) -> Self {
        Self { size, roots }
    }
}

fn expected_roots(size: u64) -> usize {
    // At most 64, so this never saturates.
    usize::try_from(size.count_ones()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
