//! Actions, decisions and ledger entries as JSON.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_core::{
    ActionRecord, Decision, Digest, Effect, Link, Obligation, Outcome, Principal, Resource, TimelineEntry,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::preview::PreviewBody;

/// One action in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActionSummary {
    #[schema(pattern = "^act_[0-9a-f]{32}$")]
    id: String,
    #[schema(format = DateTime)]
    received_at: String,
    digest: String,
    resource: String,
    agent: String,
    operation: String,
    effects: Vec<EffectBody>,
    /// `allow`, `review` or `deny`: what policy said when it arrived.
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<ReviewRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeBody>,
}

/// One action with everything that became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActionBody {
    #[schema(pattern = "^act_[0-9a-f]{32}$")]
    id: String,
    #[schema(format = DateTime)]
    received_at: String,
    /// Covers the exact bytes, the resource, the requester chain, the facts, the preview and the policy version.
    #[schema(pattern = "^sha256:[0-9a-f]{64}$")]
    digest: String,
    /// The hash of the policy bundle that judged it first.
    #[schema(pattern = "^sha256:[0-9a-f]{64}$")]
    policy: String,
    resource: ResourceBody,
    principal: PrincipalBody,
    operation: String,
    effects: Vec<EffectBody>,
    /// What an approval depends on beside the bytes.
    facts: BTreeMap<String, String>,
    /// What it would touch; absent when nobody worked that out.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<PreviewBody>,
    /// What the caller says about why. Not checked by anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<String>,
    payload: PayloadBody,
    decision: DecisionBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<ReviewRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeBody>,
}

/// The exact bytes received.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PayloadBody {
    /// `utf8` when `data` is the text itself, `base64` when the bytes aren't UTF-8.
    encoding: &'static str,
    /// All of them.
    data: String,
    /// How many bytes.
    bytes: usize,
    /// Their SHA-256.
    #[schema(pattern = "^sha256:[0-9a-f]{64}$")]
    sha256: String,
}

/// What is protected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResourceBody {
    name: String,
    protocol: String,
    labels: BTreeMap<String, String>,
}

/// Who asks, and the chain behind.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrincipalBody {
    #[schema(pattern = "^agt_[0-9a-f]{32}$")]
    agent: String,
    name: String,
    teams: Vec<String>,
    links: Vec<LinkBody>,
}

/// One link of the chain.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkBody {
    /// `owner`, `on behalf of`, `model`, `client` or `pipeline`.
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    /// `verified` from a credential, or only `claimed` by the caller.
    standing: &'static str,
}

/// One thing that the action would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EffectBody {
    verb: &'static str,
    object: String,
}

/// What policy said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionBody {
    /// `allow`, `review` or `deny`.
    answer: &'static str,
    /// The ids of the policies that led to it.
    policies: Vec<String>,
    /// Why, by policy id, as far as policies give reasons.
    reasons: BTreeMap<String, String>,
    /// The stable code of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// The text of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// What must be done when it runs, for example `mask email`.
    obligations: Vec<String>,
}

/// Where the question to people stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewRef {
    #[schema(pattern = "^rev_[0-9a-f]{32}$")]
    id: String,
    state: &'static str,
}

/// What the upstream did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutcomeBody {
    /// `executed`, `failed` or `unknown`.
    status: &'static str,
    /// How many rows it touched or brought back, where the protocol says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    /// From forwarding to answer, in microseconds.
    duration_us: u64,
    /// The SHA-256 of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// One entry of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineEntryBody {
    /// Its place in the ledger.
    index: u64,
    /// For example `approval.decided`.
    kind: String,
    #[schema(format = DateTime)]
    time: String,
    /// The exact bytes of the leaf.
    leaf: String,
    /// What stands beside the leaf, as long as it isn't erased.
    content: BTreeMap<String, String>,
}

impl ActionSummary {
    pub(crate) fn of(record: &ActionRecord) -> Self {
        let action = &record.action;
        Self {
            id: action.id().to_string(),
            received_at: action.received_at().to_string(),
            digest: action.digest().to_string(),
            resource: action.resource().name.clone(),
            agent: action.principal().name.clone(),
            operation: action.operation().to_owned(),
            effects: action.effects().iter().map(EffectBody::of).collect(),
            decision: record.decision.word(),
            review: ReviewRef::of(record),
            outcome: OutcomeBody::of(record.outcome.as_ref()),
        }
    }
}

impl ActionBody {
    pub(crate) fn of(record: &ActionRecord) -> Self {
        let action = &record.action;
        Self {
            id: action.id().to_string(),
            received_at: action.received_at().to_string(),
            digest: action.digest().to_string(),
            policy: action.policy().to_string(),
            resource: ResourceBody::of(action.resource()),
            principal: PrincipalBody::of(action.principal()),
            operation: action.operation().to_owned(),
            effects: action.effects().iter().map(EffectBody::of).collect(),
            facts: action.facts().clone(),
            preview: action.preview().map(PreviewBody::of),
            claim: action.claim().map(str::to_owned),
            payload: PayloadBody::of(action.payload()),
            decision: DecisionBody::of(&record.decision),
            review: ReviewRef::of(record),
            outcome: OutcomeBody::of(record.outcome.as_ref()),
        }
    }
}

impl ResourceBody {
    pub(super) fn of(resource: &Resource) -> Self {
        Self {
            name: resource.name.clone(),
            protocol: resource.protocol.clone(),
            labels: resource.labels.clone(),
        }
    }
}

impl PayloadBody {
    pub(super) fn of(payload: &[u8]) -> Self {
        let (encoding, data) = match std::str::from_utf8(payload) {
            Ok(text) => ("utf8", text.to_owned()),
            Err(_) => ("base64", STANDARD.encode(payload)),
        };
        Self { encoding, data, bytes: payload.len(), sha256: Digest::of(payload).to_string() }
    }
}

impl PrincipalBody {
    pub(super) fn of(principal: &Principal) -> Self {
        Self {
            agent: principal.agent.to_string(),
            name: principal.name.clone(),
            teams: principal.teams.iter().cloned().collect(),
            links: principal.links.iter().map(LinkBody::of).collect(),
        }
    }
}

impl LinkBody {
    fn of(link: &Link) -> Self {
        Self {
            kind: link.kind.word(),
            name: link.name.clone(),
            person: link.person.map(|person| person.to_string()),
            standing: link.standing.word(),
        }
    }
}

impl EffectBody {
    pub(crate) fn of(effect: &Effect) -> Self {
        Self { verb: effect.verb.word(), object: effect.object.clone() }
    }
}

impl DecisionBody {
    pub(crate) fn of(decision: &Decision) -> Self {
        let empty = Self {
            answer: decision.word(),
            policies: Vec::new(),
            reasons: BTreeMap::new(),
            code: None,
            text: None,
            obligations: Vec::new(),
        };
        match decision {
            Decision::Allow(terms) => Self {
                policies: terms.policies.iter().cloned().collect(),
                obligations: terms.obligations.iter().map(obligation).collect(),
                ..empty
            },
            Decision::Review(plan) => Self {
                policies: plan.gates.values().flat_map(|gate| gate.policies.iter().cloned()).collect(),
                reasons: plan.reasons.clone(),
                obligations: plan.terms.obligations.iter().map(obligation).collect(),
                ..empty
            },
            Decision::Deny(reason) => Self {
                policies: reason.policies.iter().cloned().collect(),
                code: Some(reason.code.word()),
                text: Some(reason.text.clone()),
                ..empty
            },
        }
    }
}

fn obligation(obligation: &Obligation) -> String {
    match obligation {
        Obligation::Mask(mask) => mask.to_string(),
        Obligation::Record => "record".to_owned(),
    }
}

impl ReviewRef {
    fn of(record: &ActionRecord) -> Option<Self> {
        record.review.as_ref().map(|review| Self { id: review.id.to_string(), state: review.state.word() })
    }
}

impl OutcomeBody {
    pub(super) fn of(outcome: Option<&Outcome>) -> Option<Self> {
        outcome.map(|outcome| Self {
            status: outcome.status.word(),
            rows: outcome.rows,
            duration_us: outcome.duration_us,
            result: outcome.result.map(|digest| digest.to_string()),
            note: outcome.note.clone(),
        })
    }
}

impl TimelineEntryBody {
    pub(crate) fn of(entry: &TimelineEntry) -> Self {
        Self {
            index: entry.index,
            kind: entry.kind.clone(),
            time: entry.time.to_string(),
            leaf: entry.leaf.clone(),
            content: entry.content.clone(),
        }
    }
}
