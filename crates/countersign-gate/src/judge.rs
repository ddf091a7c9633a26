//! What does policy say, now and again just before the action runs?

use std::sync::Arc;

use countersign_core::{Action, Decision, Obligation, Plan, Reason, ReasonCode, Review, Terms, Timestamp};
use countersign_policy::{Bundle, Question};

use crate::pass::Judge;
use crate::{Forward, Gate};

impl Gate {
    /// Pure but for its inputs: bounds, policy, and whether the proxy can do what the terms ask.
    pub(crate) fn judge<F: Forward>(
        &self,
        policy: &Arc<Bundle>,
        action: &Action,
        judge: &Judge,
        forward: &F,
        now: Timestamp,
    ) -> Decision {
        let max = self.0.parts.limits.payload_max_bytes;
        if action.payload().len() > max {
            let text = format!("the action has {} bytes; at most {max} are judged", action.payload().len());
            return Decision::Deny(Reason::new(ReasonCode::TooLarge, text));
        }
        let decision = match judge {
            Judge::Policy => policy.judge(&question(action, now)),
            Judge::Plan(plan) => Decision::Review(plan.clone()),
        };
        match decision {
            Decision::Allow(terms) => {
                performable(terms, forward).map_or_else(Decision::Deny, Decision::Allow)
            }
            Decision::Review(plan) => match performable(plan.terms.clone(), forward) {
                Ok(_) => Decision::Review(plan),
                Err(reason) => Decision::Deny(reason),
            },
            Decision::Deny(reason) => Decision::Deny(reason),
        }
    }

    /// Whether what was approved may still run: same facts, a policy that asks for no more than people gave, voters
    /// who still hold their rights, an agent that still stands. The digest over bytes, chain and facts is checked
    /// by reading the action back and by the claim. Gives the terms of then and now, and how many witnesses both ask for.
    pub(crate) fn judge_again<F: Forward>(
        &self,
        action: &Action,
        review: &Review,
        judge: &Judge,
        forward: &F,
        now: Timestamp,
    ) -> Result<(Terms, u16), Reason> {
        let changed = |text: &str| Reason::new(ReasonCode::ChangedSinceApproval, text);
        if forward.facts() != *action.facts() {
            return Err(changed("what the approval depended on has changed; ask again"));
        }
        if matches!(judge, Judge::Policy)
            && !self.0.parts.directory.agent_stands(action.principal().agent, now)
        {
            return Err(changed("the agent's credential was revoked or has expired"));
        }
        if self.with_rights_of_today(review).missing() > 0 {
            return Err(changed("a person who approved no longer has the right to; ask again"));
        }
        match self.judge(&self.0.parts.policy.current(), action, judge, forward, now) {
            Decision::Deny(reason) => Err(reason),
            Decision::Allow(terms) => Ok((terms.join(review.plan.terms.clone()), review.plan.witnesses)),
            Decision::Review(plan) if review.plan.covers(&plan) => {
                let witnesses = plan.witnesses.max(review.plan.witnesses);
                Ok((plan.terms.join(review.plan.terms.clone()), witnesses))
            }
            Decision::Review(_) => {
                Err(changed("policy now asks for more approvals than were given; ask again"))
            }
        }
    }

    /// The review with each vote counted only for the groups that the person still has.
    fn with_rights_of_today(&self, review: &Review) -> Review {
        let mut today = review.clone();
        for vote in &mut today.votes {
            let groups = self.0.parts.directory.groups(vote.person).unwrap_or_default();
            vote.groups.retain(|group| groups.contains(group));
        }
        today
    }
}

pub(crate) fn question(action: &Action, now: Timestamp) -> Question<'_> {
    Question {
        principal: action.principal(),
        resource: action.resource(),
        operation: action.operation(),
        effects: action.effects(),
        arguments: action.arguments(),
        facts: action.facts(),
        now,
    }
}

fn performable<F: Forward>(terms: Terms, forward: &F) -> Result<Terms, Reason> {
    let undoable: Vec<String> = terms
        .obligations
        .iter()
        .filter(|obligation| !matches!(obligation, Obligation::Record) && !forward.performs(obligation))
        .map(|obligation| format!("{obligation:?}"))
        .chain(terms.max_rows.map(|rows| format!("at most {rows} rows")))
        .collect();
    if undoable.is_empty() {
        return Ok(terms);
    }
    let text = format!("policy sets a condition that this protocol can't meet: {}", undoable.join(", "));
    Err(Reason { code: ReasonCode::ObligationUnsupported, text, policies: terms.policies })
}

/// Whether the result is kept for good.
pub(crate) fn keeps_result(terms: &Terms) -> bool {
    terms.obligations.contains(&Obligation::Record)
}

/// A plan for the gateway's own questions: one person of `group`.
impl Gate {
    /// One person of `group`, within the default times.
    pub fn plan_for_group(group: &str) -> Plan {
        let gate = countersign_core::Gate {
            quorum: 1,
            assurance: countersign_core::Assurance::Session,
            policies: std::collections::BTreeSet::new(),
        };
        Plan {
            gates: [(group.to_owned(), gate)].into(),
            pending_for: std::time::Duration::from_secs(7 * 24 * 3600),
            claim_within: Plan::CLAIM_WITHIN,
            grant_for: Plan::GRANT_FOR,
            witnesses: 0,
            reasons: std::collections::BTreeMap::new(),
            terms: Terms::default(),
        }
    }
}
