//! What passed on a standing answer, as JSON.

use std::collections::BTreeMap;

use countersign_core::{PassedPage, PassedRecord};
use serde::Serialize;
use utoipa::ToSchema;

use super::action::{EffectBody, OutcomeBody, PayloadBody, PrincipalBody, ResourceBody};

/// So much of the payload stands in a list.
const HEAD_CHARS: usize = 200;

/// One page of what passed, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PassedPageBody {
    /// What was found.
    items: Vec<PassedSummary>,
    /// The `cursor` of the next page; absent once everything was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// How many actions were looked at for this page.
    looked_at: u64,
    /// Back to which time, when the page ends because enough was looked at and not because it is full.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    looked_back_to: Option<String>,
}

/// One action that passed, in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PassedSummary {
    #[schema(pattern = "^act_[0-9a-f]{32}$")]
    id: String,
    #[schema(format = DateTime)]
    received_at: String,
    resource: String,
    agent: String,
    operation: String,
    effects: Vec<EffectBody>,
    /// The first 200 characters of the payload.
    head: String,
    /// Absent when none was found soon after the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeBody>,
}

/// One action that passed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PassedBody {
    #[schema(pattern = "^act_[0-9a-f]{32}$")]
    id: String,
    #[schema(format = DateTime)]
    received_at: String,
    /// The ledger entry that commits to the batch which holds it.
    entry: u64,
    /// The hash of the policy bundle that allows it.
    #[schema(pattern = "^sha256:[0-9a-f]{64}$")]
    policy: String,
    /// The ids of the policies that permit it.
    policies: Vec<String>,
    resource: ResourceBody,
    principal: PrincipalBody,
    operation: String,
    effects: Vec<EffectBody>,
    /// What the proxy knew beside the bytes.
    facts: BTreeMap<String, String>,
    payload: PayloadBody,
    /// Absent when none was found soon after the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeBody>,
}

impl PassedPageBody {
    pub(crate) fn of(page: &PassedPage) -> Self {
        Self {
            items: page.items.iter().map(PassedSummary::of).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
            looked_at: page.looked_at,
            looked_back_to: page.looked_back_to.map(|at| at.to_string()),
        }
    }
}

impl PassedSummary {
    fn of(record: &PassedRecord) -> Self {
        Self {
            id: record.id.to_string(),
            received_at: record.at.to_string(),
            resource: record.resource.name.clone(),
            agent: record.principal.name.clone(),
            operation: record.operation.clone(),
            effects: record.effects.iter().map(EffectBody::of).collect(),
            head: record.payload.chars().take(HEAD_CHARS).collect(),
            outcome: OutcomeBody::of(record.outcome.as_ref()),
        }
    }
}

impl PassedBody {
    pub(crate) fn of(record: &PassedRecord) -> Self {
        Self {
            id: record.id.to_string(),
            received_at: record.at.to_string(),
            entry: record.entry,
            policy: record.policy.to_string(),
            policies: record.policies.iter().cloned().collect(),
            resource: ResourceBody::of(&record.resource),
            principal: PrincipalBody::of(&record.principal),
            operation: record.operation.clone(),
            effects: record.effects.iter().map(EffectBody::of).collect(),
            facts: record.facts.clone(),
            payload: PayloadBody::of(record.payload.as_bytes()),
            outcome: OutcomeBody::of(record.outcome.as_ref()),
        }
    }
}
