//! Are these texts good policies? Parsed, linted and validated as a whole, with every mistake at once.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    ActionConstraint, Effect, Policy, PolicyId, PolicySet, PrincipalConstraint, ResourceConstraint, Schema,
    ValidationMode, ValidationWarning, Validator,
};
use countersign_core::{Digest, DigestWriter};

use crate::Finding;
use crate::annotation::{self, Kind};
use crate::finding::Place;
use crate::index::Index;
use crate::vote;
use crate::world::{ACT_SCHEMA, About, VOTE_POLICIES, VOTE_SCHEMA, World};

/// A file beyond this is refused unread.
const SOURCE_MAX_BYTES: usize = 1 << 20;

/// One policy text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// How findings name it, for example `policies/prod.cedar`.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// One policy as it was written, for people who ask why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The file.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// The exact text, annotations included.
    pub text: String,
    pub(crate) kind: Kind,
}

/// The rules in force: immutable, checked, indexed, with a hash that every decision carries.
#[derive(Debug, Clone)]
pub struct Bundle {
    pub(crate) world: World,
    pub(crate) index: Index,
    pub(crate) votes: PolicySet,
    statements: BTreeMap<String, Statement>,
    warnings: Vec<Finding>,
    hash: Digest,
}

impl Bundle {
    /// Loads and checks these texts as one bundle.
    ///
    /// # Errors
    /// Every mistake in every file, in order.
    pub fn load(sources: &[Source]) -> Result<Self, Vec<Finding>> {
        let nowhere = Place { path: sources.first().map_or("policy", |source| &source.path), text: "" };
        let internal = |error: String| vec![nowhere.at(0, "internal", error)];
        let world = World::new().map_err(internal)?;
        let mut loading = Loading::new(&world);
        for source in sources {
            loading.read_source(source);
        }
        loading.lint(nowhere);
        let Loading { read, mut errors, mut warnings, .. } = loading;
        errors.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
        if !errors.is_empty() {
            return Err(errors);
        }
        warnings.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
        let mut index = Index::default();
        let mut votes = Vec::new();
        for Read { policy, statement } in &read {
            match statement.kind {
                Kind::VoteForbid(_) => votes.push(policy.clone()),
                _ => index.add(policy, &statement.kind, &world.verbs_of(policy)).map_err(internal)?,
            }
        }
        let votes = vote::statements(&world, votes).map_err(internal)?;
        let statements =
            read.into_iter().map(|read| (read.policy.id().to_string(), read.statement)).collect();
        Ok(Self { world, index, votes, statements, warnings, hash: hash(sources) })
    }

    /// What is doubtful, though it loads.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// Covers the exact texts in order, the built-in schemas and the built-in statements.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// The ids of all policies, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.statements.keys().map(String::as_str)
    }

    /// The policy with this id as it was written.
    pub fn statement(&self, id: &str) -> Option<&Statement> {
        self.statements.get(id)
    }

    pub(crate) fn kind(&self, id: &str) -> Option<&Kind> {
        self.statements.get(id).map(|statement| &statement.kind)
    }
}

fn hash(sources: &[Source]) -> Digest {
    let builtin = DigestWriter::new("countersign/policy/v1")
        .part(ACT_SCHEMA.as_bytes())
        .part(VOTE_SCHEMA.as_bytes())
        .part(VOTE_POLICIES.as_bytes());
    sources.iter().fold(builtin, |writer, source| writer.part(source.text.as_bytes())).finish()
}

/// A policy that was read without mistakes in its annotations, under its own id.
struct Read {
    policy: Policy,
    statement: Statement,
}

struct Loading<'a> {
    world: &'a World,
    /// Where each id was first used.
    ids: HashMap<String, String>,
    read: Vec<Read>,
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl<'a> Loading<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, ids: HashMap::new(), read: Vec::new(), errors: Vec::new(), warnings: Vec::new() }
    }

    fn read_source(&mut self, source: &Source) {
        let place = Place { path: &source.path, text: &source.text };
        if source.text.len() > SOURCE_MAX_BYTES {
            let message =
                format!("the file has {} bytes; at most {SOURCE_MAX_BYTES} are read", source.text.len());
            self.errors.push(place.at(0, "too-large", message));
            return;
        }
        let set = match PolicySet::from_str(&source.text) {
            Ok(set) => set,
            Err(errors) => {
                self.errors.extend(place.cedar(&DetailedError::from(&errors), "syntax", 0));
                return;
            }
        };
        for template in set.templates() {
            let slots: Vec<String> = template.slots().map(ToString::to_string).collect();
            let offset = template.as_ref().loc().map_or(0, |loc| loc.start());
            let message = format!("templates are not supported: {}", slots.join(", "));
            self.errors.push(place.at(offset, "template", message).with_help("name the entity instead"));
        }
        let start = |policy: &Policy| policy.as_ref().loc().map_or(0, |loc| loc.start());
        let mut policies: Vec<&Policy> = set.policies().collect();
        policies.sort_by_key(|policy| start(policy));
        let mut typed = Typed::default();
        for policy in policies {
            self.read_policy(policy, place, start(policy), &mut typed);
        }
        self.validate(&self.world.act, &typed.act, place, &typed.starts);
        self.validate(&self.world.vote, &typed.vote, place, &typed.starts);
    }

    fn read_policy(&mut self, policy: &Policy, place: Place<'_>, start: usize, typed: &mut Typed) {
        let about = self.world.about(policy);
        let (id, kind) = annotation::read(policy, about, place, start);
        let (line, _) = place.line_and_column(start);
        let unique = id.filter(|id| self.claim_id(id, place, start, line));
        // Without an id of its own it is validated under a stand-in, so that no mistake hides another.
        let name = unique.clone().unwrap_or_else(|| format!("(at byte {start})"));
        let named = policy.new_id(PolicyId::new(name));
        if let Err(error) = typed.add(&named, about, start) {
            self.errors.push(place.at(start, "internal", error));
        }
        match kind {
            Ok(kind) if unique.is_some() => {
                let text = policy.as_ref().loc().and_then(|loc| loc.snippet()).unwrap_or_default().to_owned();
                let statement = Statement { path: place.path.to_owned(), line, text, kind };
                if grants_everything(&named, &statement.kind) {
                    let message = "this permits everything to everybody everywhere";
                    self.warnings.push(place.at(start, "permits-everything", message));
                }
                self.read.push(Read { policy: named, statement });
            }
            Ok(_) => {}
            Err(findings) => self.errors.extend(findings),
        }
    }

    /// Whether this is the first statement with this id.
    fn claim_id(&mut self, id: &str, place: Place<'_>, start: usize, line: usize) -> bool {
        if let Some(first) = self.ids.get(id) {
            let finding = place.at(start, "duplicate-id", format!("the id `{id}` is taken"));
            self.errors.push(finding.with_help(format!("the other is at {first}")));
            return false;
        }
        self.ids.insert(id.to_owned(), format!("{}:{line}", place.path));
        true
    }

    fn validate(
        &mut self,
        schema: &Schema,
        policies: &PolicySet,
        place: Place<'_>,
        starts: &HashMap<PolicyId, usize>,
    ) {
        let start = |id: &PolicyId| starts.get(id).copied().unwrap_or_default();
        let result = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
        for error in result.validation_errors() {
            let found = place.cedar(&DetailedError::from(error), "type", start(error.policy_id()));
            self.errors.extend(found);
        }
        for warning in result.validation_warnings() {
            let detail = DetailedError::from(warning);
            let at = start(warning.policy_id());
            let is_forbid =
                policies.policy(warning.policy_id()).is_none_or(|policy| policy.effect() == Effect::Forbid);
            // A statement that can't match protects nothing, and nobody would notice.
            match warning {
                ValidationWarning::InvalidActionApplication(_) => {
                    let help = "resources of actions are `Object`: write `resource in Resource::\"orders\"`, \
                                `resource in Env::\"prod\"` or `resource == Object::\"orders/customers\"`";
                    let found = place.cedar(&detail, "never-applies", at);
                    self.errors.extend(found.into_iter().map(|finding| finding.with_help(help)));
                }
                ValidationWarning::ImpossiblePolicy(_) if is_forbid => {
                    self.errors.extend(place.cedar(&detail, "never-applies", at));
                }
                _ => self.warnings.extend(place.cedar(&detail, "doubtful", at)),
            }
        }
    }

    fn lint(&mut self, nowhere: Place<'_>) {
        let permits = self.read.iter().any(|read| read.statement.kind == Kind::Permit);
        if !permits && self.errors.is_empty() {
            let message = "no statement permits anything, so everything is denied";
            self.warnings.push(
                nowhere
                    .at(0, "no-permit", message)
                    .with_help("`permit` what may be done at all, then `forbid` or `@review` parts of it"),
            );
        }
    }
}

/// The policies of one file by the schema that types them.
#[derive(Default)]
struct Typed {
    act: PolicySet,
    vote: PolicySet,
    starts: HashMap<PolicyId, usize>,
}

impl Typed {
    fn add(&mut self, policy: &Policy, about: About, start: usize) -> Result<(), String> {
        self.starts.insert(policy.id().clone(), start);
        let set = match about {
            About::Actions => &mut self.act,
            About::Votes => &mut self.vote,
            // Reported already; neither schema fits it.
            About::Mixed => return Ok(()),
        };
        set.add(policy.clone()).map_err(|error| error.to_string())
    }
}

fn grants_everything(policy: &Policy, kind: &Kind) -> bool {
    *kind == Kind::Permit
        && !policy.has_non_scope_constraint()
        && policy.principal_constraint() == PrincipalConstraint::Any
        && policy.action_constraint() == ActionConstraint::Any
        && policy.resource_constraint() == ResourceConstraint::Any
}
