//! What happens once a permit exists? The proxy forwards, and the outcome is recorded whatever becomes of the caller.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Action, ActionId, Decision, Outcome, ReviewId, Terms};
use countersign_store::Move;
use futures_util::FutureExt as _;

use crate::judge::keeps_result;
use crate::pass::{no_result, unrecorded};
use crate::{Forward, Forwarded, Gate, Permit, Verdict};

/// How long to wait before recording an outcome is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Gate {
    /// Records the intent, runs, records the outcome: in one task, so that a caller that disconnects leaves no
    /// action without its record.
    pub(crate) async fn run_allowed<F: Forward>(
        &self,
        action: Arc<Action>,
        terms: Terms,
        forward: F,
    ) -> Verdict {
        let gate = self.clone();
        let task = tokio::spawn(async move {
            let decision = Decision::Allow(terms.clone());
            if let Err(error) = gate.store().record_judged(action.clone(), decision) {
                return Verdict::Denied { reason: unrecorded(&error), review: None };
            }
            let (id, keep) = (action.id(), keeps_result(&terms));
            let forwarded = forward_caught(Permit::issue(action, terms), forward).await;
            let kept = keep.then(|| forwarded.result.to_vec());
            let outcome = forwarded.outcome.clone();
            gate.settle(id, outcome, kept);
            Verdict::Ran { review: None, outcome: forwarded.outcome, result: forwarded.result }
        });
        match task.await {
            Ok(verdict) => verdict,
            Err(error) => Verdict::Denied { reason: unrecorded(&error), review: None },
        }
    }

    /// Records the outcome of an allowed action. Where that fails, the action is unknown, which is then the truth of
    /// the record.
    fn settle(&self, id: ActionId, outcome: Outcome, kept: Option<Vec<u8>>) {
        if let Err(error) = self.store().settle_allowed(id, outcome, kept, self.now()) {
            tracing::error!(error = &error as &dyn std::error::Error, action = %id, "an outcome was not recorded");
        }
    }

    /// Runs a claimed action and settles its review. Called within a task of its own.
    pub(crate) async fn run_claimed<F: Forward>(
        &self,
        review: ReviewId,
        permit: Permit,
        forward: F,
    ) -> Verdict {
        let forwarded = forward_caught(permit, forward).await;
        let settle = Move::Settle { outcome: forwarded.outcome.clone(), result: forwarded.result.to_vec() };
        if let Err(error) = self.store().advance(review, settle.clone(), self.now()).await {
            tracing::error!(error = &error as &dyn std::error::Error, %review, "an outcome was not recorded yet");
            self.settle_later(review, settle);
        }
        Verdict::Ran { review: Some(review), outcome: forwarded.outcome, result: forwarded.result }
    }

    /// Tries until the store takes it or the process ends; then recovery calls it unknown.
    pub(crate) fn settle_later(&self, review: ReviewId, settle: Move) {
        let gate = self.clone();
        tokio::spawn(async move {
            loop {
                gate.clock().sleep_until(gate.now().plus(RETRY_AFTER)).await;
                if gate.store().advance(review, settle.clone(), gate.now()).await.is_ok() {
                    return;
                }
            }
        });
    }
}

/// A proxy that panics in the middle has sent nobody knows what.
async fn forward_caught<F: Forward>(permit: Permit, forward: F) -> Forwarded {
    match AssertUnwindSafe(forward.forward(permit)).catch_unwind().await {
        Ok(forwarded) => forwarded,
        Err(_panic) => {
            tracing::error!("forwarding ended abruptly");
            let outcome = Outcome::unknown("the gateway failed while forwarding");
            Forwarded { outcome, result: no_result() }
        }
    }
}
