//! May this person answer? A Cedar question about a review: built-in statements that nobody can lift, and the
//! bundle's `forbid` statements on `approve` and `deny`.

use std::collections::HashSet;

use cedar_policy::{
    Authorizer, Context, Decision, Entity, EntityUid, PolicySet, Request, RestrictedExpression,
};
use countersign_core::{Action, Answer, PersonId, Review, Reviewer};

use crate::Bundle;
use crate::annotation::Kind;
use crate::slice::{SliceError, close, resource, text};
use crate::world::{World, uid};

/// What a person would answer about.
#[derive(Debug, Clone, Copy)]
pub struct ReviewQuestion<'a> {
    /// The open question.
    pub review: &'a Review,
    /// The action that it is about.
    pub action: &'a Action,
    /// What the person would say.
    pub answer: Answer,
}

impl Bundle {
    /// Whether policy lets this person answer so. Versions, clocks and assurance are the review's own business
    /// ([`Review::eligible`]).
    ///
    /// # Errors
    /// Why not, in words for the person.
    pub fn may_vote(&self, reviewer: &Reviewer, review: &ReviewQuestion<'_>) -> Result<(), String> {
        let (request, entities) = question(&self.world, reviewer, review)
            .map_err(|error| format!("policy can't be asked: {error}"))?;
        let response = Authorizer::new().is_authorized(&request, &self.votes, &entities);
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(format!("policy could not be evaluated: {error}"));
        }
        if response.decision() == Decision::Allow {
            return Ok(());
        }
        let ids: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        if ids.is_empty() {
            return Err("none of your groups is asked to review this".to_owned());
        }
        if ids.iter().any(|id| id.starts_with("countersign:")) {
            return Err("you stand in the chain of people behind this action".to_owned());
        }
        let words: Vec<String> = ids.iter().map(|id| self.refusal(id)).collect();
        Err(words.join("; "))
    }

    fn refusal(&self, id: &str) -> String {
        match self.kind(id) {
            Some(Kind::VoteForbid(Some(reason))) => format!("policy `{id}` forbids it: {reason}"),
            Some(_) | None => format!("policy `{id}` forbids it"),
        }
    }
}

/// The built-in statements with those of the bundle.
pub(crate) fn statements(
    world: &World,
    policies: impl IntoIterator<Item = cedar_policy::Policy>,
) -> Result<PolicySet, String> {
    let mut set = world.vote_policies.clone();
    for policy in policies {
        set.add(policy).map_err(|error| error.to_string())?;
    }
    Ok(set)
}

fn question(
    world: &World,
    reviewer: &Reviewer,
    q: &ReviewQuestion<'_>,
) -> Result<(Request, cedar_policy::Entities), SliceError> {
    let unfit = |error: String| SliceError::Unfit(error);
    let types = &world.types;
    let person = |id: PersonId| uid(&types.person, id.to_string());
    let group = |name: &String| uid(&types.group, name);
    let me = person(reviewer.person());
    let reviewers: Vec<EntityUid> = q.review.plan.gates.keys().map(group).collect();
    // The review's own list and the action's chain should agree; whoever is in either can't vote. Whom only the
    // caller names may still say no: an agent could name anybody to be rid of them.
    let all = q.review.requesters.iter().copied().chain(q.action.principal().requesters());
    let verified = q.action.principal().verified_requesters();
    let bound = |person: &PersonId| q.answer == Answer::Approve || verified.contains(person);
    let requesters: HashSet<EntityUid> = all.filter(bound).map(person).collect();

    let mine: Vec<EntityUid> = reviewer.groups().iter().map(group).collect();
    let mut list: Vec<Entity> = mine.iter().chain(&reviewers).cloned().map(Entity::with_uid).collect();
    list.extend(requesters.iter().filter(|person| **person != me).cloned().map(Entity::with_uid));
    list.push(Entity::new_no_attrs(me.clone(), mine.into_iter().collect()));
    resource(types, q.action.resource(), &mut list)?;
    let agent = agent(world, q, &mut list)?;

    let attrs = attributes(q, requesters, reviewers, agent);
    let review = uid(&types.review, q.review.id.to_string());
    let parent = uid(&types.resource, &q.action.resource().name);
    list.push(
        Entity::new_with_tags(review.clone(), attrs, [parent], [])
            .map_err(|error| unfit(error.to_string()))?,
    );
    let entities = close(list, &world.vote)?;
    let assurance = ("assurance".to_owned(), text(reviewer.assurance().word()));
    let context = Context::from_pairs([assurance]).map_err(|error| unfit(error.to_string()))?;
    let action = uid(&types.action, q.answer.word());
    let request = Request::new(me, action, review, context, Some(&world.vote))
        .map_err(|error| unfit(error.to_string()))?;
    Ok((request, entities))
}

fn attributes(
    q: &ReviewQuestion<'_>,
    requesters: HashSet<EntityUid>,
    reviewers: Vec<EntityUid>,
    agent: EntityUid,
) -> Vec<(String, RestrictedExpression)> {
    let entities = |list: Vec<EntityUid>| {
        RestrictedExpression::new_set(list.into_iter().map(RestrictedExpression::new_entity_uid))
    };
    let resource = q.action.resource();
    let env = resource.labels.get("env").map_or("", String::as_str);
    let effects = q.action.effects();
    let verbs = effects.iter().map(|effect| text(effect.verb.word()));
    let objects = effects.iter().map(|effect| text(&effect.object));
    [
        ("requesters", entities(requesters.into_iter().collect())),
        ("reviewers", entities(reviewers)),
        ("agent", RestrictedExpression::new_entity_uid(agent)),
        ("resource_name", text(&resource.name)),
        ("env", text(env)),
        ("operation", text(q.action.operation())),
        ("verbs", RestrictedExpression::new_set(verbs)),
        ("objects", RestrictedExpression::new_set(objects)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn agent(world: &World, q: &ReviewQuestion<'_>, list: &mut Vec<Entity>) -> Result<EntityUid, SliceError> {
    let types = &world.types;
    let principal = q.action.principal();
    let teams: Vec<EntityUid> = principal.teams.iter().map(|team| uid(&types.team, team)).collect();
    list.extend(teams.iter().cloned().map(Entity::with_uid));
    let name = uid(&types.agent, principal.agent.to_string());
    let attrs = [("name".to_owned(), text(&principal.name))];
    list.push(
        Entity::new_with_tags(name.clone(), attrs, teams, [])
            .map_err(|error| SliceError::Unfit(error.to_string()))?,
    );
    Ok(name)
}

#[cfg(test)]
mod tests;
