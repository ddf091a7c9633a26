//! What exactly is written down, and how can anyone check it? The byte format of ledger entries (leaves without
//! personal data, and the content beside them that salted commitments tie to the leaf), the Merkle tree over them,
//! and the signed forms in which the tree leaves the house.
//!
//! This crate is pure and knows nothing of the rest of Countersign, so that an auditor can use it alone: it does no
//! IO, reads no clock and makes no random numbers. Where others have specified a format, it is theirs: RFC 6962 and
//! the C2SP specifications tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature, tlog-witness and tlog-proof.
//! docs/LEDGER.md has all formats in one place.

pub mod checkpoint;
mod commit;
pub mod cosignature;
pub mod entry_proof;
#[cfg(test)]
mod fixtures;
mod kind;
mod leaf;
pub mod note;
mod object;
pub mod proof;
pub mod receipt;
mod record;
mod text;
pub mod tile;
pub mod tree;
pub mod witness;

pub use commit::{ActionSalt, Content, Salt, action_commitment, content_commitment};
pub use kind::Kind;
pub use leaf::{Leaf, LeafAction, LeafError};
pub use record::{
    ActionPart, Actor, ActorKind, ApprovalPart, EncodeError, Encoded, LEAF_MAX_BYTES, Place, PolicyPart,
    Record, ResultPart,
};
pub use text::hex;
pub use tree::leaf_hash;
