use std::collections::BTreeSet;

use super::*;
use crate::entropy::Entropy;
use crate::{AgentId, Effect, Link, LinkKind, PersonId, Preview, Rows, Standing, Verb};

struct Fixed(u8);

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

const NOW: Timestamp = Timestamp::from_micros(1_000_000);

fn draft(payload: &str) -> Draft {
    Draft {
        resource: Resource { name: "orders".to_owned(), protocol: "mcp".to_owned(), labels: BTreeMap::new() },
        principal: Principal {
            agent: AgentId::mint(NOW, &Fixed(1)),
            name: "batch".to_owned(),
            teams: BTreeSet::new(),
            links: vec![Link {
                kind: LinkKind::Owner,
                name: "olaf".to_owned(),
                person: Some(PersonId::mint(NOW, &Fixed(2))),
                standing: Standing::Verified,
            }],
        },
        operation: "tools/call delete".to_owned(),
        effects: Effects::new([Effect::new(Verb::Delete, "orders")], "x").unwrap(),
        payload: payload.as_bytes().to_vec(),
        sameness: Digest::of(payload.as_bytes()),
        arguments: Arguments::new(),
        facts: [("tool definition".to_owned(), "one".to_owned())].into(),
        preview: None,
        claim: None,
    }
}

fn bind(draft: Draft) -> Action {
    Action::bind(draft, Digest::of(b"policy"), ActionId::mint(NOW, &Fixed(3)), NOW)
}

#[test]
fn the_digest_tells_apart_what_reads_alike() {
    let same_to_a_careless_parser = [
        r#"{"n":1}"#,
        r#"{"n":1.0}"#,
        r#"{"n":1e0}"#,
        r#"{"n":9007199254740993}"#,
        r#"{"n":9007199254740992}"#,
        r#"{ "n":1}"#,
        r#"{"n":1,"n":1}"#,
        r#"{"a":1,"n":1}"#,
        r#"{"n":1,"a":1}"#,
        "{\"n\":\"\u{e9}\"}",
        "{\"n\":\"e\u{301}\"}",
        r#"{"n":"\u00e9"}"#,
    ];
    let digests: BTreeSet<Digest> = same_to_a_careless_parser.map(|text| bind(draft(text)).digest()).into();
    assert_eq!(digests.len(), same_to_a_careless_parser.len());
}

#[test]
fn the_digest_covers_everything_that_an_approval_depends_on() {
    let base = bind(draft("{}"));
    type Change = (&'static str, fn(&mut Draft));
    let changes: [Change; 11] = [
        ("payload", |draft| draft.payload.push(b' ')),
        ("resource", |draft| draft.resource.name = "billing".to_owned()),
        ("labels", |draft| {
            draft.resource.labels.insert("env".to_owned(), "prod".to_owned());
        }),
        ("effects", |draft| draft.effects = Effects::new([Effect::new(Verb::Read, "orders")], "x").unwrap()),
        ("teams", |draft| {
            draft.principal.teams.insert("data".to_owned());
        }),
        ("operation", |draft| draft.operation.push('2')),
        ("agent", |draft| draft.principal.agent = AgentId::mint(NOW, &Fixed(9))),
        ("chain", |draft| draft.principal.links[0].name = "eve".to_owned()),
        ("standing", |draft| draft.principal.links[0].standing = Standing::Claimed),
        ("facts", |draft| {
            draft.facts.insert("tool definition".to_owned(), "two".to_owned());
        }),
        ("preview", |draft| {
            draft.preview =
                Some(Preview { rows: Rows::Exact(1), cascades: vec![], sample: None, notes: vec![] });
        }),
    ];
    for (what, change) in changes {
        let mut changed = draft("{}");
        change(&mut changed);
        assert_ne!(bind(changed).digest(), base.digest(), "{what}");
    }
    let other_policy = Action::bind(draft("{}"), Digest::of(b"other"), base.id(), NOW);
    assert_ne!(other_policy.digest(), base.digest());
}

#[test]
fn other_bytes_than_the_digested_ones_are_noticed() {
    let mut stored = bind(draft("{\"n\":1}"));
    stored.put_payload(b"{\"n\":2}".to_vec());
    assert_ne!(stored.recomputed(), stored.digest());
    stored.put_payload(b"{\"n\":1}".to_vec());
    assert_eq!(stored.recomputed(), stored.digest());
}

#[test]
fn the_same_request_attaches_whatever_the_client_calls_itself() {
    let mut renamed = draft("{}");
    renamed.principal.links.push(Link {
        kind: LinkKind::Client,
        name: "client/2".to_owned(),
        person: None,
        standing: Standing::Claimed,
    });
    assert_eq!(bind(renamed).attach_key(), bind(draft("{}")).attach_key());
    let mut other_person = draft("{}");
    other_person.principal.links[0].person = Some(PersonId::mint(NOW, &Fixed(7)));
    assert_ne!(bind(other_person).attach_key(), bind(draft("{}")).attach_key());
}

#[test]
fn another_pipeline_run_asks_for_itself() {
    let run = |kind, name: &str, standing| {
        let mut draft = draft("{}");
        draft.principal.links.push(Link { kind, name: name.to_owned(), person: None, standing });
        bind(draft).attach_key()
    };
    let plain = bind(draft("{}")).attach_key();
    let first = run(LinkKind::Pipeline, "run 1", Standing::Verified);
    assert_eq!(first, run(LinkKind::Pipeline, "run 1", Standing::Verified));
    assert_ne!(first, plain);
    assert_ne!(first, run(LinkKind::Pipeline, "run 2", Standing::Verified));
    assert_ne!(first, run(LinkKind::PipelineActor, "run 1", Standing::Verified));
    assert_eq!(run(LinkKind::Pipeline, "run 1", Standing::Claimed), plain, "a claim makes no new question");
    assert_eq!(run(LinkKind::Client, "pod 1", Standing::Verified), plain, "a pod that is replaced goes on");
}
