use std::collections::BTreeMap;

use countersign_core::{AgentId, Effect, Principal, Resource, Scalar, Timestamp, Verb};
use globset::Glob;

use super::*;
use crate::codec::Message;
use crate::config::{EffectTemplate, ResourceConfig, ToolRule, Upstream};

fn template(verb: Verb, object: &str) -> EffectTemplate {
    EffectTemplate { verb, object: object.to_owned() }
}

fn rules() -> Rules {
    let upstream = Upstream::Http { url: "http://localhost".to_owned(), headers: BTreeMap::new() };
    let mut config = ResourceConfig::new(resource(), upstream, "dba");
    let rule = |pattern: &str, effects: &[EffectTemplate]| ToolRule {
        pattern: Glob::new(pattern).unwrap(),
        effects: effects.to_vec(),
    };
    config.rules = vec![
        rule("*", &[template(Verb::Read, "all")]),
        rule("delete_*", &[template(Verb::Delete, "orders/{table}/{where.id}")]),
    ];
    config.methods.insert("completion/complete".to_owned(), vec![template(Verb::Secret, "hints/{ref.name}")]);
    Rules::new(&config)
}

fn resource() -> Resource {
    Resource { name: "orders".to_owned(), protocol: "mcp".to_owned(), labels: BTreeMap::new() }
}

fn principal() -> Principal {
    struct Zero;
    impl countersign_core::Entropy for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }
    let agent = AgentId::mint(Timestamp::from_micros(0), &Zero);
    Principal { agent, name: "a".to_owned(), teams: Default::default(), links: Vec::new() }
}

fn drafted(message: &str, tool: Option<&ToolFacts>) -> Draft {
    let message = Message::parse(message.as_bytes().to_vec()).unwrap();
    draft(&resource(), principal(), &rules(), &message, tool, None).unwrap()
}

fn call(name: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments}}}}}"#
    )
}

fn shown(draft: &Draft) -> Vec<String> {
    draft.effects.iter().map(Effect::to_string).collect()
}

fn listed(raised: &[Verb]) -> ToolFacts {
    ToolFacts { definition: Some("sha256:x".to_owned()), raised: raised.to_vec() }
}

#[test]
fn effects_of_all_matching_rules_unite_and_doubt_adds_unknown() {
    let cases: [(&str, &str, &[&str]); 7] = [
        ("read", "{}", &["read all"]),
        ("delete_rows", r#"{"table":"t","where":{"id":7}}"#, &["read all", "delete orders/t/7"]),
        ("delete_rows", r#"{"table":"t"}"#, &["read all", "delete orders/t/?", "unknown delete_rows"]),
        (
            "delete_rows",
            r#"{"table":{"a":1},"where":{"id":1}}"#,
            &["read all", "delete orders/?/1", "unknown delete_rows"],
        ),
        (
            "delete_rows",
            r#"{"table":"t","where.id":7}"#,
            &["read all", "delete orders/t/?", "unknown delete_rows"],
        ),
        ("delete_rows", "null", &["read all", "delete orders/?/?", "unknown delete_rows"]),
        ("delete_rows", r#"{"table":"t","where":{"id":1.0}}"#, &["read all", "delete orders/t/1.0"]),
    ];
    for (tool, arguments, effects) in cases {
        assert_eq!(
            shown(&drafted(&call(tool, arguments), Some(&listed(&[])))),
            effects,
            "{tool} {arguments}"
        );
    }
}

#[test]
fn a_tool_that_is_not_listed_is_unknown_whatever_the_rules_say() {
    assert_eq!(
        shown(&drafted(&call("read", "{}"), Some(&ToolFacts::default()))),
        ["read all", "unknown read"]
    );
}

#[test]
fn annotations_only_add() {
    let raised = listed(&[Verb::Delete, Verb::Network, Verb::Write]);
    assert_eq!(
        shown(&drafted(&call("read", "{}"), Some(&raised))),
        ["read all", "write read", "delete read", "network read"]
    );
    assert_eq!(
        shown(&drafted(&call("delete_rows", r#"{"table":"t","where":{"id":7}}"#), Some(&raised))),
        ["read all", "delete orders/t/7", "network delete_rows"]
    );
}

#[test]
fn other_methods_have_their_own_effects_and_unlisted_ones_are_unknown() {
    for (method, params, effect) in [
        ("resources/read", r#"{"uri":"file:///x"}"#, "read resource:file:///x"),
        ("resources/subscribe", r#"{"uri":"a"}"#, "read resource:a"),
        ("prompts/get", r#"{"name":"p"}"#, "read prompt:p"),
        ("sampling/createMessage", "{}", "execute mcp:sampling"),
        ("elicitation/create", "{}", "export mcp:elicitation"),
        ("roots/list", "{}", "privilege mcp:roots"),
        ("tasks/update", "{}", "unknown mcp:tasks/update"),
        ("made/up", "{}", "unknown mcp:made/up"),
        ("completion/complete", r#"{"ref":{"name":"x"}}"#, "secret hints/x"),
    ] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let message = Message::parse(text.clone().into_bytes()).unwrap();
        assert_eq!(need(&rules(), &message), Need::Judgement, "{method}");
        assert_eq!(shown(&drafted(&text, None)), [effect], "{method}");
    }
}

#[test]
fn watching_resources_is_reading_them_and_watching_lists_is_upkeep() {
    let listen = |filter: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{filter}}}}}"#
        )
    };
    let upkeep = Message::parse(listen(r#"{"toolsListChanged":true}"#).into_bytes()).unwrap();
    assert_eq!(need(&rules(), &upkeep), Need::Upkeep);
    let watching = listen(r#"{"resourceSubscriptions":["a","b"]}"#);
    let message = Message::parse(watching.clone().into_bytes()).unwrap();
    assert_eq!(need(&rules(), &message), Need::Judgement);
    assert_eq!(shown(&drafted(&watching, None)), ["read resource:a", "read resource:b"]);
}

#[test]
fn arguments_are_flattened_without_rounding_and_without_two_values_on_one_path() {
    let text = call(
        "read",
        r#"{"a":{"b":1},"a.b":2,"c\\d":[true,null,"x"],"f":1.0,"big":9223372036854775808,"z":-0}"#,
    );
    let arguments = drafted(&text, Some(&listed(&[]))).arguments;
    let text = |text: &str| Scalar::Text(text.to_owned());
    let expected = [
        ("a.b", Scalar::Integer(1)),
        ("a\\.b", Scalar::Integer(2)),
        ("big", text("9223372036854775808")),
        ("c\\\\d.0", Scalar::Bool(true)),
        ("c\\\\d.1", text("null")),
        ("c\\\\d.2", text("x")),
        ("f", text("1.0")),
        ("z", text("-0")),
    ];
    assert_eq!(arguments, expected.map(|(path, value)| (path.to_owned(), value)).into());
}

#[test]
fn too_many_leaves_are_unknown() {
    let many = format!("[{}1]", "1,".repeat(500));
    let draft = drafted(&call("read", &format!("{{\"x\":{many}}}")), Some(&listed(&[])));
    assert_eq!(
        (draft.arguments.len(), shown(&draft)),
        (500, vec!["read all".to_owned(), "unknown read".to_owned()])
    );
}

#[test]
fn what_the_caller_says_is_kept_as_a_claim_within_bounds() {
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","_meta":{"countersign/reason":"because"}}}"#;
    assert_eq!(drafted(text, None).claim.as_deref(), Some("because"));
    let message = Message::parse(text.as_bytes().to_vec()).unwrap();
    let long = Some("é".repeat(3000));
    let draft = draft(&resource(), principal(), &rules(), &message, None, long).unwrap();
    assert_eq!(draft.claim.unwrap().chars().count(), 2000);
}
