//! Reviews and votes as JSON.

use std::collections::BTreeMap;
use std::num::ParseIntError;

use countersign_core::Reviewer;
use countersign_core::{ActionRecord, Answer, Review};
use countersign_gate::{Gate, VoteError};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::action::{ActionBody, EffectBody};
use crate::codes::Problem;

/// The words of a review's states, for the API's description; `openapi/tests.rs` compares them with the core's.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only described, never made: parameters are read by `params`")]
pub(crate) enum StateWord {
    Pending,
    Approved,
    Denied,
    Expired,
    Cancelled,
    Lapsed,
    Claimed,
    Executed,
    Failed,
    Unknown,
}

/// One review in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewSummary {
    #[schema(pattern = "^rev_[0-9a-f]{32}$")]
    id: String,
    /// Rises with every change; a vote names the one that it saw.
    version: u64,
    /// `pending`, `approved`, `denied`, `expired`, `cancelled`, `lapsed`, `claimed`, `executed`, `failed` or
    /// `unknown`.
    state: &'static str,
    /// The digest that a vote names.
    #[schema(pattern = "^sha256:[0-9a-f]{64}$")]
    digest: String,
    #[schema(pattern = "^act_[0-9a-f]{32}$")]
    action: String,
    resource: String,
    agent: String,
    operation: String,
    effects: Vec<EffectBody>,
    #[schema(format = DateTime)]
    opened_at: String,
    #[schema(format = DateTime)]
    pending_until: String,
    you: You,
}

/// One review with all that there is to judge from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewBody {
    #[schema(pattern = "^rev_[0-9a-f]{32}$")]
    id: String,
    /// Rises with every change; a vote names the one that it saw.
    version: u64,
    state: &'static str,
    /// The digest that a vote names.
    #[schema(pattern = "^sha256:[0-9a-f]{64}$")]
    digest: String,
    action: ActionBody,
    /// All of them must be met.
    gates: Vec<GateBody>,
    /// Why policy asks, by policy id.
    reasons: BTreeMap<String, String>,
    votes: Vec<VoteBody>,
    /// How many more people must approve.
    missing: usize,
    #[schema(format = DateTime)]
    opened_at: String,
    /// The review expires then.
    #[schema(format = DateTime)]
    pending_until: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    decided_at: Option<String>,
    /// Once approved: the approval lapses then unless it was claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    claim_until: Option<String>,
    you: You,
}

/// One group of people who must agree.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GateBody {
    group: String,
    /// How many distinct people of the group.
    quorum: u16,
    /// `session` or `passkey`.
    assurance: &'static str,
    policies: Vec<String>,
}

/// One person's answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VoteBody {
    id: String,
    person: String,
    name: String,
    /// `approve` or `deny`.
    answer: &'static str,
    reason: String,
    channel: String,
    assurance: &'static str,
    #[schema(format = DateTime)]
    cast_at: String,
}

/// Whether the caller's answer would count now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct You {
    pub(crate) may_approve: bool,
    pub(crate) may_deny: bool,
    /// The code of the error that an approval would meet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why_not: Option<&'static str>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why_not_text: Option<String>,
}

/// An answer about exactly what was seen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "answer": "approve",
    "reason": "Matches ticket OPS-112",
    "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "version": 1
}))]
pub(crate) struct VoteRequest {
    #[schema(schema_with = answer_schema)]
    pub(crate) answer: Answer,
    /// Why; at most 4096 bytes.
    #[serde(default)]
    #[schema(max_length = 4096)]
    pub(crate) reason: String,
    /// The review's `digest` as it was read.
    #[schema(pattern = "^sha256:[0-9a-f]{64}$")]
    pub(crate) digest: String,
    /// The review's `version` as it was read.
    #[serde(deserialize_with = "whole_number")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub(crate) version: u64,
}

/// JSON Schema counts `2.0` among the integers, and some clients write it so.
fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?.to_string();
    let digits = number.strip_suffix(".0").unwrap_or(&number);
    digits
        .parse()
        .map_err(|error: ParseIntError| D::Error::custom(format!("`{number}` is not a version: {error}")))
}

fn answer_schema() -> utoipa::openapi::schema::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(["approve", "deny"]))
        .build()
}

impl You {
    /// Asks the gate.
    pub(crate) fn of(gate: &Gate, reviewer: &Reviewer, record: &ActionRecord) -> Self {
        let approve = gate.may_vote(reviewer, record, Answer::Approve);
        let may_deny = gate.may_vote(reviewer, record, Answer::Deny).is_ok();
        let text = approve.as_ref().err().map(VoteError::to_string);
        let problem = approve.err().map(Problem::from);
        Self {
            may_approve: problem.is_none(),
            may_deny,
            why_not: problem.map(|problem| problem.code.word()),
            why_not_text: text,
        }
    }
}

impl ReviewSummary {
    /// `None` for an action that nobody was asked about.
    pub(crate) fn of(record: &ActionRecord, you: You) -> Option<Self> {
        let review = record.review.as_ref()?;
        Some(Self {
            id: review.id.to_string(),
            version: review.version,
            state: review.state.word(),
            digest: review.digest.to_string(),
            action: review.action.to_string(),
            resource: record.action.resource().name.clone(),
            agent: record.action.principal().name.clone(),
            operation: record.action.operation().to_owned(),
            effects: record.action.effects().iter().map(EffectBody::of).collect(),
            opened_at: review.opened_at.to_string(),
            pending_until: review.pending_until.to_string(),
            you,
        })
    }
}

impl ReviewBody {
    /// `None` for an action that nobody was asked about.
    pub(crate) fn of(record: &ActionRecord, you: You) -> Option<Self> {
        let review = record.review.as_ref()?;
        Some(Self {
            id: review.id.to_string(),
            version: review.version,
            state: review.state.word(),
            digest: review.digest.to_string(),
            action: ActionBody::of(record),
            gates: gates(review),
            reasons: review.plan.reasons.clone(),
            votes: votes(review),
            missing: review.missing(),
            opened_at: review.opened_at.to_string(),
            pending_until: review.pending_until.to_string(),
            decided_at: review.decided_at.map(|at| at.to_string()),
            claim_until: review.grant.as_ref().map(|grant| grant.lapses_at().to_string()),
            you,
        })
    }
}

fn gates(review: &Review) -> Vec<GateBody> {
    review
        .plan
        .gates
        .iter()
        .map(|(group, gate)| GateBody {
            group: group.clone(),
            quorum: gate.quorum,
            assurance: gate.assurance.word(),
            policies: gate.policies.iter().cloned().collect(),
        })
        .collect()
}

fn votes(review: &Review) -> Vec<VoteBody> {
    review
        .votes
        .iter()
        .map(|vote| VoteBody {
            id: vote.id.to_string(),
            person: vote.person.to_string(),
            name: vote.name.clone(),
            answer: vote.answer.word(),
            reason: vote.reason.clone(),
            channel: vote.channel.clone(),
            assurance: vote.assurance.word(),
            cast_at: vote.cast_at.to_string(),
        })
        .collect()
}
