//! Who and what is asked about? The entities of one question, built with the schema and closed: whatever is
//! named exists.
//!
//! Three things would let a `forbid` be skipped without a word from Cedar: entities built without the schema lose
//! the action groups, an ancestor that isn't in the store makes `in` false, and an error in a `forbid` skips it.
//! The first two are prevented here, the third in `judge.rs`. Each has a test that fails without its guard.

use cedar_policy::{Context, Entities, Entity, EntityUid, Request, RestrictedExpression, Schema};
use countersign_core::{Effect, Link, LinkKind, Principal, Resource, Scalar, Standing, Timestamp};

use crate::Question;
use crate::world::{Types, World, uid};

/// Why a question could not be put. Doubt denies.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SliceError {
    #[error("the resource name `{0}` contains `/`, so objects of two resources could share a name")]
    SlashInName(String),
    #[error("the label `{0}` contains `=`, so two labels could share a name")]
    EqualsInLabel(String),
    #[error("the chain names two verified owners")]
    TwoOwners,
    #[error("`{0}` is named but not known")]
    Missing(String),
    #[error("the facts do not fit the schema: {0}")]
    Unfit(String),
}

fn unfit(error: impl std::fmt::Display) -> SliceError {
    SliceError::Unfit(error.to_string())
}

/// The entities and the context of one question, for all of its effects.
#[derive(Debug)]
pub(crate) struct Slice {
    entities: Entities,
    principal: EntityUid,
    resource: String,
    /// What every object of the resource is in, for the index.
    ancestors: Vec<EntityUid>,
    context: Context,
}

impl Slice {
    pub(crate) fn of(world: &World, q: &Question<'_>) -> Result<Self, SliceError> {
        let types = &world.types;
        let principal = uid(&types.agent, q.principal.agent.to_string());
        let mut list = agent(types, &principal, q.principal)?;
        let ancestors = resource(types, q.resource, &mut list)?;
        let holder = uid(&types.resource, &q.resource.name);
        for effect in q.effects.iter() {
            let attrs = [("name".to_owned(), text(&effect.object))];
            let name = object(types, &q.resource.name, &effect.object);
            list.push(Entity::new_with_tags(name, attrs, [holder.clone()], []).map_err(unfit)?);
        }
        let context = said(types, q, &mut list)?;
        let entities = close(list, &world.act)?;
        Ok(Self { entities, principal, resource: q.resource.name.clone(), ancestors, context })
    }

    /// The request for one effect, checked against the schema.
    pub(crate) fn request(&self, world: &World, effect: &Effect) -> Result<Request, SliceError> {
        Request::new(
            self.principal.clone(),
            world.action(effect.verb),
            object(&world.types, &self.resource, &effect.object),
            self.context.clone(),
            Some(&world.act),
        )
        .map_err(unfit)
    }

    pub(crate) fn entities(&self) -> &Entities {
        &self.entities
    }

    pub(crate) fn ancestors(&self) -> &[EntityUid] {
        &self.ancestors
    }
}

/// The store of exactly these entities and the schema's actions, when everything named in it is in it.
pub(crate) fn close(list: impl IntoIterator<Item = Entity>, schema: &Schema) -> Result<Entities, SliceError> {
    let entities = Entities::from_entities(list, Some(schema)).map_err(unfit)?;
    for entity in entities.iter() {
        for ancestor in entities.ancestors(&entity.uid()).into_iter().flatten() {
            if entities.get(ancestor).is_none() {
                return Err(SliceError::Missing(ancestor.to_string()));
            }
        }
    }
    Ok(entities)
}

/// The resource, its environment and its labels. Returns all of them, the resource first.
pub(crate) fn resource(
    types: &Types,
    resource: &Resource,
    list: &mut Vec<Entity>,
) -> Result<Vec<EntityUid>, SliceError> {
    if resource.name.contains('/') {
        return Err(SliceError::SlashInName(resource.name.clone()));
    }
    let mut parents = Vec::new();
    for (key, value) in &resource.labels {
        if key.contains('=') {
            return Err(SliceError::EqualsInLabel(key.clone()));
        }
        if key == "env" {
            parents.push(uid(&types.env, value));
        }
        parents.push(uid(&types.label, key));
        parents.push(uid(&types.label, format!("{key}={value}")));
    }
    list.extend(parents.iter().cloned().map(Entity::with_uid));
    let attrs =
        [("name".to_owned(), text(&resource.name)), ("protocol".to_owned(), text(&resource.protocol))];
    let name = uid(&types.resource, &resource.name);
    list.push(Entity::new_with_tags(name.clone(), attrs, parents.iter().cloned(), []).map_err(unfit)?);
    parents.insert(0, name);
    Ok(parents)
}

/// The agent and its teams. Only verified links become attributes: what a caller merely claims never widens.
fn agent(types: &Types, name: &EntityUid, principal: &Principal) -> Result<Vec<Entity>, SliceError> {
    let verified = |kind: LinkKind| {
        principal
            .links
            .iter()
            .filter(move |link: &&Link| link.kind == kind && link.standing == Standing::Verified)
            .map(|link| text(&link.name))
    };
    let mut owners = verified(LinkKind::Owner);
    let owner = owners.next().map(|owner| ("owner".to_owned(), owner));
    if owners.next().is_some() {
        return Err(SliceError::TwoOwners);
    }
    let attrs = [
        ("name".to_owned(), text(&principal.name)),
        ("on_behalf_of".to_owned(), RestrictedExpression::new_set(verified(LinkKind::OnBehalfOf))),
        ("pipeline".to_owned(), RestrictedExpression::new_set(verified(LinkKind::Pipeline))),
    ];
    let teams: Vec<EntityUid> = principal.teams.iter().map(|team| uid(&types.team, team)).collect();
    let mut list: Vec<Entity> = teams.iter().cloned().map(Entity::with_uid).collect();
    list.push(Entity::new_with_tags(name.clone(), attrs.into_iter().chain(owner), teams, []).map_err(unfit)?);
    Ok(list)
}

/// The context, with the arguments and facts as tags of entities of their own: only tags can be asked for by a
/// name that the schema doesn't know.
fn said(types: &Types, q: &Question<'_>, list: &mut Vec<Entity>) -> Result<Context, SliceError> {
    let arguments = q.arguments.iter().map(|(path, scalar)| (path.clone(), text(&word(scalar))));
    let numbers = q.arguments.iter().filter_map(|(path, scalar)| match scalar {
        Scalar::Integer(number) => Some((path.clone(), RestrictedExpression::new_long(*number))),
        Scalar::Bool(_) | Scalar::Text(_) => None,
    });
    let flags = q.arguments.iter().filter_map(|(path, scalar)| match scalar {
        Scalar::Bool(flag) => Some((path.clone(), RestrictedExpression::new_bool(*flag))),
        Scalar::Integer(_) | Scalar::Text(_) => None,
    });
    let facts = q.facts.iter().map(|(name, fact)| (name.clone(), text(fact)));
    let (hour, weekday) = hour_and_weekday(q.now);
    let mut pairs = vec![
        ("operation".to_owned(), text(q.operation)),
        ("hour_utc".to_owned(), RestrictedExpression::new_long(hour)),
        ("weekday_utc".to_owned(), RestrictedExpression::new_long(weekday)),
    ];
    let mut tagged = |name: &str, kind, tags: Vec<(String, RestrictedExpression)>| {
        let this = uid(kind, "this");
        list.push(Entity::new_with_tags(this.clone(), [], [], tags).map_err(unfit)?);
        pairs.push((name.to_owned(), RestrictedExpression::new_entity_uid(this)));
        Ok::<(), SliceError>(())
    };
    tagged("arguments", &types.arguments, arguments.collect())?;
    tagged("numbers", &types.numbers, numbers.collect())?;
    tagged("flags", &types.flags, flags.collect())?;
    tagged("facts", &types.facts, facts.collect())?;
    Context::from_pairs(pairs).map_err(unfit)
}

/// The name of an object: unique because a resource's name has no `/`.
pub(crate) fn object(types: &Types, resource: &str, object: &str) -> EntityUid {
    uid(&types.object, format!("{resource}/{object}"))
}

pub(crate) fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

fn word(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Bool(flag) => flag.to_string(),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Text(text) => text.clone(),
    }
}

/// The hour from 0 to 23 and the day from 1, Monday, to 7, Sunday, both in UTC.
fn hour_and_weekday(now: Timestamp) -> (i64, i64) {
    let hours = now.as_micros().div_euclid(3_600_000_000);
    // 1970-01-01 was a Thursday, the fourth day.
    (hours.rem_euclid(24), (hours.div_euclid(24) + 3).rem_euclid(7) + 1)
}

#[cfg(test)]
mod tests;
