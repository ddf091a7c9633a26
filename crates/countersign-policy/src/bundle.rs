//! Are these texts good policies? Parsed, linted and validated as a whole, with every mistake at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    ActionConstraint, Effect, Policy, PolicyId, PolicySet, PrincipalConstraint, ResourceConstraint, Schema,
    ValidationMode, ValidationWarning, Validator,
};
use countersign_core::{Digest, DigestWriter};

use crate::Finding;
use crate::annotation::{self, Kind};
use crate::finding::{Place, nearest};
use crate::index::Index;
use crate::limits;
use crate::standing::Standing;
use crate::vote;
use crate::world::{ACT_SCHEMA, About, VOTE_POLICIES, VOTE_SCHEMA, World};

/// Parsing and validating recurse; within the limits of `limits.rs` this is enough, and only what is used is
/// taken from the system.
const STACK_BYTES: usize = 256 << 20;

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
    /// Answers that hold whatever is said.
    pub(crate) standing: Standing,
}

impl Bundle {
    /// Loads and checks these texts as one bundle.
    ///
    /// # Errors
    /// Every mistake in every file, in order.
    pub fn load(sources: &[Source]) -> Result<Self, Vec<Finding>> {
        let loaded = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("policy-load".to_owned()).stack_size(STACK_BYTES);
            let loading =
                thread.spawn_scoped(scope, || Self::load_here(sources)).map_err(|e| e.to_string())?;
            loading.join().map_err(|_panic| "the policies could not be read to their end".to_owned())
        });
        loaded.unwrap_or_else(|error| Err(vec![nowhere(sources).at(0, "internal", error)]))
    }

    fn load_here(sources: &[Source]) -> Result<Self, Vec<Finding>> {
        let nowhere = nowhere(sources);
        let internal = |error: String| vec![nowhere.at(0, "internal", error)];
        let world = World::new().map_err(internal)?;
        let mut loading = Loading::new(&world);
        for source in sources {
            loading.read_source(source);
        }
        loading.lint(nowhere);
        let Loading { read, errors, warnings, .. } = loading;
        if !errors.is_empty() {
            return Err(in_order(errors));
        }
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
        Ok(Self {
            world,
            index,
            votes,
            statements,
            warnings: in_order(warnings),
            hash: hash(sources),
            standing: Standing::default(),
        })
    }

    /// What is doubtful, though it loads.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// Every statement that asks for more witnesses than there are: what it holds could never run.
    pub fn beyond_witnesses(&self, configured: usize) -> Vec<Finding> {
        let findings = self.statements.values().filter_map(|statement| {
            let Kind::Review(ask) = &statement.kind else { return None };
            let asked = ask.witnesses;
            (usize::from(asked.count) > configured).then(|| Finding {
                path: statement.path.clone(),
                line: asked.line,
                column: asked.column,
                code: "too-few-witnesses",
                message: format!(
                    "this asks for more witnesses ({}) than are configured ({configured})",
                    asked.count
                ),
                help: Some("name each in a `[[ledger.witnesses]]` section of the configuration".to_owned()),
            })
        });
        in_order(findings.collect())
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

/// Where to point when a finding is about the bundle as a whole.
fn nowhere(sources: &[Source]) -> Place<'_> {
    Place { path: sources.first().map_or("policy", |source| &source.path), text: "" }
}

/// By file, then by place; Cedar finds the same mistake once for each action that it could concern.
fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    let key =
        |finding: &Finding| (finding.path.clone(), finding.line, finding.column, finding.message.clone());
    findings.sort_by_cached_key(key);
    findings.dedup();
    findings
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
        if let Some(finding) = limits::check(place) {
            self.errors.push(finding);
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
        self.validate((&self.world.act, ACT_SCHEMA), &typed.act, place, &typed.starts);
        self.validate((&self.world.vote, VOTE_SCHEMA), &typed.vote, place, &typed.starts);
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
        (schema, schema_text): (&Schema, &str),
        policies: &PolicySet,
        place: Place<'_>,
        starts: &HashMap<PolicyId, usize>,
    ) {
        let start = |id: &PolicyId| starts.get(id).copied().unwrap_or_default();
        let result = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
        // What is wrong already is told once: that it can never apply follows.
        let mut told = HashSet::new();
        for error in result.validation_errors() {
            told.insert(error.policy_id());
            let mut found = place.cedar(&DetailedError::from(error), "type", start(error.policy_id()));
            for finding in &mut found {
                finding.message = without_action(&finding.message);
                if finding.help.as_ref().is_some_and(|help| help.starts_with("did you mean")) {
                    let unknown = || "docs/POLICY.md lists what policies can see".to_owned();
                    finding.help = Some(meant(&finding.message, schema_text).unwrap_or_else(unknown));
                }
            }
            self.errors.extend(found);
        }
        let never =
            |warning: &&ValidationWarning| matches!(warning, ValidationWarning::InvalidActionApplication(_));
        let (out_of_scope, others): (Vec<_>, Vec<_>) = result.validation_warnings().partition(never);
        for warning in out_of_scope.into_iter().chain(others) {
            let id = warning.policy_id();
            let found = place.cedar(&DetailedError::from(warning), "never-applies", start(id));
            let is_forbid = policies.policy(id).is_none_or(|policy| policy.effect() == Effect::Forbid);
            // A statement that can't match protects nothing, and nobody would notice.
            match warning {
                ValidationWarning::InvalidActionApplication(_) if told.insert(id) => {
                    let help = "resources of actions are `Object`: write `resource in Resource::\"orders\"`, \
                                `resource in Env::\"prod\"` or `resource == Object::\"orders/customers\"`";
                    self.errors.extend(found.into_iter().map(|finding| finding.with_help(help)));
                }
                ValidationWarning::InvalidActionApplication(_) => {}
                ValidationWarning::ImpossiblePolicy(_) if told.contains(id) => {}
                ValidationWarning::ImpossiblePolicy(_) if is_forbid => self.errors.extend(found),
                _ => {
                    let found = found.into_iter().map(|finding| Finding { code: "doubtful", ..finding });
                    self.warnings.extend(found);
                }
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

/// Cedar names the action for which it tried, which says nothing about a mistake that all of them share.
fn without_action(message: &str) -> String {
    match message.split_once(" in context for Action::\"") {
        Some((before, after)) => {
            let rest = after.split_once('"').map_or("", |(_, rest)| rest);
            format!("{before} in the context{rest}")
        }
        None => message.to_owned(),
    }
}

/// What the schema calls the thing that the message names last. Cedar's own suggestion is any word of the schema,
/// and differs from run to run.
fn meant(message: &str, schema: &str) -> Option<String> {
    let typed = message.rsplit('`').nth(1)?;
    let action = typed.strip_prefix("Action::\"").and_then(|rest| rest.strip_suffix('"'));
    let lines = schema.lines().filter(|line| !line.starts_with("//"));
    let words = lines.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let near = nearest(action.unwrap_or(typed), words.filter(|word| !word.is_empty()))?;
    Some(match action {
        Some(_) => format!("did you mean `Action::\"{near}\"`?"),
        None => format!("did you mean `{near}`?"),
    })
}

fn grants_everything(policy: &Policy, kind: &Kind) -> bool {
    *kind == Kind::Permit
        && !policy.has_non_scope_constraint()
        && policy.principal_constraint() == PrincipalConstraint::Any
        && policy.action_constraint() == ActionConstraint::Any
        && policy.resource_constraint() == ResourceConstraint::Any
}

#[cfg(test)]
mod tests;
