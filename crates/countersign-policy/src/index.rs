//! Which policies can match one effect? Buckets by verb and by the resource constraint, because Cedar itself
//! tries every policy for every request.
//!
//! A bucket may hold more than matches, never less: Cedar still evaluates what is found. What a policy's scope
//! excludes is not even an error in Cedar, so leaving it out changes nothing; a test compares with a full scan.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::{
    AuthorizationError, Authorizer, Decision, Entities, EntityUid, Policy, PolicySet, Request,
    ResourceConstraint,
};
use countersign_core::Verb;

use crate::annotation::Kind;

/// The policies of all kinds that share a verb and a resource constraint.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bucket {
    /// H.
    hard: PolicySet,
    /// S.
    reviews: PolicySet,
    /// O.
    conditions: PolicySet,
    /// The permits of H without their `when` and `unless`.
    possible: PolicySet,
    /// The forbids of H that have no `when` or `unless`.
    absolute: PolicySet,
    /// Whether a policy in here looks at what is said: arguments, facts or the time.
    conditional: bool,
}

/// What one effect met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Matched {
    /// Satisfied permits of H; incomplete when there are forbids.
    pub(crate) permits: BTreeSet<String>,
    /// Satisfied forbids of H.
    pub(crate) forbids: BTreeSet<String>,
    /// Satisfied review statements.
    pub(crate) reviews: BTreeSet<String>,
    /// Satisfied conditions.
    pub(crate) conditions: BTreeSet<String>,
    /// What Cedar skipped, by policy id.
    pub(crate) errors: BTreeMap<String, String>,
}

/// The buckets of one bundle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    by_verb: BTreeMap<Verb, Buckets>,
}

#[derive(Debug, Clone, Default)]
struct Buckets {
    /// Policies for every resource. Every request's resource is an `Object`, so `is` narrows nothing here.
    any: Bucket,
    /// Policies for one object, or for what is in one entity.
    by_entity: HashMap<EntityUid, Bucket>,
}

impl Index {
    /// Puts a policy into the bucket of each verb that its scope can match.
    pub(crate) fn add(&mut self, policy: &Policy, kind: &Kind, verbs: &[Verb]) -> Result<(), String> {
        for verb in verbs {
            let buckets = self.by_verb.entry(*verb).or_default();
            let bucket = match policy.resource_constraint() {
                ResourceConstraint::Any | ResourceConstraint::Is(_) => &mut buckets.any,
                ResourceConstraint::Eq(entity)
                | ResourceConstraint::In(entity)
                | ResourceConstraint::IsIn(_, entity) => buckets.by_entity.entry(entity).or_default(),
            };
            bucket.add(policy, kind)?;
        }
        Ok(())
    }

    /// The buckets whose policies can match `verb` on `object`, which is in `ancestors`.
    pub(crate) fn probe<'a>(
        &'a self,
        verb: Verb,
        object: &'a EntityUid,
        ancestors: &'a [EntityUid],
    ) -> impl Iterator<Item = &'a Bucket> {
        self.by_verb.get(&verb).into_iter().flat_map(move |buckets| {
            let narrow =
                std::iter::once(object).chain(ancestors).filter_map(|entity| buckets.by_entity.get(entity));
            std::iter::once(&buckets.any).chain(narrow)
        })
    }
}

impl Bucket {
    pub(crate) fn add(&mut self, policy: &Policy, kind: &Kind) -> Result<(), String> {
        self.conditional |= looks_at_what_is_said(policy);
        let add = |set: &mut PolicySet, policy: Policy| set.add(policy).map_err(|error| error.to_string());
        match kind {
            Kind::Permit => {
                add(&mut self.hard, policy.clone())?;
                add(&mut self.possible, without_conditions(policy)?)
            }
            Kind::Forbid(_) => {
                if !policy.has_non_scope_constraint() {
                    add(&mut self.absolute, policy.clone())?;
                }
                add(&mut self.hard, policy.clone())
            }
            Kind::Review(_) => add(&mut self.reviews, policy.clone()),
            Kind::Condition(_) => add(&mut self.conditions, policy.clone()),
            Kind::VoteForbid(_) => Ok(()),
        }
    }
}

/// Whether a condition looks at anything of the context but the operation. What it says of principal and resource is
/// the same for every question of theirs. A policy that can't be read does.
fn looks_at_what_is_said(policy: &Policy) -> bool {
    if !policy.has_non_scope_constraint() {
        return false;
    }
    let Ok(json) = policy.to_json() else { return true };
    json.get("conditions").is_none_or(names_context)
}

fn names_context(expression: &serde_json::Value) -> bool {
    use serde_json::Value;
    match expression {
        Value::Array(items) => items.iter().any(names_context),
        Value::Object(fields) => {
            let operation = fields.get(".").is_some_and(|access| {
                access.get("left").is_some_and(is_context)
                    && access.get("attr").and_then(Value::as_str) == Some("operation")
            });
            !operation && (is_context(expression) || fields.values().any(names_context))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_context(expression: &serde_json::Value) -> bool {
    expression.get("Var").and_then(serde_json::Value::as_str) == Some("context")
}

/// Whether a policy of these buckets looks at what is said, so that the answer depends on it.
pub(crate) fn conditional<'a>(mut buckets: impl Iterator<Item = &'a Bucket>) -> bool {
    buckets.any(|bucket| bucket.conditional)
}

/// The same policy with its scope alone.
fn without_conditions(policy: &Policy) -> Result<Policy, String> {
    let mut json = policy.to_json().map_err(|error| error.to_string())?;
    if let Some(conditions) = json.get_mut("conditions") {
        *conditions = serde_json::Value::Array(Vec::new());
    }
    Policy::from_json(Some(policy.id().clone()), json).map_err(|error| error.to_string())
}

/// Evaluates every policy of the buckets. Each policy stands for itself, so neither the order nor the division
/// into buckets matters.
pub(crate) fn weigh<'a>(
    buckets: impl Iterator<Item = &'a Bucket>,
    request: &Request,
    entities: &Entities,
) -> Matched {
    let authorizer = Authorizer::new();
    let mut matched = Matched::default();
    for bucket in buckets {
        let Matched { permits, forbids, reviews, conditions, errors } = &mut matched;
        let mut ask = |set: &PolicySet, allowed: &mut BTreeSet<String>, denied: &mut BTreeSet<String>| {
            if set.is_empty() {
                return;
            }
            let response = authorizer.is_authorized(request, set, entities);
            let satisfied = response.diagnostics().reason().map(ToString::to_string);
            match response.decision() {
                Decision::Allow => allowed.extend(satisfied),
                Decision::Deny => denied.extend(satisfied),
            }
            errors.extend(response.diagnostics().errors().map(|error| {
                let AuthorizationError::PolicyEvaluationError(error) = error;
                (error.policy_id().to_string(), error.inner().to_string())
            }));
        };
        let mut none = BTreeSet::new();
        ask(&bucket.hard, permits, forbids);
        ask(&bucket.reviews, &mut none, reviews);
        ask(&bucket.conditions, conditions, &mut none);
    }
    matched
}

/// Whether no argument could make the effect permitted: no permit's scope matches, or an unconditional forbid does.
pub(crate) fn hopeless<'a>(
    buckets: impl Iterator<Item = &'a Bucket>,
    request: &Request,
    entities: &Entities,
) -> bool {
    let authorizer = Authorizer::new();
    let mut possible = false;
    for bucket in buckets {
        let decide = |set: &PolicySet| authorizer.is_authorized(request, set, entities);
        if !bucket.absolute.is_empty() && decide(&bucket.absolute).diagnostics().reason().next().is_some() {
            return true;
        }
        possible = possible
            || (!bucket.possible.is_empty() && decide(&bucket.possible).decision() == Decision::Allow);
    }
    !possible
}

#[cfg(test)]
mod tests;
