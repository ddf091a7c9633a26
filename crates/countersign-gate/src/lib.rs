//! May this action pass? The waist of Countersign: everything security-relevant happens here once.
//!
//! Open `pass.rs` first: [`Gate::pass`] tells the whole story, one file per step.

mod clock;
mod permit;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{
    ActionId, ActionRecord, Ballot, Draft, Entropy, Notice, Page, Plan, Principal, Query, Review, ReviewId,
    Reviewer, TimelineEntry, Timestamp, VoteRefusal,
};

pub use clock::{Clock, SystemClock};
pub use permit::{Permit, UpkeepPermit};
pub use verdict::{Forward, Forwarded, Ticket, Verdict};

#[derive(Clone)]
pub struct Gate { _p: Arc<()> }

/// STUBS below: signatures are the contract, bodies are being written.
impl Gate {
    /// The one readable function.
    pub async fn pass<F: Forward>(&self, draft: Draft, forward: F) -> Verdict { todo!() }
    /// Like `pass`, but the people in `plan` decide instead of policy (used for changed tool definitions), and the
    /// wait has no hold: resolves when decided (detached). Never returns `Pending`.
    pub async fn ask<F: Forward>(&self, draft: Draft, plan: Plan, forward: F) -> Verdict { todo!() }
    /// A permit for a message without effect on the resource (handshake, ping, listing).
    pub fn upkeep(&self, principal: &Principal) -> UpkeepPermit { todo!() }
    pub fn clock(&self) -> &Arc<dyn Clock> { todo!() }
    pub fn entropy(&self) -> &Arc<dyn Entropy> { todo!() }

    // ---- for the requester: only its own reviews, others look as if they did not exist (`None`)
    pub fn status(&self, principal: &Principal, review: ReviewId) -> Result<Option<Review>, GateError> { todo!() }
    /// Waits until the review is no longer pending or `until` has come; then what `status` says.
    pub async fn wait(&self, principal: &Principal, review: ReviewId, until: Timestamp) -> Result<Option<Review>, GateError> { todo!() }
    pub async fn cancel(&self, principal: &Principal, review: ReviewId) -> Result<Option<Review>, GateError> { todo!() }
    /// The stored result of a review of this principal that has run, if it is still kept (used by tasks/result).
    pub fn result(&self, principal: &Principal, review: ReviewId) -> Result<Option<Verdict>, GateError> { todo!() }

    // ---- for people
    pub async fn vote(&self, reviewer: &Reviewer, review: ReviewId, ballot: Ballot) -> Result<Review, VoteError> { todo!() }
    /// Whether Cedar and the core would let this person answer now (for showing buttons).
    pub fn may_vote(&self, reviewer: &Reviewer, record: &ActionRecord, answer: countersign_core::Answer) -> Result<(), VoteError> { todo!() }
    pub async fn records(&self, query: Query) -> Result<Page<ActionRecord>, GateError> { todo!() }
    pub async fn review(&self, review: ReviewId) -> Result<Option<ActionRecord>, GateError> { todo!() }
    pub async fn action(&self, action: ActionId) -> Result<Option<ActionRecord>, GateError> { todo!() }
    pub async fn timeline(&self, action: ActionId) -> Result<Vec<TimelineEntry>, GateError> { todo!() }
    /// Records that a person opened the review page (`approval.viewed`), once per person and version.
    pub async fn viewed(&self, reviewer: &Reviewer, review: ReviewId, version: u64) -> Result<(), GateError> { todo!() }
    /// Live: notices with seq > after first (replayed from the store), then as they happen. `None` = only new ones.
    pub fn notices(&self, after: Option<u64>) -> tokio::sync::mpsc::Receiver<Notice> { todo!() }
    /// Stored answer of an idempotent API request: `None` = first time (caller goes on, then calls `remember`).
    pub async fn recall(&self, person: countersign_core::PersonId, key: &str, request: countersign_core::Digest) -> Result<Recall, GateError> { todo!() }
    pub async fn remember(&self, person: countersign_core::PersonId, key: &str, request: countersign_core::Digest, status: u16, body: Vec<u8>) -> Result<(), GateError> { todo!() }
}
pub enum Recall { New, Same { status: u16, body: Vec<u8> }, OtherRequest }
#[derive(Debug, thiserror::Error)]
pub enum VoteError {
    #[error("no such review")] NotFound,
    #[error("the review is {}", .0.word())] NotPending(countersign_core::State),
    #[error(transparent)] Refused(#[from] VoteRefusal),
    #[error("policy does not let you vote on this: {0}")] Policy(String),
    #[error(transparent)] Gate(#[from] GateError),
}
#[derive(Debug, thiserror::Error)]
#[error("the store can't be used")]
pub struct GateError { #[source] source: Box<dyn std::error::Error + Send + Sync> }
const _: Option<Duration> = None;
