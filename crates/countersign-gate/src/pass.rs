//! The whole story of one action, top to bottom.

use std::sync::Arc;

use bytes::Bytes;
use countersign_core::{Action, ActionId, Decision, Draft, Plan, Principal, Reason, ReasonCode};

use crate::hold::Told;
use crate::{Forward, Gate, UpkeepPermit, Verdict};

/// Who decides whether people are needed, now and again just before the action runs.
#[derive(Debug, Clone)]
pub(crate) enum Judge {
    /// The policy in force.
    Policy,
    /// This plan, whatever policy says: used for the gateway's own questions.
    Plan(Plan),
}

impl Gate {
    /// Takes one decoded action of an identified principal through the gate: judge, record, hold while people
    /// decide, judge again, claim, forward, record the outcome. The proxy has bounded, identified and decoded; it
    /// puts the verdict into its protocol's words.
    ///
    /// Dropping the future gives up the call, not the review; what was claimed runs to its end without it.
    pub async fn pass<F: Forward>(&self, draft: Draft, forward: F) -> Verdict {
        self.take(draft, forward, Judge::Policy).await
    }

    /// Like [`Gate::pass`], but the people of `plan` decide instead of policy, and the call is held for as long as
    /// [`Forward::hold`] says, which may be for ever.
    pub async fn ask<F: Forward>(&self, draft: Draft, plan: Plan, forward: F) -> Verdict {
        self.take(draft, forward, Judge::Plan(plan)).await
    }

    /// A permit for a protocol's own upkeep, which has no effect on the resource. That the principal is identified
    /// is proven by having one.
    pub fn upkeep(&self, _principal: &Principal) -> UpkeepPermit {
        UpkeepPermit::issue()
    }

    async fn take<F: Forward>(&self, draft: Draft, forward: F, judge: Judge) -> Verdict {
        // Before the judgement: whatever changes while the disk is waited for still counts.
        self.store().has_room().await;
        let now = self.now();
        let policy = self.0.parts.policy.current();
        let id = ActionId::mint(now, self.entropy().as_ref());
        let action = Arc::new(Action::bind(draft, policy.hash(), id, now));

        let decision = self.judge(&policy, &action, &judge, &forward, now);
        match decision {
            Decision::Deny(reason) => self.refuse(action, reason),
            Decision::Allow(terms) => self.run_allowed(action, terms, forward).await,
            Decision::Review(plan) => match self.open(&action, plan, now).await {
                Ok(review) => self.answer(review, forward, judge, Told::Now).await,
                Err(reason) => self.refuse(action, reason),
            },
        }
    }

    /// Records the refusal. An action that can't be recorded as denied is still denied.
    fn refuse(&self, action: Arc<Action>, reason: Reason) -> Verdict {
        let decision = Decision::Deny(reason.clone());
        if let Err(error) = self.store().record_judged(action, decision) {
            tracing::error!(error = &error as &dyn std::error::Error, "a denied action was not recorded");
        }
        Verdict::Denied { reason, review: None }
    }
}

/// The answer when the record can't be written: nothing runs unrecorded.
pub(crate) fn unrecorded(error: &(dyn std::error::Error + 'static)) -> Reason {
    tracing::error!(error, "the store can't be used; the action does not run");
    Reason::new(
        ReasonCode::StoreUnavailable,
        "the gateway can't record the action, so it does not run; try again later",
    )
}

/// An empty result, for outcomes without an answer.
pub(crate) fn no_result() -> Bytes {
    Bytes::new()
}
