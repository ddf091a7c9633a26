//! What does a leaf say? Exactly the bytes that [`crate::Record::encode`] writes, read back into types; anything that
//! two readers could understand differently is refused.

use serde::{Deserialize, Serialize};

use crate::kind::Kind;
use crate::record::{Actor, ApprovalPart, LEAF_MAX_BYTES, PolicyPart, ResultPart};
use crate::text::{from_hex, shown};
use crate::tree::Hash;

/// The version of leaves that is read.
const VERSION: u64 = 1;

/// A leaf, as it was written. It can only be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leaf {
    /// What happened.
    pub kind: Kind,
    /// A UUIDv7 of the entry.
    pub id: String,
    /// RFC 3339 in UTC with microseconds.
    pub time: String,
    /// Whose log it is.
    pub tenant: String,
    /// The gateway that wrote it.
    pub node: String,
    /// That gateway's own count.
    pub nseq: u64,
    /// What it belongs to.
    pub case: String,
    /// The leaf hash of the case's previous entry; `None` in the first.
    pub prev: Option<Hash>,
    /// Who did it.
    pub actor: Actor,
    /// The action that it is about.
    pub action: Option<LeafAction>,
    /// What policy said.
    pub policy: Option<PolicyPart>,
    /// What people were asked or said.
    pub approval: Option<ApprovalPart>,
    /// What became of the action.
    pub result: Option<ResultPart>,
    /// Commitments to the content beside it.
    pub sd: Vec<[u8; 32]>,
}

/// What a leaf says of its action.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeafAction {
    /// The operation in the protocol's words, cut to 200 characters.
    pub tool: String,
    /// The verbs of its effects.
    pub class: Vec<String>,
    /// The commitment to its exact bytes.
    pub commit: [u8; 32],
}

/// Why bytes are not a leaf.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    /// It is too large.
    #[error("a leaf has at most {LEAF_MAX_BYTES} bytes, not {0}")]
    TooLarge(usize),
    /// It is not JSON of a leaf's form.
    #[error("it is not a leaf")]
    Form(#[source] serde_json::Error),
    /// Its version is another than this reader's.
    #[error("its version is {0}; this reads version {VERSION}")]
    Version(u64),
    /// Its type is none that this reader knows.
    #[error("its type is `{0}`, which is not known here")]
    Kind(String),
    /// It is not written in the one canonical form.
    #[error("it is not canonical JSON")]
    NotCanonical,
    /// A hash is not 64 digits of lower-case hexadecimal.
    #[error("`{0}` is not a hash")]
    Hash(String),
    /// The time is not RFC 3339 in UTC with microseconds.
    #[error("`{0}` is not a time like 2026-11-22T05:03:14.123456Z")]
    Time(String),
}

/// Enough of a leaf to see whether the rest can be read.
#[derive(Deserialize)]
struct Head {
    v: u64,
    #[serde(rename = "type")]
    kind: String,
}

/// The fields as they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    v: u64,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    time: String,
    tenant: String,
    node: String,
    nseq: u64,
    case: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<String>,
    actor: Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<WrittenAction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ResultPart>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sd: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAction {
    commit: String,
    tool: String,
    class: Vec<String>,
}

impl Leaf {
    /// Reads a leaf's exact bytes.
    ///
    /// # Errors
    /// [`LeafError`] for whatever is not canonical JSON of version 1 with a known type and no other fields.
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafError> {
        if bytes.len() > LEAF_MAX_BYTES {
            return Err(LeafError::TooLarge(bytes.len()));
        }
        let head: Head = serde_json::from_slice(bytes).map_err(LeafError::Form)?;
        if head.v != VERSION {
            return Err(LeafError::Version(head.v));
        }
        let kind = Kind::from_word(&head.kind).ok_or_else(|| LeafError::Kind(shown(&head.kind)))?;
        let written: Written = serde_json::from_slice(bytes).map_err(LeafError::Form)?;
        // Written again, it must be the same bytes: so every value has one reading and one spelling.
        let again = json_canon::to_vec(&written).map_err(|_cause| LeafError::NotCanonical)?;
        if again != bytes {
            return Err(LeafError::NotCanonical);
        }
        if !is_time(&written.time) {
            return Err(LeafError::Time(shown(&written.time)));
        }
        let action = written.action.map(|action| {
            let commit = hash(&action.commit)?;
            Ok::<_, LeafError>(LeafAction { tool: action.tool, class: action.class, commit })
        });
        Ok(Self {
            kind,
            id: written.id,
            time: written.time,
            tenant: written.tenant,
            node: written.node,
            nseq: written.nseq,
            case: written.case,
            prev: written.prev.as_deref().map(hash).transpose()?,
            actor: written.actor,
            action: action.transpose()?,
            policy: written.policy,
            approval: written.approval,
            result: written.result,
            sd: written.sd.iter().map(|sd| hash(sd)).collect::<Result<_, _>>()?,
        })
    }
}

fn hash(text: &str) -> Result<Hash, LeafError> {
    from_hex(text).ok_or_else(|| LeafError::Hash(shown(text)))
}

/// `2026-11-22T05:03:14.123456Z`, by its shape: digits where they belong.
fn is_time(text: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00.000000Z";
    let fits = |(byte, shape): (u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == *shape };
    text.len() == SHAPE.len() && text.bytes().zip(SHAPE).all(fits)
}

#[cfg(test)]
mod tests;
