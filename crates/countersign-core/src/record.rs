//! What can be read back? One action with all that became of it, pages of them, and its story entry by entry.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    Action, ActionId, Decision, Digest, Effects, Outcome, Principal, Resource, Review, ReviewId, State,
    Timestamp, Verb,
};

/// One action with everything that became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRecord {
    /// The action, with its exact bytes.
    pub action: Action,
    /// What policy said when it arrived.
    pub decision: Decision,
    /// The review, when policy asked for one.
    pub review: Option<Review>,
    /// What the upstream did, when it ran.
    pub outcome: Option<Outcome>,
    /// The result's bytes, while they are kept: until the caller has them, or for good when policy says `record`.
    pub result: Option<Vec<u8>>,
}

/// An action that policy allowed whatever its parameters were, in its short form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedRecord {
    /// The action.
    pub id: ActionId,
    /// When it arrived.
    pub at: Timestamp,
    /// The ledger entry that commits to its batch.
    pub entry: u64,
    /// Who asked.
    pub principal: Principal,
    /// What it acted on.
    pub resource: Resource,
    /// The policy bundle that allowed it.
    pub policy: Digest,
    /// The policies that permitted it.
    pub policies: BTreeSet<String>,
    /// The operation in the protocol's words.
    pub operation: String,
    /// Everything that it would do.
    pub effects: Effects,
    /// What the proxy knew beside the bytes.
    pub facts: BTreeMap<String, String>,
    /// The payload: what was asked, with its parameters, JSON.
    pub payload: String,
    /// What became of it; `None` when the gateway stopped before it knew, or when it was recorded so much later that it
    /// was not looked for there.
    pub outcome: Option<Outcome>,
}

/// Some passed actions, newest first, and how far was looked for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedPage {
    /// What was found.
    pub items: Vec<PassedRecord>,
    /// Where to go on; `None` once everything was looked at.
    pub next: Option<u64>,
    /// How many actions were looked at for this page.
    pub looked_at: u64,
    /// Back to which time, when the page ends because enough was looked at and not because it is full.
    pub looked_back_to: Option<Timestamp>,
}

/// What to look for. Every given filter must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Only reviews in one of these states; empty means actions with and without a review.
    pub states: Vec<State>,
    /// Only this decision: `allow`, `review` or `deny`.
    pub decision: Option<String>,
    /// Only this resource.
    pub resource: Option<String>,
    /// Only the agent with this name.
    pub agent: Option<String>,
    /// Only operations that are exactly this.
    pub operation: Option<String>,
    /// Only actions with an effect of this verb.
    pub verb: Option<Verb>,
    /// Only actions whose operation, effects, claim or payload contain this text, in any letter case.
    pub text: Option<String>,
    /// Only actions received at or after this.
    pub from: Option<Timestamp>,
    /// Only actions received before this.
    pub until: Option<Timestamp>,
    /// Continue after this cursor, as given by [`Page::next`].
    pub cursor: Option<u64>,
    /// At most so many; 1 to [`Query::LIMIT_MAX`].
    pub limit: u16,
}

impl Query {
    /// The largest page.
    pub const LIMIT_MAX: u16 = 200;
}

/// Some records, newest first, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` on the last.
    pub next: Option<u64>,
}

/// One ledger entry as shown in an action's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// Its place in the ledger.
    pub index: u64,
    /// Its type, for example `approval.decided`.
    pub kind: String,
    /// When it was made.
    pub time: Timestamp,
    /// The leaf's exact bytes: JSON without personal data.
    pub leaf: String,
    /// The content beside the leaf, by name, as long as it has not been erased.
    pub content: BTreeMap<String, String>,
}

/// Tells watchers that something about a review changed. A hint: the truth is read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Rises by commit order; a watcher that comes back asks for what came after the last one that it saw.
    pub seq: u64,
    /// The review.
    pub review: ReviewId,
    /// Its state after the change.
    pub state: State,
    /// Its version after the change.
    pub version: u64,
}
