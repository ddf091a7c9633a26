//! How does an action pass at full speed that policy allows whatever its parameters are? Judged once, then again
//! whenever the policy changes; recorded each time, before it runs.
//!
//! Nothing that people have a say in goes this way, nothing whose condition looks at arguments, facts or the time, no
//! mask and no row limit. What remains is a yes that depends on who asks, on the resource, the operation and the effects
//! alone.

use std::sync::Arc;

use countersign_core::{ActionId, Decision, Digest, Draft, Outcome, Reason, ReasonCode, Terms};
use countersign_policy::Bundle;
use countersign_store::{By, Headings, What};

use crate::Gate;
use crate::pass::unrecorded;

/// A yes that holds for every action of this principal, on this resource, with this operation and these effects, while the bundle that
/// gave it is in force.
#[derive(Debug)]
pub struct Standing {
    bundle: Arc<Bundle>,
    headings: Headings,
}

/// The proof that one action may run now under a [`Standing`]; consumed by sending. It tells which action, so that its
/// outcome can be recorded.
#[derive(Debug)]
pub struct StandingPermit(ActionId);

impl StandingPermit {
    /// The action that may run.
    pub fn action(&self) -> ActionId {
        self.0
    }
}

impl Gate {
    /// The yes that stands for all actions like `draft`, whatever their payload, arguments and facts. `None` when the
    /// answer isn't yes, when it could differ from one action to the next, or when it can't be recorded.
    pub fn standing(&self, draft: &Draft) -> Option<Standing> {
        let bundle = self.0.parts.policy.current();
        let question = question_of(draft, self.now());
        let Some(Decision::Allow(terms)) = bundle.judge_for_good(&question) else { return None };
        let Terms { obligations, max_rows, policies } = terms;
        if !obligations.is_empty() || max_rows.is_some() {
            return None;
        }
        let by = By {
            principal: draft.principal.clone(),
            resource: draft.resource.clone(),
            policy: bundle.hash(),
            policies,
            facts: draft.facts.clone(),
        };
        let what = What { operation: draft.operation.clone(), effects: draft.effects.clone() };
        let by = self.store().heading(&by).ok()?;
        let what = self.store().heading(&what).ok()?;
        Some(Standing { bundle, headings: Headings::new(by, what) })
    }

    /// Whether policy would ask people about an action like this now. A look ahead, for work that is only worth it for
    /// people; what counts is the answer of [`Gate::pass`].
    pub fn would_ask(&self, draft: &Draft) -> bool {
        let question = question_of(draft, self.now());
        matches!(self.0.parts.policy.current().judge(&question), Decision::Review(_))
    }

    /// The bundle in force, to know whether an answer has to be asked for again.
    pub fn policy_hash(&self) -> Digest {
        self.0.parts.policy.current().hash()
    }

    /// Whether the policy is still the one that said yes.
    pub fn still_stands(&self, standing: &Standing) -> bool {
        Arc::ptr_eq(&standing.bundle, &self.0.parts.policy.current())
    }

    /// Lets one action pass. `payload` is what is sent, as JSON.
    ///
    /// # Errors
    /// When the policy changed, or the record could not be written; the action must not run then.
    pub fn pass_standing(&self, standing: &Standing, payload: &str) -> Result<StandingPermit, Reason> {
        let max = self.0.parts.limits.payload_max_bytes;
        if payload.len() > max {
            let text = format!("the action has {} bytes; at most {max} are judged", payload.len());
            return Err(Reason::new(ReasonCode::TooLarge, text));
        }
        if !self.still_stands(standing) {
            let text = "the answer no longer stands; ask again";
            return Err(Reason::new(ReasonCode::ChangedSinceApproval, text));
        }
        let now = self.now();
        let id = ActionId::mint(now, self.entropy().as_ref());
        self.store().passes(id, now, &standing.headings, payload).map_err(|error| unrecorded(&error))?;
        Ok(StandingPermit(id))
    }

    /// Records what became of an action that passed. Where that fails, the action is unknown, which is then the truth
    /// of the record.
    pub fn settle_standing(&self, action: ActionId, outcome: Outcome) {
        if let Err(error) = self.store().passed(action, outcome, self.now()) {
            tracing::error!(error = &error as &dyn std::error::Error, %action, "an outcome was not recorded");
        }
    }
}

fn question_of(draft: &Draft, now: countersign_core::Timestamp) -> countersign_policy::Question<'_> {
    countersign_policy::Question {
        principal: &draft.principal,
        resource: &draft.resource,
        operation: &draft.operation,
        effects: &draft.effects,
        arguments: &draft.arguments,
        facts: &draft.facts,
        now,
    }
}
