//! How long does one judgement take? Run with `cargo run --release -p countersign-policy --example judge_latency`.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::Instant;

use countersign_core::{
    AgentId, Arguments, Effect, Effects, Entropy, Principal, Resource, Scalar, Timestamp, Verb,
};
use countersign_policy::{Bundle, Question, Source};

struct Zero;

impl Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Five groups of four statements, one group about the resource that is asked for.
fn bundle(resources: usize) -> Result<Bundle, String> {
    let text: String = (0..resources)
        .map(|n| {
            format!(
                "@id(\"p{n}\") permit (principal in Team::\"data\", action, resource in Resource::\"r{n}\");
                 @id(\"f{n}\") forbid (principal, action == Action::\"schema\", resource in Resource::\"r{n}\");
                 @id(\"s{n}\") @review(\"dba\") forbid (principal, action in Action::\"any\", resource in Resource::\"r{n}\")
                   when {{ context.numbers.hasTag(\"limit\") && context.numbers.getTag(\"limit\") > 100 }};
                 @id(\"o{n}\") @obligation(\"record\") permit (principal, action, resource in Env::\"prod\")
                   when {{ resource.name == \"customers{n}\" }};\n"
            )
        })
        .collect();
    Bundle::load(&[Source { path: "bench".to_owned(), text }]).map_err(|findings| format!("{findings:?}"))
}

#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "this measures, for people")]
fn main() -> Result<(), String> {
    let now = Timestamp::from_micros(1_795_334_400_000_000);
    let principal = Principal {
        agent: AgentId::mint(now, &Zero),
        name: "bot".to_owned(),
        teams: BTreeSet::from(["data".to_owned()]),
        links: Vec::new(),
    };
    let resource = Resource {
        name: "r3".to_owned(),
        protocol: "mcp".to_owned(),
        labels: BTreeMap::from([("env".to_owned(), "prod".to_owned()), ("pii".to_owned(), "yes".to_owned())]),
    };
    let arguments = Arguments::from([
        ("path".to_owned(), Scalar::Text("/srv/public/a".to_owned())),
        ("limit".to_owned(), Scalar::Integer(7)),
        ("force".to_owned(), Scalar::Bool(false)),
    ]);
    let facts = BTreeMap::new();
    for (resources, effect_count) in [(0, 1), (5, 1), (5, 10), (250, 1)] {
        let bundle = bundle(resources)?;
        let effects = (0..effect_count).map(|n| Effect::new(Verb::Read, format!("table{n}")));
        let effects = Effects::new(effects, "?").map_err(|error| error.to_string())?;
        let question = Question {
            principal: &principal,
            resource: &resource,
            operation: "tools/call read",
            effects: &effects,
            arguments: &arguments,
            facts: &facts,
            now,
        };
        let mut times: Vec<u128> = (0..5000)
            .map(|_| {
                let begin = Instant::now();
                black_box(bundle.judge(black_box(&question))).word();
                begin.elapsed().as_nanos()
            })
            .collect();
        times.sort_unstable();
        let at = |part: usize| times.get(times.len() * part / 1000).copied().unwrap_or_default();
        let word = bundle.judge(&question).word();
        println!(
            "{} policies, {effect_count} effects, {word}: p50 {} ns, p99 {} ns",
            resources * 4,
            at(500),
            at(990)
        );
    }
    Ok(())
}
