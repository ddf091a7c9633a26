//! What can the asking side do with its own reviews? See, wait, take back, and fetch the answer. Never decide.

use countersign_core::{Principal, Review, ReviewId, Timestamp};
use countersign_store::{Advance, Move};

use crate::{Gate, GateError, Verdict};

impl Gate {
    /// The review, when it is about an action of this agent. Others look as if they did not exist.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn status(&self, principal: &Principal, review: ReviewId) -> Result<Option<Review>, GateError> {
        let record = self.store().review_record(review)?;
        Ok(record
            .filter(|record| record.action.principal().agent == principal.agent)
            .and_then(|record| record.review))
    }

    /// Where people decide; safe to show: it signs nobody in.
    pub fn link(&self, review: ReviewId) -> String {
        format!("{}/reviews/{review}", self.0.parts.people_url)
    }

    /// Waits until the review is no longer pending or `until` has come, then tells its status.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn wait(
        &self,
        principal: &Principal,
        review: ReviewId,
        until: Timestamp,
    ) -> Result<Option<Review>, GateError> {
        let mut changes = self.0.parts.wakers.subscribe(review);
        loop {
            let found = self.status(principal, review)?;
            let open =
                found.as_ref().is_some_and(|review| !review.state.is_final() && review.decided_at.is_none());
            if !open || self.now() >= until {
                return Ok(found);
            }
            // Both are cancel safe: a watch and a clock.
            tokio::select! {
                () = changes.changed() => {}
                () = self.clock().sleep_until(until) => {}
            }
        }
    }

    /// Takes the question back while it is pending. Returns the review as it stands afterwards.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub async fn cancel(&self, principal: &Principal, review: ReviewId) -> Result<Option<Review>, GateError> {
        match self.status(principal, review)? {
            Some(found) if found.plan.asked_by_policy() => {}
            // The gateway's own question is not the requester's to take back.
            own => return Ok(own),
        }
        Ok(match self.store().advance(review, Move::Cancel, self.now()).await? {
            Advance::Moved(review)
            | Advance::Claimed(review, _)
            | Advance::Refused(_, review)
            | Advance::Stale(review) => Some(review),
            Advance::NotFound => None,
        })
    }

    /// The final answer of a review of this agent, when there is one. The answer stays fetchable until the same
    /// request is answered by it or it is swept.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn result(&self, principal: &Principal, review: ReviewId) -> Result<Option<Verdict>, GateError> {
        let found = self.status(principal, review)?;
        Ok(found.filter(|review| review.state.is_final()).map(|review| self.final_verdict(&review)))
    }
}
