//! How does a caller wait for people? Hold, then ticket: the connection is held for a while, then the caller gets
//! what it needs to come back. Nothing was executed until then, and the review lives on.

use std::sync::Arc;

use countersign_core::{
    Action, Decision, Opening, Outcome, Plan, Reason, ReasonCode, Review, ReviewId, State, Timestamp,
};
use countersign_store::Asked;

use crate::claim::{Claimed, never_sent};
use crate::pass::{Judge, no_result, unrecorded};
use crate::{Forward, Gate, Ticket, Verdict};

/// Whether the answer goes to a caller now, or is kept until somebody fetches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Now,
    Later,
}

impl Gate {
    /// Opens the review, or finds the one that the same request has already.
    pub(crate) async fn open(
        &self,
        action: &Arc<Action>,
        plan: Plan,
        now: Timestamp,
    ) -> Result<Review, Reason> {
        // The common case of a caller that comes back needs no write.
        let key = action.attach_key();
        if let Some(review) = self.store().attached(key, now).map_err(|error| unrecorded(&error))? {
            return Ok(review);
        }
        let opening = Opening {
            id: ReviewId::mint(now, self.entropy().as_ref()),
            action: action.id(),
            digest: action.digest(),
            plan: plan.clone(),
            requesters: action.principal().requesters(),
            claimed: action.principal().claimed_requesters(),
        };
        let max = self.0.parts.limits.pending_max_per_agent;
        let asked = self
            .store()
            .open_review(action.clone(), Decision::Review(plan), Review::open(opening, now), max, now)
            .await
            .map_err(|error| unrecorded(&error))?;
        match asked {
            Asked::Opened(review) => {
                self.0.deadlines.notify_one();
                Ok(review)
            }
            Asked::Attached(review) => Ok(review),
            Asked::TooMany(open) => Err(Reason::new(
                ReasonCode::TooManyPending,
                format!("this agent has {open} pending reviews; wait for answers or cancel some"),
            )),
        }
    }

    /// Waits for the review's answer for as long as the proxy holds, and acts on it.
    pub(crate) async fn answer<F: Forward>(
        &self,
        review: Review,
        mut forward: F,
        mut judge: Judge,
        told: Told,
    ) -> Verdict {
        let ticket = self.ticket(&review);
        let hold_until = self.now().plus(forward.hold());
        let mut changes = self.0.parts.wakers.subscribe(review.id);
        let mut shown = false;
        loop {
            let review = match self.store().review(review.id) {
                Ok(Some(review)) => review,
                Ok(None) => return denied(unrecorded(&countersign_store::StoreError::Closed), review.id),
                Err(error) => return denied(unrecorded(&error), review.id),
            };
            match review.state {
                State::Approved => match self.claim_and_run(&review, forward, judge).await {
                    Claimed::Verdict(verdict) => return self.deliver(review.id, verdict, told).await,
                    Claimed::LookAgain(back) => (forward, judge) = *back,
                },
                State::Pending | State::Claimed => {
                    if !shown {
                        forward.held(&ticket);
                        shown = true;
                    }
                    if self.now() >= hold_until {
                        return Verdict::Pending(ticket);
                    }
                    // Both are cancel safe: a watch and a clock.
                    tokio::select! {
                        () = changes.changed() => {}
                        () = self.clock().sleep_until(hold_until) => {}
                    }
                }
                State::Denied
                | State::Expired
                | State::Cancelled
                | State::Lapsed
                | State::Executed
                | State::Failed
                | State::Unknown => {
                    let verdict = self.final_verdict(&review);
                    return self.deliver(review.id, verdict, told).await;
                }
            }
        }
    }

    /// What a caller needs to come back.
    pub(crate) fn ticket(&self, review: &Review) -> Ticket {
        Ticket {
            review: review.id,
            link: self.link(review.id),
            digest: review.digest,
            pending_until: review.pending_until,
        }
    }

    /// The answer of a review that nothing moves any more.
    pub(crate) fn final_verdict(&self, review: &Review) -> Verdict {
        let code = match review.state {
            State::Expired => ReasonCode::ReviewExpired,
            State::Cancelled => ReasonCode::ReviewCancelled,
            State::Lapsed => ReasonCode::ApprovalLapsed,
            State::Pending | State::Approved | State::Denied | State::Claimed => ReasonCode::DeniedByReviewer,
            State::Executed | State::Failed | State::Unknown => return self.stored_verdict(review),
        };
        denied(Reason::new(code, ended_text(review)), review.id)
    }

    /// What ran, with the upstream's answer as it was kept.
    fn stored_verdict(&self, review: &Review) -> Verdict {
        match self.store().action(review.action) {
            Ok(Some(record)) => {
                let outcome = record.outcome.unwrap_or_else(|| Outcome::unknown("no outcome was recorded"));
                if let Some(reason) = never_sent(&outcome) {
                    return denied(reason, review.id);
                }
                let result = record.result.map_or_else(no_result, Into::into);
                Verdict::Ran { review: Some(review.id), outcome, result }
            }
            Ok(None) => denied(unrecorded(&countersign_store::StoreError::Closed), review.id),
            Err(error) => denied(unrecorded(&error), review.id),
        }
    }

    /// Notes that this answer goes out, so that the same request is a new question from now on.
    pub(crate) async fn deliver(&self, review: ReviewId, verdict: Verdict, told: Told) -> Verdict {
        if told == Told::Now
            && let Err(error) = self.store().delivered(review).await
        {
            // The caller may get the same answer twice, which is safe.
            tracing::warn!(error = &error as &dyn std::error::Error, %review, "delivery was not recorded");
        }
        verdict
    }
}

pub(crate) fn denied(reason: Reason, review: ReviewId) -> Verdict {
    Verdict::Denied { reason, review: Some(review) }
}

fn ended_text(review: &Review) -> String {
    match review.state {
        State::Denied => {
            let deny = review.votes.iter().find(|vote| vote.answer == countersign_core::Answer::Deny);
            match deny {
                Some(vote) if vote.reason.is_empty() => format!("{} denied it", vote.name),
                Some(vote) => format!("{} denied it: {}", vote.name, vote.reason),
                None => "it was denied".to_owned(),
            }
        }
        State::Expired => format!("nobody answered until {}", review.pending_until),
        State::Cancelled => "the requester took it back".to_owned(),
        State::Lapsed => "it was approved, but the approval was not claimed in time; ask again".to_owned(),
        State::Pending
        | State::Approved
        | State::Claimed
        | State::Executed
        | State::Failed
        | State::Unknown => format!("the review is {}", review.state.word()),
    }
}
