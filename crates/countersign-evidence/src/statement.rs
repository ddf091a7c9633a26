//! How is an approval handed to tools that know nothing of us? As an in-toto statement (v1) about the action's digest, in
//! a DSSE envelope that the log's key signed.
//!
//! Nothing in it is personal: people are the ledger's random ids.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use countersign_ledger::note::{Sign, SignError, VerifierKey};
use countersign_ledger::{Kind, hex};
use serde::{Deserialize, Serialize};

use crate::record::Record;

/// What the predicate is.
pub const PREDICATE_TYPE: &str = "https://countersign.dev/approval/v1";
/// DSSE's payload type for in-toto.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// An in-toto statement, v1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    /// The action.
    pub subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    /// What people decided.
    pub predicate: Predicate,
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// `act_…`.
    pub name: String,
    /// `sha256`: the action's digest where it is shown, else the commitment to its bytes.
    pub digest: BTreeMap<String, String>,
}

/// What was decided, by whom, and where that stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Predicate {
    /// `rev_…`.
    pub review: String,
    /// The review's last state.
    pub state: String,
    /// The agent that asked.
    pub requester: String,
    /// Hash of the policies that asked people.
    pub policy: String,
    /// Ids of the rules that asked people.
    pub rules: Vec<String>,
    /// How many different people had to approve.
    pub needed: u32,
    /// The groups that were asked.
    pub asked: Vec<String>,
    /// Every vote, in order.
    pub votes: Vec<VoteCast>,
    /// `executed`, `failed` or `unknown`, where that is recorded.
    pub outcome: Option<String>,
    /// The log, and the indexes of the action's entries in it.
    pub log: InLog,
}

/// One vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoteCast {
    /// `per_…`.
    pub person: String,
    /// `approve` or `deny`.
    pub decision: String,
    /// `session` or `passkey`.
    pub method: String,
    /// Where.
    pub channel: String,
    /// When, RFC 3339.
    pub time: String,
    /// Index of the entry.
    pub index: u64,
}

/// A place in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InLog {
    /// The log's origin.
    pub origin: String,
    /// Indexes of the entries.
    pub entries: Vec<u64>,
}

impl Statement {
    /// The statement about an action, from its entries in order; `None` when nobody was asked, or the request is not
    /// among them.
    pub fn of<'a>(origin: &str, records: impl IntoIterator<Item = &'a Record>) -> Option<Self> {
        let mut made: Option<(Subject, Predicate)> = None;
        for record in records {
            let leaf = &record.leaf;
            if leaf.kind == Kind::ActionRequested {
                made = Some(begin(origin, record)?);
                continue;
            }
            let (_, predicate) = made.as_mut()?;
            predicate.log.entries.push(record.index);
            if let Some(approval) = &leaf.approval {
                predicate.review.clone_from(&approval.request);
                predicate.state.clone_from(&approval.state);
                predicate.needed = approval.n.unwrap_or(predicate.needed);
                if leaf.kind == Kind::ApprovalRequested {
                    predicate.asked.clone_from(&approval.of);
                }
            }
            if leaf.kind == Kind::ApprovalDecided {
                predicate.votes.extend(vote(record));
            }
            if let Some(result) = &leaf.result {
                predicate.outcome = Some(result.status.clone());
            }
        }
        let (subject, predicate) = made.filter(|(_, predicate)| !predicate.review.is_empty())?;
        Some(Self {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![subject],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate,
        })
    }
}

fn begin(origin: &str, record: &Record) -> Option<(Subject, Predicate)> {
    let (action, policy) = (record.leaf.action.as_ref()?, record.leaf.policy.as_ref()?);
    let digest = record.shown("digest").and_then(|digest| digest.strip_prefix("sha256:"));
    let digest = digest.map_or_else(|| hex(&action.commit), str::to_owned);
    let subject = Subject { name: record.leaf.case.clone(), digest: [("sha256".to_owned(), digest)].into() };
    let predicate = Predicate {
        review: String::new(),
        state: String::new(),
        requester: record.leaf.actor.id.clone(),
        policy: policy.bundle.clone(),
        rules: policy.rules.clone(),
        needed: 0,
        asked: Vec::new(),
        votes: Vec::new(),
        outcome: None,
        log: InLog { origin: origin.to_owned(), entries: vec![record.index] },
    };
    Some((subject, predicate))
}

fn vote(record: &Record) -> Option<VoteCast> {
    let approval = record.leaf.approval.as_ref()?;
    Some(VoteCast {
        person: record.leaf.actor.id.clone(),
        decision: approval.decision.clone()?,
        method: approval.method.clone().unwrap_or_default(),
        channel: approval.channel.clone().unwrap_or_default(),
        time: record.leaf.time.clone(),
        index: record.index,
    })
}

/// A DSSE envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    /// The statement, in base64.
    payload: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeSignature {
    keyid: String,
    sig: String,
}

/// Why there is no envelope, or it says nothing.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The key failed.
    #[error("it can't be signed")]
    Sign(#[from] SignError),
    /// It is not of the form.
    #[error("it is not an envelope with an approval")]
    Form(#[from] serde_json::Error),
    /// It is another kind of envelope.
    #[error("it is not an envelope with an approval in it")]
    Kind,
    /// No trusted key signed it.
    #[error("no trusted key has signed it")]
    Signature,
}

impl Envelope {
    /// Signs a statement. The key's id is `NAME+ID` of the verifier key.
    ///
    /// # Errors
    /// When the key fails.
    pub fn sign(statement: &Statement, key: &dyn Sign) -> Result<Self, EnvelopeError> {
        let payload = serde_json::to_vec(statement)?;
        let signature = key.sign(&pre_authentication(PAYLOAD_TYPE, &payload))?;
        Ok(Self {
            payload_type: PAYLOAD_TYPE.to_owned(),
            payload: BASE64.encode(payload),
            signatures: vec![EnvelopeSignature { keyid: key_id(key.key()), sig: BASE64.encode(signature) }],
        })
    }

    /// The statement, when one of `keys` signed it.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn open(&self, keys: &[VerifierKey]) -> Result<Statement, EnvelopeError> {
        if self.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::Kind);
        }
        let payload = BASE64.decode(&self.payload).map_err(|_not_base64| EnvelopeError::Kind)?;
        let message = pre_authentication(PAYLOAD_TYPE, &payload);
        let signed = self.signatures.iter().any(|signature| {
            let bytes = BASE64.decode(&signature.sig).unwrap_or_default();
            keys.iter().any(|key| key_id(key) == signature.keyid && key.has_signed(&message, &bytes))
        });
        if !signed {
            return Err(EnvelopeError::Signature);
        }
        let statement: Statement = serde_json::from_slice(&payload)?;
        let right = statement.kind == STATEMENT_TYPE && statement.predicate_type == PREDICATE_TYPE;
        if right { Ok(statement) } else { Err(EnvelopeError::Kind) }
    }
}

/// `NAME+ID` of a verifier key. No name has a `+`, and the base64 behind the id may.
fn key_id(key: &VerifierKey) -> String {
    let text = key.to_string();
    text.splitn(3, '+').take(2).collect::<Vec<_>>().join("+")
}

/// What a DSSE signature covers: `PAE` of the specification, protocol version 1.
fn pre_authentication(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}
