//! What does one leaf hold? RFC 8785 canonical JSON of the I-JSON subset: strings, booleans and whole numbers
//! within ±(2^53 − 1); no floats, no nulls, no duplicate keys, no personal data.

use serde::{Deserialize, Serialize};

use crate::commit::{ActionSalt, Content, Salt, action_commitment, content_commitment};
use crate::kind::Kind;
use crate::text::hex;
use crate::tree::leaf_hash;

/// Leaves above this are refused: C2SP entry bundles prefix entries with 16 bits, and room is left for growth.
pub const LEAF_MAX_BYTES: usize = 60_000;

/// Who did what the entry tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// An agent.
    Agent,
    /// A person.
    Human,
    /// The gateway itself: a clock, a recovery, an administrator at the command line.
    System,
}

impl ActorKind {
    /// The word in the leaf.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Human => "human",
            Self::System => "system",
        }
    }
}

/// Who did what the entry tells, by pseudonym.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// What it is.
    pub kind: ActorKind,
    /// A random id; the name is content.
    pub id: String,
}

/// The action that the entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPart {
    /// The operation in the protocol's words, cut to 200 characters.
    pub tool: String,
    /// The verbs of its effects.
    pub class: Vec<String>,
    /// The exact bytes, which are committed to and kept beside the leaf.
    pub bytes: Vec<u8>,
}

/// What policy said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyPart {
    /// SHA-256 of the bundle.
    pub bundle: String,
    /// Ids of the policies that decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// `allow`, `review` or `deny`.
    pub decision: String,
}

/// What people are asked or said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalPart {
    /// The review.
    pub request: String,
    /// The review's state after this entry.
    pub state: String,
    /// The review's version after this entry.
    pub version: u64,
    /// Groups that are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<String>,
    /// How many people in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// `approve` or `deny`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// How surely it was this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Where the person answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// What became of the action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultPart {
    /// `executed`, `failed` or `unknown`.
    pub status: String,
    /// From forwarding to answer, in microseconds.
    pub dur_us: u64,
}

/// One thing that happened, before it has a place in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its type.
    pub kind: Kind,
    /// A fresh UUIDv7.
    pub id: String,
    /// RFC 3339 in UTC with microseconds.
    pub time: String,
    /// What it belongs to: an action's id, or the id of an agent, a person or a resource. Entries of one case are
    /// chained by `prev`.
    pub case: String,
    /// Who did it.
    pub actor: Actor,
    /// The action, in the entry that first tells of it.
    pub action: Option<ActionPart>,
    /// What policy said.
    pub policy: Option<PolicyPart>,
    /// What people were asked or said.
    pub approval: Option<ApprovalPart>,
    /// What became of it.
    pub result: Option<ResultPart>,
    /// What stands beside the leaf.
    pub content: Vec<Content>,
}

impl Record {
    /// A record with nothing but its head.
    pub fn new(kind: Kind, id: String, time: String, case: String, actor: Actor) -> Self {
        Self {
            kind,
            id,
            time,
            case,
            actor,
            action: None,
            policy: None,
            approval: None,
            result: None,
            content: Vec::new(),
        }
    }
}

/// Where the sequencer puts a record.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The log's tenant.
    pub tenant: &'a str,
    /// The gateway node.
    pub node: &'a str,
    /// The node's own gapless count.
    pub nseq: u64,
    /// The leaf hash of the case's previous entry.
    pub prev: Option<&'a [u8; 32]>,
}

/// A record as bytes, with the salts that open its commitments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The leaf's exact bytes.
    pub leaf: Vec<u8>,
    /// RFC 6962 leaf hash of them.
    pub hash: [u8; 32],
    /// The salt of the action's bytes, when the record has an action.
    pub action_salt: Option<ActionSalt>,
    /// The salts of the content, in order.
    pub salts: Vec<Salt>,
}

/// Why a record has no bytes.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It is too large.
    #[error("the ledger entry has {bytes} bytes; at most {LEAF_MAX_BYTES} are kept in a leaf")]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// It holds what canonical JSON can't: numbers beyond 2^53.
    #[error("the ledger entry can't be written as canonical JSON")]
    Canonical(#[source] std::io::Error),
}

#[derive(Serialize)]
struct Leaf<'a> {
    v: u8,
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    time: &'a str,
    tenant: &'a str,
    node: &'a str,
    nseq: u64,
    case: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<String>,
    actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<LeafAction<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a PolicyPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<&'a ApprovalPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a ResultPart>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sd: Vec<String>,
}

#[derive(Serialize)]
struct LeafAction<'a> {
    commit: String,
    tool: &'a str,
    class: &'a [String],
}

impl Record {
    /// The leaf's bytes at `place`. `random` fills salts; the same record encoded twice has other commitments.
    ///
    /// # Errors
    /// [`EncodeError`]; nothing may be stored then.
    pub fn encode(
        &self,
        place: Place<'_>,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Encoded, EncodeError> {
        // One question to the random source, which may be a system call.
        let mut pool = vec![0; self.content.len() * size_of::<Salt>() + size_of::<ActionSalt>()];
        random(&mut pool);
        let (content_pool, action_pool) = pool.split_at(self.content.len() * size_of::<Salt>());
        let mut salts = Vec::with_capacity(self.content.len());
        let mut sd = Vec::with_capacity(self.content.len());
        for (content, random) in self.content.iter().zip(content_pool.chunks_exact(size_of::<Salt>())) {
            let mut salt = Salt::default();
            salt.copy_from_slice(random);
            sd.push(hex(&content_commitment(&salt, content).map_err(EncodeError::Canonical)?));
            salts.push(salt);
        }
        let action_salt = self.action.as_ref().map(|_| {
            let mut salt = ActionSalt::default();
            salt.copy_from_slice(action_pool);
            salt
        });
        let action = self.action.as_ref().zip(action_salt.as_ref()).map(|(action, salt)| LeafAction {
            commit: hex(&action_commitment(salt, &action.bytes)),
            tool: &action.tool,
            class: &action.class,
        });
        let leaf = Leaf {
            v: 1,
            id: &self.id,
            kind: self.kind.word(),
            time: &self.time,
            tenant: place.tenant,
            node: place.node,
            nseq: place.nseq,
            case: &self.case,
            prev: place.prev.map(|hash| hex(hash)),
            actor: &self.actor,
            action,
            policy: self.policy.as_ref(),
            approval: self.approval.as_ref(),
            result: self.result.as_ref(),
            sd,
        };
        let leaf = json_canon::to_vec(&leaf)
            .map_err(|source| EncodeError::Canonical(std::io::Error::other(source)))?;
        if leaf.len() > LEAF_MAX_BYTES {
            return Err(EncodeError::TooLarge { bytes: leaf.len() });
        }
        let hash = leaf_hash(&leaf);
        Ok(Encoded { leaf, hash, action_salt, salts })
    }
}

#[cfg(test)]
mod tests;
