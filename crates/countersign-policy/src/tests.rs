//! Questions and bundles for the tests of this crate, and the examples that people will copy.

mod manual;

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::{
    AgentId, Arguments, Decision, Effect, Effects, Entropy, Link, LinkKind, PersonId, Principal, ReasonCode,
    Resource, Scalar, Standing, Timestamp, Verb,
};

use crate::{Bundle, Question, Source};

const DEMO: &str = include_str!("../../../examples/policies/demo.cedar");

/// Entropy that repeats one byte.
pub(crate) struct Seed(pub(crate) u8);

impl Entropy for Seed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

pub(crate) fn person(seed: u8) -> PersonId {
    PersonId::mint(Timestamp::from_micros(0), &Seed(seed))
}

/// Everything that a question borrows.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) principal: Principal,
    pub(crate) resource: Resource,
    pub(crate) effects: Effects,
    pub(crate) arguments: Arguments,
    pub(crate) facts: BTreeMap<String, String>,
    pub(crate) now: Timestamp,
}

impl Asked {
    /// The agent `bot` of team `data`, owned by `ada`, asks `orders` in production.
    pub(crate) fn about(effects: &[(Verb, &str)]) -> Self {
        let owner = Link {
            kind: LinkKind::Owner,
            name: "ada".to_owned(),
            person: Some(person(1)),
            standing: Standing::Verified,
        };
        let labels = [("env", "prod"), ("pii", "yes")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self {
            principal: Principal {
                agent: AgentId::mint(Timestamp::from_micros(0), &Seed(9)),
                name: "bot".to_owned(),
                teams: BTreeSet::from(["data".to_owned()]),
                links: vec![owner],
            },
            resource: Resource {
                name: "orders".to_owned(),
                protocol: "mcp".to_owned(),
                labels: labels.into(),
            },
            effects: Effects::new(effects.iter().map(|(verb, object)| Effect::new(*verb, *object)), "?")
                .unwrap(),
            arguments: Arguments::new(),
            facts: BTreeMap::new(),
            // Thursday 1970-01-08 at 13:00.
            now: Timestamp::from_micros((7 * 24 + 13) * 3_600_000_000),
        }
    }

    pub(crate) fn with(mut self, path: &str, scalar: Scalar) -> Self {
        self.arguments.insert(path.to_owned(), scalar);
        self
    }

    pub(crate) fn question(&self) -> Question<'_> {
        Question {
            principal: &self.principal,
            resource: &self.resource,
            operation: "tools/call delete_rows",
            effects: &self.effects,
            arguments: &self.arguments,
            facts: &self.facts,
            now: self.now,
        }
    }

    pub(crate) fn judged_by(&self, text: &str) -> Decision {
        bundle(text).judge(&self.question())
    }
}

pub(crate) fn source(text: &str) -> Source {
    Source { path: "p.cedar".to_owned(), text: text.to_owned() }
}

pub(crate) fn bundle(text: &str) -> Bundle {
    Bundle::load(&[source(text)]).unwrap_or_else(|findings| {
        let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
        panic!("{}", shown.join("\n"))
    })
}

pub(crate) fn code(decision: &Decision) -> Option<ReasonCode> {
    match decision {
        Decision::Deny(reason) => Some(reason.code),
        Decision::Allow(_) | Decision::Review(_) => None,
    }
}

#[test]
fn the_demo_does_what_it_says() {
    let demo = bundle(DEMO);
    assert_eq!(demo.warnings(), []);
    for (verb, object, word) in [
        (Verb::Read, "customers", "allow"),
        (Verb::Write, "customers", "allow"),
        (Verb::Delete, "customers", "review"),
        (Verb::Unknown, "mystery", "review"),
        (Verb::Export, "invoices", "allow"),
        (Verb::Export, "customers", "deny"),
        (Verb::Deploy, "customers", "deny"),
    ] {
        let decision = demo.judge(&Asked::about(&[(verb, object)]).question());
        assert_eq!(decision.word(), word, "{verb} {object}: {decision:?}");
    }
}
