//! Which things exist for policies? The built-in schemas, their types and actions, made once per bundle.

use std::collections::BTreeMap;
use std::str::FromStr;

use cedar_policy::{
    ActionConstraint, Entities, EntityId, EntityTypeName, EntityUid, Policy, PolicySet, Schema,
};
use countersign_core::Verb;

/// The schema of questions about actions.
pub(crate) const ACT_SCHEMA: &str = include_str!("act.cedarschema");
/// The schema of questions about votes.
pub(crate) const VOTE_SCHEMA: &str = include_str!("vote.cedarschema");
/// What holds for every vote; no bundle can lift it.
pub(crate) const VOTE_POLICIES: &str = include_str!("vote.cedar");

/// The schemas with their parsed names.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) act: Schema,
    pub(crate) vote: Schema,
    pub(crate) vote_policies: PolicySet,
    pub(crate) types: Types,
    verbs: BTreeMap<Verb, EntityUid>,
    act_actions: Entities,
    vote_actions: Vec<EntityUid>,
}

/// The names of the entity types.
#[derive(Debug, Clone)]
pub(crate) struct Types {
    pub agent: EntityTypeName,
    pub team: EntityTypeName,
    pub resource: EntityTypeName,
    pub env: EntityTypeName,
    pub label: EntityTypeName,
    pub object: EntityTypeName,
    pub arguments: EntityTypeName,
    pub numbers: EntityTypeName,
    pub flags: EntityTypeName,
    pub facts: EntityTypeName,
    pub person: EntityTypeName,
    pub group: EntityTypeName,
    pub review: EntityTypeName,
    pub action: EntityTypeName,
}

/// Which question a policy is about, by the actions in its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Actions,
    Votes,
    /// Both in one scope, which no schema types.
    Mixed,
}

impl World {
    /// Parses what is built in.
    pub(crate) fn new() -> Result<Self, String> {
        let schema = |text: &str| {
            Schema::from_cedarschema_str(text).map(|(schema, _)| schema).map_err(|error| error.to_string())
        };
        let types = Types::new()?;
        let act = schema(ACT_SCHEMA)?;
        let act_actions = act.action_entities().map_err(|error| error.to_string())?;
        let verbs = Verb::ALL.map(|verb| (verb, uid(&types.action, verb.word()))).into();
        let vote_actions = ["vote", "approve", "deny"].map(|word| uid(&types.action, word)).into();
        let builtin = PolicySet::from_str(VOTE_POLICIES).map_err(|error| error.to_string())?;
        let vote_policies = PolicySet::from_policies(builtin.policies().map(|policy| {
            policy.new_id(cedar_policy::PolicyId::new(policy.annotation("id").unwrap_or_default()))
        }))
        .map_err(|error| error.to_string())?;
        Ok(Self { act, vote: schema(VOTE_SCHEMA)?, vote_policies, types, verbs, act_actions, vote_actions })
    }

    /// The Cedar action of a verb.
    pub(crate) fn action(&self, verb: Verb) -> EntityUid {
        self.verbs.get(&verb).cloned().unwrap_or_else(|| uid(&self.types.action, verb.word()))
    }

    /// The verbs that a policy's scope can match, its action groups resolved by the schema.
    pub(crate) fn verbs_of(&self, policy: &Policy) -> Vec<Verb> {
        let matches = |wanted: &[EntityUid], action: &EntityUid| {
            wanted.iter().any(|wanted| wanted == action || self.act_actions.is_ancestor_of(wanted, action))
        };
        let constraint = policy.action_constraint();
        Verb::ALL
            .into_iter()
            .filter(|verb| match &constraint {
                ActionConstraint::Any => true,
                ActionConstraint::Eq(wanted) => *wanted == self.action(*verb),
                ActionConstraint::In(wanted) => matches(wanted, &self.action(*verb)),
            })
            .collect()
    }

    /// Whether a policy speaks about actions or about votes. One without actions in its scope speaks about
    /// actions only: a wide `permit` must never make voters.
    pub(crate) fn about(&self, policy: &Policy) -> About {
        let named = match policy.action_constraint() {
            ActionConstraint::Any => return About::Actions,
            ActionConstraint::Eq(action) => vec![action],
            ActionConstraint::In(actions) => actions,
        };
        match named.iter().filter(|action| self.vote_actions.contains(action)).count() {
            0 => About::Actions,
            count if count == named.len() => About::Votes,
            _ => About::Mixed,
        }
    }
}

impl Types {
    fn new() -> Result<Self, String> {
        let named = |name: &str| EntityTypeName::from_str(name).map_err(|error| error.to_string());
        Ok(Self {
            agent: named("Agent")?,
            team: named("Team")?,
            resource: named("Resource")?,
            env: named("Env")?,
            label: named("Label")?,
            object: named("Object")?,
            arguments: named("Arguments")?,
            numbers: named("Numbers")?,
            flags: named("Flags")?,
            facts: named("Facts")?,
            person: named("Person")?,
            group: named("Group")?,
            review: named("Review")?,
            action: named("Action")?,
        })
    }
}

/// One entity's name.
pub(crate) fn uid(kind: &EntityTypeName, id: impl AsRef<str>) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
