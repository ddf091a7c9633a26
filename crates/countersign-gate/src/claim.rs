//! Who may run the approved action? Whoever wins one compare-and-swap on (review, version, digest).

use std::sync::Arc;

use countersign_core::{Action, Outcome, Reason, ReasonCode, Refusal, Review, ReviewId, Status, Terms};
use countersign_store::{Advance, Move, StoreError};

use crate::hold::denied;
use crate::pass::{Judge, unrecorded};
use crate::witness::{NotWitnessed, WITNESSED_WITHIN};
use crate::{Forward, Gate, Permit, Verdict};

/// What an attempt to claim brought.
pub(crate) enum Claimed<F> {
    /// The story is over.
    Verdict(Verdict),
    /// Somebody else moved the review; here is what was handed in.
    LookAgain(Box<(F, Judge)>),
}

/// Everything that must hold before the swap, and did.
struct Ready {
    action: Arc<Action>,
    terms: Terms,
    /// So many must have cosigned the release before it runs.
    witnesses: u16,
}

const UNSIGNED: &str = "nothing was sent: the ledger's checkpoint could not be signed";
const CHANGED: &str =
    "nothing was sent: what the approval depended on has changed while witnesses were waited for";
const UNWITNESSED: &str = "nothing was sent: too few witnesses have cosigned the ledger";

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
            let ready = match gate.prepare(&approved, &forward, &judge) {
                Ok(ready) => ready,
                Err(reason) => return Claimed::Verdict(denied(reason, id)),
            };
            let waits_for = ready.witnesses;
            match gate.swap(&approved, ready).await {
                Ok(Some(permit)) => match gate.still(&approved, &forward, &judge, waits_for) {
                    Ok(terms) => {
                        let permit = permit.joined(terms);
                        Claimed::Verdict(gate.run_claimed(id, permit, forward).await)
                    }
                    Err(reason) => {
                        gate.settle_unsent(id, CHANGED).await;
                        Claimed::Verdict(denied(reason, id))
                    }
                },
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
    fn prepare<F: Forward>(&self, review: &Review, forward: &F, judge: &Judge) -> Result<Ready, Reason> {
        let action = self.approved_action(review)?;
        let (terms, witnesses) = self.judge_again(&action, review, judge, forward, self.now())?;
        let configured = self.0.witnesses.count();
        if usize::from(witnesses) > configured {
            let text = format!("policy asks for {witnesses} witnesses, and {configured} are configured");
            return Err(Reason::new(ReasonCode::Unwitnessed, text));
        }
        Ok(Ready { action, terms, witnesses })
    }

    /// Whether everything holds still after witnesses were waited for, which takes its time, and under which terms.
    fn still<F: Forward>(
        &self,
        review: &Review,
        forward: &F,
        judge: &Judge,
        waited_for: u16,
    ) -> Result<Terms, Reason> {
        if waited_for == 0 {
            return Ok(Terms::default());
        }
        let now = self.prepare(review, forward, judge)?;
        if now.witnesses > waited_for {
            let text = "policy asks for more witnesses since; ask again";
            return Err(Reason::new(ReasonCode::ChangedSinceApproval, text));
        }
        Ok(now.terms)
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
        Ready { action, terms, witnesses }: Ready,
    ) -> Result<Option<Permit>, Reason> {
        let claim = Move::Claim { digest: action.digest(), version: review.version };
        let advance = match self.store().advance(review.id, claim, self.now()).await {
            Ok(advance) => advance,
            Err(error) => {
                if matches!(error, StoreError::Unsigned) {
                    self.settle_unsent(review.id, UNSIGNED).await;
                }
                return Err(unrecorded(&error));
            }
        };
        match advance {
            Advance::Claimed(_, covered) => match self.witnessed(covered, witnesses).await {
                Ok(covered) => Ok(Some(Permit::issue_covered(action, terms, covered))),
                Err(why) => {
                    self.settle_unsent(review.id, UNWITNESSED).await;
                    Err(unwitnessed(witnesses, &why))
                }
            },
            // A claim that moved anything is claimed; without its proof nothing runs.
            Advance::Moved(_) => Err(unrecorded(&StoreError::Unsigned)),
            Advance::Stale(_) | Advance::Refused(Refusal::NotNow(_), _) => Ok(None),
            Advance::Refused(refusal, _) => {
                Err(Reason::new(ReasonCode::ApprovalLapsed, format!("{refusal}; ask again")))
            }
            Advance::NotFound => Err(Reason::new(ReasonCode::ChangedSinceApproval, "the review is gone")),
        }
    }

    /// The claim is recorded, but not provably enough: nothing was sent, and that is what became of it.
    async fn settle_unsent(&self, review: ReviewId, note: &str) {
        let outcome = Outcome {
            status: Status::Failed,
            result: None,
            rows: None,
            duration_us: 0,
            note: Some(note.to_owned()),
        };
        let settle = Move::Settle { outcome, result: Vec::new() };
        if let Err(error) = self.store().advance(review, settle.clone(), self.now()).await {
            tracing::error!(error = &error as &dyn std::error::Error, %review, "an outcome was not recorded yet");
            self.settle_later(review, settle);
        }
    }
}

fn unwitnessed(needed: u16, why: &NotWitnessed) -> Reason {
    match why {
        NotWitnessed::Store(error) => unrecorded(error),
        NotWitnessed::TooFew => {
            let within = WITNESSED_WITHIN.as_secs();
            let text = format!(
                "it was approved, but policy asks that {needed} witness(es) have cosigned the ledger first, and within \
                 {within} seconds too few did; nothing was sent and the approval is spent: ask again"
            );
            Reason::new(ReasonCode::Unwitnessed, text)
        }
    }
}

/// Why an action whose approval was spent was never sent, for callers that come later; `None` when it may have been.
pub(crate) fn never_sent(outcome: &Outcome) -> Option<Reason> {
    let note = outcome.note.as_deref().filter(|_| outcome.status == Status::Failed)?;
    let code = match note {
        UNWITNESSED => ReasonCode::Unwitnessed,
        CHANGED => ReasonCode::ChangedSinceApproval,
        _ => return None,
    };
    Some(Reason::new(code, format!("{note}; ask again")))
}
