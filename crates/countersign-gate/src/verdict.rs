//! What does the caller hear? The end of one passage through the gate, for the proxy to put in its protocol's words.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use countersign_core::{Digest, Obligation, Outcome, Reason, ReviewId, Timestamp};

use crate::Permit;

/// How one passage ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It ran: here is what the upstream answered. `review` is set when people had to agree.
    Ran {
        /// The review that let it run.
        review: Option<ReviewId>,
        /// What became of it; [`countersign_core::Status::Unknown`] when nobody can say.
        outcome: Outcome,
        /// The upstream's answer, exactly as [`Forward::forward`] gave it. Empty when there was none.
        result: Bytes,
    },
    /// It did not run.
    Denied {
        /// Why, with a stable code.
        reason: Reason,
        /// The review, when people were asked.
        review: Option<ReviewId>,
    },
    /// It did not run yet: the hold is over and people have not answered. Nothing was executed.
    Pending(Ticket),
}

/// What a caller needs to come back for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The review.
    pub review: ReviewId,
    /// Where people decide; safe to show: it signs nobody in.
    pub link: String,
    /// The action's digest.
    pub digest: Digest,
    /// When the review ends unanswered.
    pub pending_until: Timestamp,
}

/// What the upstream answered to a forwarded action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// What became of it.
    pub outcome: Outcome,
    /// The answer in the protocol's bytes, to be handed to the caller now or later.
    pub result: Bytes,
}

/// What a proxy supplies for one call: how long to wait, how to show life, and how to forward.
pub trait Forward: Send + 'static {
    /// How long the caller's connection is held while people decide.
    fn hold(&self) -> Duration;

    /// Called once when the call begins to wait, so that the proxy can show signs of life.
    fn held(&self, ticket: &Ticket);

    /// Whether this proxy can do what the terms ask. One that it can't do is a denial.
    fn performs(&self, obligation: &Obligation) -> bool;

    /// The facts of the draft as they are now, compared with those approved just before the action runs.
    fn facts(&self) -> BTreeMap<String, String>;

    /// Sends the permitted action upstream and brings back the answer. Runs in a task of its own: a caller that
    /// disconnects does not stop it.
    fn forward(self, permit: Permit) -> impl Future<Output = Forwarded> + Send;
}
