//! Who may run the approved action? Whoever wins one compare-and-swap on (review, version, digest).

use std::sync::Arc;

use countersign_core::{Action, Outcome, Reason, ReasonCode, Refusal, Review, ReviewId, Status, Terms};
use countersign_store::{Advance, Move, StoreError};

use crate::hold::denied;
use crate::pass::{Judge, unrecorded};
use crate::{Forward, Gate, Permit, Verdict};

/// What an attempt to claim brought.
pub(crate) enum Claimed<F> {
    /// The story is over.
    Verdict(Verdict),
    /// Somebody else moved the review; here is what was handed in.
    LookAgain(Box<(F, Judge)>),
}

impl Gate {
    /// Judges again, claims and runs, all in a task that the caller's disconnection can't stop: a claim that nobody
    /// follows up would be an action of unknown outcome.
    pub(crate) async fn claim_and_run<F: Forward>(
        &self,
        review: &Review,
        forward: F,
        judge: Judge,
    ) -> Claimed<F> {
        let (gate, approved) = (self.clone(), review.clone());
        let id = review.id;
        let task = tokio::spawn(async move {
            let (action, terms) = match gate.prepare(&approved, &forward, &judge) {
                Ok(ready) => ready,
                Err(reason) => return Claimed::Verdict(denied(reason, id)),
            };
            match gate.swap(&approved, action, terms).await {
                Ok(Some(permit)) => Claimed::Verdict(gate.run_claimed(id, permit, forward).await),
                Ok(None) => Claimed::LookAgain(Box::new((forward, judge))),
                Err(reason) => Claimed::Verdict(denied(reason, id)),
            }
        });
        match task.await {
            Ok(claimed) => claimed,
            Err(error) => Claimed::Verdict(denied(unrecorded(&error), id)),
        }
    }

    /// Everything that must hold before the swap.
    fn prepare<F: Forward>(
        &self,
        review: &Review,
        forward: &F,
        judge: &Judge,
    ) -> Result<(Arc<Action>, Terms), Reason> {
        let action = self.approved_action(review)?;
        let terms = self.judge_again(&action, review, judge, forward, self.now())?;
        Ok((action, terms))
    }

    /// The action as stored. Reading it back proves that bytes, chain and facts are those of the digest.
    fn approved_action(&self, review: &Review) -> Result<Arc<Action>, Reason> {
        let record = self.store().action(review.action).map_err(|error| unrecorded(&error))?;
        record
            .map(|record| Arc::new(record.action))
            .filter(|action| action.digest() == review.digest)
            .ok_or_else(|| {
                Reason::new(ReasonCode::ChangedSinceApproval, "the stored action is not the approved one")
            })
    }

    /// A permit, or `None` when somebody else moved the review first.
    async fn swap(
        &self,
        review: &Review,
        action: Arc<Action>,
        terms: Terms,
    ) -> Result<Option<Permit>, Reason> {
        let claim = Move::Claim { digest: action.digest(), version: review.version };
        let advance = match self.store().advance(review.id, claim, self.now()).await {
            Ok(advance) => advance,
            Err(error) => {
                if matches!(error, StoreError::Unsigned) {
                    self.settle_unsigned(review.id).await;
                }
                return Err(unrecorded(&error));
            }
        };
        match advance {
            Advance::Claimed(_, covered) => Ok(Some(Permit::issue_covered(action, terms, covered))),
            // A claim that moved anything is claimed; without its proof nothing runs.
            Advance::Moved(_) => Err(unrecorded(&StoreError::Unsigned)),
            Advance::Stale(_) | Advance::Refused(Refusal::NotNow(_), _) => Ok(None),
            Advance::Refused(refusal, _) => {
                Err(Reason::new(ReasonCode::ApprovalLapsed, format!("{refusal}; ask again")))
            }
            Advance::NotFound => Err(Reason::new(ReasonCode::ChangedSinceApproval, "the review is gone")),
        }
    }

    /// The claim is recorded, but not provably: nothing was sent, and that is what became of it.
    async fn settle_unsigned(&self, review: ReviewId) {
        let outcome = Outcome {
            status: Status::Failed,
            result: None,
            rows: None,
            duration_us: 0,
            note: Some("nothing was sent: the ledger's checkpoint could not be signed".to_owned()),
        };
        let settle = Move::Settle { outcome, result: Vec::new() };
        if let Err(error) = self.store().advance(review, settle.clone(), self.now()).await {
            tracing::error!(error = &error as &dyn std::error::Error, %review, "an outcome was not recorded yet");
            self.settle_later(review, settle);
        }
    }
}
