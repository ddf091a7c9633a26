//! May it run? One Cedar question per effect; any error denies; the answers join to the most restrictive.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::{
    Arguments, Decision, Effect, Effects, Gate, Plan, Principal, Reason, ReasonCode, Resource, Terms,
    Timestamp,
};

use crate::Bundle;
use crate::annotation::{Ask, Kind};
use crate::index::{Matched, conditional, hopeless, weigh};
use crate::slice::{Slice, SliceError, object};
use crate::standing::Key;

/// Longer object names are cut in texts for the caller, who knows what was asked.
const OBJECT_SHOWN_CHARS: usize = 120;

/// Everything that policy may look at.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who asks. Only verified links are seen by policies.
    pub principal: &'a Principal,
    /// What would be acted on.
    pub resource: &'a Resource,
    /// The operation in the protocol's words.
    pub operation: &'a str,
    /// Everything that it would do; all must be permitted.
    pub effects: &'a Effects,
    /// The arguments, flattened.
    pub arguments: &'a Arguments,
    /// What the proxy knows beside the bytes.
    pub facts: &'a BTreeMap<String, String>,
    /// When it is asked.
    pub now: Timestamp,
}

impl Bundle {
    /// The answer to one question. Infallible: whatever can't be evaluated is denied.
    pub fn judge(&self, q: &Question<'_>) -> Decision {
        self.answer(q).0
    }

    /// The answer when it holds for every argument and fact and at any time: a caller may keep it for as long as this
    /// bundle is in force and principal, resource, operation and effects are the same. `None` when a statement has a
    /// say whose condition looks at anything else.
    pub fn judge_for_good(&self, q: &Question<'_>) -> Option<Decision> {
        let (decision, for_good) = self.answer(q);
        for_good.then_some(decision)
    }

    /// The answer, and whether it holds whatever is said.
    fn answer(&self, q: &Question<'_>) -> (Decision, bool) {
        let mut key = Key::of(q);
        let mut slice = None;
        let mut for_good = true;
        let mut joined = None;
        for effect in q.effects.iter() {
            let decision = match self.standing.find(key.with(effect)) {
                Some(decision) => decision,
                None => {
                    let slice = slice.get_or_insert_with(|| Slice::of(&self.world, q));
                    let (decision, stands) = self.judge_effect(effect, q, slice.as_ref());
                    if stands {
                        self.standing.keep(key.with(effect).to_vec(), decision.clone());
                    }
                    for_good &= stands;
                    decision
                }
            };
            joined = Some(match joined {
                Some(before) => Decision::join(before, decision),
                None => decision,
            });
        }
        (joined.unwrap_or_else(|| in_doubt("the action has no effect", [])), for_good)
    }

    /// Whether H denies this whatever the arguments are, so that it need not even be offered. Conservative: a
    /// permit or forbid with `when` or `unless` counts as possible.
    pub fn never(&self, q: &Question<'_>) -> bool {
        let Ok(slice) = Slice::of(&self.world, q) else { return false };
        q.effects.iter().any(|effect| {
            slice.request(&self.world, effect).is_ok_and(|request| {
                let object = object(&self.world.types, &q.resource.name, &effect.object);
                let buckets = self.index.probe(effect.verb, &object, slice.ancestors());
                hopeless(buckets, &request, slice.entities())
            })
        })
    }

    /// The answer for one effect, and whether it holds whatever is said. Doubt never does.
    fn judge_effect(
        &self,
        effect: &Effect,
        q: &Question<'_>,
        slice: Result<&Slice, &SliceError>,
    ) -> (Decision, bool) {
        let slice = match slice {
            Ok(slice) => slice,
            Err(error) => {
                return (in_doubt(&format!("the question could not be put to policy: {error}"), []), false);
            }
        };
        match self.weigh_effect(effect, q, slice) {
            Ok(matched) => {
                let object = object(&self.world.types, &q.resource.name, &effect.object);
                let buckets = self.index.probe(effect.verb, &object, slice.ancestors());
                let stands = matched.errors.is_empty() && !conditional(buckets);
                (self.conclude(effect, q, &matched), stands)
            }
            Err(error) => {
                (in_doubt(&format!("{} could not be put to policy: {error}", shown(effect, q)), []), false)
            }
        }
    }

    pub(crate) fn weigh_effect(
        &self,
        effect: &Effect,
        q: &Question<'_>,
        slice: &Slice,
    ) -> Result<Matched, SliceError> {
        let request = slice.request(&self.world, effect)?;
        let object = object(&self.world.types, &q.resource.name, &effect.object);
        let buckets = self.index.probe(effect.verb, &object, slice.ancestors());
        Ok(weigh(buckets, &request, slice.entities()))
    }

    /// H, S and O put together.
    fn conclude(&self, effect: &Effect, q: &Question<'_>, matched: &Matched) -> Decision {
        // Cedar skips a statement that errors; skipping a forbid would allow.
        if let Some((id, error)) = matched.errors.first_key_value() {
            let text = format!("policy `{id}` failed on {}: {error}", shown(effect, q));
            return in_doubt(&text, matched.errors.keys().cloned());
        }
        if !matched.forbids.is_empty() {
            return self.forbidden(effect, q, &matched.forbids);
        }
        if matched.permits.is_empty() {
            let text = format!("no policy permits {}", shown(effect, q));
            return Decision::Deny(Reason::new(ReasonCode::NotPermitted, text));
        }
        let terms = self.terms(matched);
        let plans = matched.reviews.iter().filter_map(|id| match self.kind(id) {
            Some(Kind::Review(ask)) => Some(plan(id, ask, &terms)),
            Some(Kind::Permit | Kind::Forbid(_) | Kind::Condition(_) | Kind::VoteForbid(_)) | None => None,
        });
        match plans.reduce(Plan::join) {
            Some(plan) => Decision::Review(plan),
            None if matched.reviews.is_empty() => Decision::Allow(terms),
            None => in_doubt("a review statement lost its plan", matched.reviews.iter().cloned()),
        }
    }

    fn forbidden(&self, effect: &Effect, q: &Question<'_>, ids: &BTreeSet<String>) -> Decision {
        let named: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
        let mut text = format!("{} is forbidden by {}", shown(effect, q), named.join(", "));
        for id in ids {
            if let Some(Kind::Forbid(Some(reason))) = self.kind(id) {
                text = format!("{text}: {reason}");
            }
        }
        Decision::Deny(Reason { code: ReasonCode::Forbidden, text, policies: ids.clone() })
    }

    fn terms(&self, matched: &Matched) -> Terms {
        let permits = Terms { policies: matched.permits.clone(), ..Terms::default() };
        let conditions = matched.conditions.iter().filter_map(|id| match self.kind(id) {
            Some(Kind::Condition(condition)) => Some(Terms {
                obligations: condition.obligations.iter().cloned().collect(),
                max_rows: condition.max_rows,
                policies: BTreeSet::from([id.clone()]),
            }),
            Some(Kind::Permit | Kind::Forbid(_) | Kind::Review(_) | Kind::VoteForbid(_)) | None => None,
        });
        conditions.fold(permits, Terms::join)
    }
}

fn plan(id: &str, ask: &Ask, terms: &Terms) -> Plan {
    let gate =
        Gate { quorum: ask.quorum, assurance: ask.assurance, policies: BTreeSet::from([id.to_owned()]) };
    Plan {
        gates: BTreeMap::from([(ask.group.clone(), gate)]),
        pending_for: ask.pending_for,
        claim_within: ask.claim_within,
        grant_for: ask.grant_for,
        witnesses: ask.witnesses.count,
        reasons: BTreeMap::from([(id.to_owned(), ask.reason.clone())]),
        terms: terms.clone(),
    }
}

fn in_doubt(text: &str, policies: impl IntoIterator<Item = String>) -> Decision {
    Decision::Deny(Reason {
        code: ReasonCode::PolicyError,
        text: text.to_owned(),
        policies: policies.into_iter().collect(),
    })
}

/// `delete` on `customers` of `orders`, for the caller.
fn shown(effect: &Effect, q: &Question<'_>) -> String {
    let mut object: String = effect.object.chars().take(OBJECT_SHOWN_CHARS).collect();
    if object.len() < effect.object.len() {
        object.push('…');
    }
    format!("`{}` on `{object}` of `{}`", effect.verb, q.resource.name)
}

#[cfg(test)]
mod tests;
