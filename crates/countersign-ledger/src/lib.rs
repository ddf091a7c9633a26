//! What exactly is written down? The byte format of ledger entries: leaves without personal data, and the content
//! beside them that salted commitments tie to the leaf.
//!
//! This crate is pure and knows nothing of the rest of Countersign, so that an auditor can use it alone. The
//! Merkle tree over the leaves is not here yet; the bytes that it will cover are final (docs/LEDGER.md).

mod commit;
mod kind;
mod record;

pub use commit::{ActionSalt, Content, Salt, action_commitment, content_commitment};
pub use kind::Kind;
pub use record::{
    ActionPart, Actor, ActorKind, ApprovalPart, EncodeError, Encoded, LEAF_MAX_BYTES, Place, PolicyPart,
    Record, ResultPart, hex, leaf_hash,
};
