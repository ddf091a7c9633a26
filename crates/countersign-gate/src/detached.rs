//! How does an action go on when its caller does not wait? By its review's id, through the same claim as any other.

use countersign_core::{ActionRecord, Principal, Review, ReviewId, State};

use crate::hold::Told;
use crate::pass::Judge;
use crate::{Forward, Gate, GateError, Verdict};

impl Gate {
    /// The review with its action and exact bytes, when policy asked about an action of this agent. Everything else,
    /// the gateway's own questions included, looks as if it did not exist.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn asked(&self, principal: &Principal, review: ReviewId) -> Result<Option<ActionRecord>, GateError> {
        let record = self.store().review_record(review)?;
        Ok(record.filter(|record| {
            let by_policy = record.review.as_ref().is_some_and(|review| review.plan.asked_by_policy());
            by_policy && record.action.principal().agent == principal.agent
        }))
    }

    /// Goes on with a review of this agent: waits for people as long as `forward` holds, judges again, claims, runs
    /// the stored bytes, and tells how it ended. The answer stays the review's until [`Gate::fetch`] hands it out or
    /// the same request comes back for it. `None` when the agent has no such review.
    ///
    /// `forward` must be for the action of exactly this review, as [`Gate::asked`] gives it.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn resume<F: Forward>(
        &self,
        principal: &Principal,
        review: ReviewId,
        forward: F,
    ) -> Result<Option<Verdict>, GateError> {
        let Some(found) = self.asked(principal, review)?.and_then(|record| record.review) else {
            return Ok(None);
        };
        Ok(Some(self.answer(found, forward, Judge::Policy, Told::Later).await))
    }

    /// Waits until the review of this agent is in a state that is `enough`. `None` when there is no such review.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn until(
        &self,
        principal: &Principal,
        review: ReviewId,
        enough: impl Fn(State) -> bool + Send,
    ) -> Result<Option<Review>, GateError> {
        let mut changes = self.0.parts.wakers.subscribe(review);
        loop {
            let found = self.status(principal, review)?;
            if found.as_ref().is_none_or(|review| enough(review.state)) {
                return Ok(found);
            }
            changes.changed().await;
        }
    }

    /// Hands out the final answer of a review of this agent, when there is one: from then on the same request is a
    /// new question. The answer stays readable by its id until it is swept.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn fetch(&self, principal: &Principal, review: ReviewId) -> Result<Option<Verdict>, GateError> {
        match self.result(principal, review)? {
            Some(verdict) => Ok(Some(self.deliver(review, verdict, Told::Now).await)),
            None => Ok(None),
        }
    }
}
