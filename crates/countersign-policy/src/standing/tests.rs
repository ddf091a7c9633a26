//! Is an answer kept only for questions that can't tell themselves apart?

use countersign_core::{Link, LinkKind, ReasonCode, Standing, Verb};

use crate::tests::{Asked, bundle, code};

const POLICY: &str = r#"
@id("data") permit (principal in Team::"data", action == Action::"read", resource in Env::"prod");
"#;

fn read() -> Asked {
    Asked::about(&[(Verb::Read, "customers")])
}

#[test]
fn whoever_and_whatever_differs_is_judged_anew() {
    let bundle = bundle(POLICY);
    assert_eq!(bundle.judge(&read().question()).word(), "allow");
    let mut others = [read(), read(), read(), read(), Asked::about(&[(Verb::Write, "customers")])];
    others[0].principal.teams.clear();
    others[1].resource.labels.clear();
    // Two verified owners can't be told apart by policy, whatever was answered before.
    let owner =
        Link { kind: LinkKind::Owner, name: "bob".to_owned(), person: None, standing: Standing::Verified };
    others[2].principal.links.push(owner);
    others[3].principal.teams = std::collections::BTreeSet::from(["ops".to_owned()]);
    for (at, other) in others.iter().enumerate() {
        assert_eq!(bundle.judge(&other.question()).word(), "deny", "question {at}");
    }
    assert_eq!(code(&bundle.judge(&others[2].question())), Some(ReasonCode::PolicyError));
    assert_eq!(bundle.judge(&read().question()).word(), "allow");
}

#[test]
fn only_statements_that_look_at_nothing_that_is_said_answer_for_good() {
    assert!(bundle(POLICY).judge_for_good(&read().question()).is_some());
    let timed = format!(
        "{POLICY}@id(\"night\") forbid (principal, action, resource) when {{ context.hour_utc < 6 }};"
    );
    assert!(bundle(&timed).judge_for_good(&read().question()).is_none());
    // A condition on something else has no say.
    let elsewhere = format!(
        "{POLICY}@id(\"dev\") forbid (principal, action, resource in Env::\"dev\") when {{ context.hour_utc < 6 }};"
    );
    assert!(bundle(&elsewhere).judge_for_good(&read().question()).is_some());
}

#[test]
fn conditions_on_principal_resource_and_operation_answer_for_good() {
    for condition in [
        "principal.name == \"eve\"",
        "principal has owner && principal.owner == \"eve\"",
        "resource.name == \"secrets\"",
        "context.operation like \"tools/call drop*\"",
    ] {
        let text =
            format!("{POLICY}@id(\"no\") forbid (principal, action, resource) when {{ {condition} }};");
        let bundle = bundle(&text);
        assert!(bundle.judge_for_good(&read().question()).is_some(), "{condition}");
        // Another operation is another question.
        let asked = read();
        let dropping = crate::Question { operation: "tools/call drop_all", ..asked.question() };
        let expected = if condition.contains("operation") { "deny" } else { "allow" };
        assert_eq!(bundle.judge(&dropping).word(), expected, "{condition}");
    }
    for condition in [
        "context.flags.hasTag(\"x\")",
        "context == context",
        "[context.operation, \"x\"].contains(\"x\") && context.hour_utc > 3",
    ] {
        let text =
            format!("{POLICY}@id(\"no\") forbid (principal, action, resource) when {{ {condition} }};");
        if let Ok(bundle) = crate::Bundle::load(&[crate::tests::source(&text)]) {
            assert!(bundle.judge_for_good(&read().question()).is_none(), "{condition}");
        }
    }
}

#[test]
fn answers_kept_are_bounded() {
    let bundle = bundle(POLICY);
    for n in 0..super::KEPT_MAX + 10 {
        let object = format!("t{n}");
        assert_eq!(bundle.judge(&Asked::about(&[(Verb::Read, &object)]).question()).word(), "allow");
    }
    assert!(bundle.standing.kept().len() <= super::KEPT_MAX);
}
