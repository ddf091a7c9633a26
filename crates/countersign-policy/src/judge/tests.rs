//! Does the judge say what the statements mean, and deny in doubt?

use countersign_core::{Assurance, Decision, Mask, MaskMode, Masked, Obligation, ReasonCode, Scalar, Verb};
use std::time::Duration;

use crate::tests::{Asked, bundle, code};

const ALL: &str = "@id(\"all\") permit (principal, action, resource in Env::\"prod\");\n";

fn with(rest: &str) -> String {
    format!("{ALL}{rest}")
}

fn deletes() -> Asked {
    Asked::about(&[(Verb::Delete, "customers")])
}

// The three traps that would let a forbid be skipped. Each of these tests fails without its guard.

#[test]
fn a_forbid_that_errors_denies_instead_of_being_skipped() {
    let text = with(
        "@id(\"big\") forbid (principal, action, resource)
         when { context.numbers.hasTag(\"n\") && context.numbers.getTag(\"n\") * 4000000000000000000 > 5 };",
    );
    let decision = deletes().with("n", Scalar::Integer(9)).judged_by(&text);
    assert_eq!(code(&decision), Some(ReasonCode::PolicyError), "{decision:?}");
    let Decision::Deny(reason) = decision else { panic!() };
    assert!(reason.policies.contains("big") && reason.text.contains("`big`"), "{reason:?}");
}

#[test]
fn an_error_in_a_review_statement_or_a_condition_denies_as_well() {
    for head in ["@review(\"dba\") forbid", "@obligation(\"record\") permit"] {
        let text = with(&format!(
            "@id(\"big\") {head} (principal, action, resource)
             when {{ context.numbers.hasTag(\"n\") && context.numbers.getTag(\"n\") * 4000000000000000000 > 5 }};",
        ));
        let decision = deletes().with("n", Scalar::Integer(9)).judged_by(&text);
        assert_eq!(code(&decision), Some(ReasonCode::PolicyError), "{decision:?}");
    }
}

#[test]
fn a_forbid_on_an_action_group_matches_because_the_schema_is_in_the_store() {
    for condition in
        ["action in Action::\"any\", resource);", "action, resource) when { action in Action::\"any\" };"]
    {
        let text = with(&format!("@id(\"stop\") forbid (principal, {condition}"));
        assert_eq!(code(&deletes().judged_by(&text)), Some(ReasonCode::Forbidden));
    }
}

#[test]
fn a_forbid_on_any_ancestor_matches() {
    for ancestor in [
        "Env::\"prod\"",
        "Resource::\"orders\"",
        "Label::\"pii\"",
        "Label::\"pii=yes\"",
        "Label::\"env=prod\"",
        "Object::\"orders/customers\"",
    ] {
        let text = with(&format!("@id(\"stop\") forbid (principal, action, resource in {ancestor});"));
        assert_eq!(code(&deletes().judged_by(&text)), Some(ReasonCode::Forbidden), "{ancestor}");
        let text = with(&format!(
            "@id(\"stop\") forbid (principal, action, resource) when {{ resource in {ancestor} }};"
        ));
        assert_eq!(code(&deletes().judged_by(&text)), Some(ReasonCode::Forbidden), "{ancestor}");
    }
}

#[test]
fn nothing_is_permitted_without_a_permit() {
    let decision =
        deletes().judged_by("@id(\"r\") permit (principal, action == Action::\"read\", resource);");
    assert_eq!(code(&decision), Some(ReasonCode::NotPermitted));
    let Decision::Deny(reason) = decision else { panic!() };
    assert_eq!(reason.text, "no policy permits `delete` on `customers` of `orders`");
}

#[test]
fn a_condition_grants_nothing() {
    let text = "@id(\"rec\") @obligation(\"record\") permit (principal, action, resource);";
    assert_eq!(code(&deletes().judged_by(text)), Some(ReasonCode::NotPermitted));
}

#[test]
fn a_forbid_names_itself_and_its_reason() {
    let text = with("@id(\"no\") @reason(\"ask finance\") forbid (principal, action, resource);");
    let Decision::Deny(reason) = deletes().judged_by(&text) else { panic!() };
    assert_eq!(reason.text, "`delete` on `customers` of `orders` is forbidden by `no`: ask finance");
}

#[test]
fn no_review_lifts_a_plain_forbid() {
    let text = with(
        "@id(\"ask\") @review(\"dba\") forbid (principal, action, resource);
         @id(\"no\") forbid (principal, action, resource);",
    );
    assert_eq!(code(&deletes().judged_by(&text)), Some(ReasonCode::Forbidden));
}

#[test]
fn every_matching_review_statement_joins_the_plan() {
    let text = with(
        "@id(\"a\") @review(\"dba\") @quorum(\"2\") @expires(\"15m\") forbid (principal, action, resource);
         @id(\"b\") @review(\"dba\") @assurance(\"passkey\") @claim_within(\"1m\") forbid (principal, action, resource);
         @id(\"c\") @review(\"security\") @grant_for(\"2h\") @reason(\"prod\") forbid (principal, action, resource);
         @id(\"d\") @review(\"never\") forbid (principal, action == Action::\"read\", resource);
         @id(\"m\") @obligation(\"mask\") @columns(\"email, phone\") permit (principal, action, resource);
         @id(\"n\") @obligation(\"max_rows\") @rows(\"100\") permit (principal, action, resource);
         @id(\"o\") @obligation(\"max_rows\") @rows(\"10\") permit (principal, action, resource);
         @id(\"p\") @obligation(\"record\") permit (principal, action, resource);",
    );
    let Decision::Review(plan) = deletes().judged_by(&text) else { panic!() };
    let gates: Vec<(&str, u16, Assurance)> =
        plan.gates.iter().map(|(group, gate)| (group.as_str(), gate.quorum, gate.assurance)).collect();
    assert_eq!(gates, [("dba", 2, Assurance::Passkey), ("security", 1, Assurance::Session)]);
    assert_eq!(plan.pending_for, Duration::from_secs(15 * 60));
    assert_eq!(plan.claim_within, Duration::from_secs(60));
    assert_eq!(
        plan.grant_for,
        Duration::from_secs(60 * 60),
        "a longer span than the default's join is the shorter"
    );
    assert_eq!(plan.reasons["c"], "prod");
    assert_eq!(plan.reasons["a"], "needs the approval of 2 of `dba`");
    let terms = plan.terms;
    let mask = |column: &str| {
        Obligation::Mask(Mask { what: Masked::Column(column.to_owned()), mode: MaskMode::Partial })
    };
    assert_eq!(terms.obligations, [mask("email"), mask("phone"), Obligation::Record].into());
    assert_eq!(terms.max_rows, Some(10));
    assert_eq!(terms.policies, ["all", "m", "n", "o", "p"].map(str::to_owned).into());
}

#[test]
fn masks_name_columns_content_and_a_mode_and_the_strictest_holds() {
    let text = "@id(\"all\") permit (principal, action, resource);
        @id(\"a\") @obligation(\"mask\") @columns(\"email, s.t.*\") @detect(\"card\") permit (principal, action, resource);
        @id(\"b\") @obligation(\"mask\") @columns(\"email\") @mode(\"hash\") permit (principal, action, resource);
        @id(\"c\") @obligation(\"mask\") @detect(\"card,iban\") @mode(\"null\") permit (principal, action, resource);";
    let Decision::Allow(terms) = deletes().judged_by(text) else { panic!() };
    let masks: Vec<(Masked, MaskMode)> =
        terms.masks().into_iter().map(|(what, mode)| (what.clone(), mode)).collect();
    let column = |name: &str| Masked::Column(name.to_owned());
    let content = |kind: &str| Masked::Content(kind.to_owned());
    let expected = [
        (column("email"), MaskMode::Hash),
        (column("s.t.*"), MaskMode::Partial),
        (content("card"), MaskMode::Null),
        (content("iban"), MaskMode::Null),
    ];
    assert_eq!(masks, expected);
}

#[test]
fn all_detectors_are_every_one_of_them() {
    let text = "@id(\"all\") permit (principal, action, resource);
        @id(\"a\") @obligation(\"mask\") @detect(\"all\") permit (principal, action, resource);";
    let Decision::Allow(terms) = deletes().judged_by(text) else { panic!() };
    assert_eq!(terms.masks().len(), crate::DETECTORS.len());
}

#[test]
fn all_effects_must_be_permitted() {
    let text = "@id(\"r\") permit (principal, action == Action::\"read\", resource);";
    let both = Asked::about(&[(Verb::Read, "a"), (Verb::Write, "b")]);
    assert_eq!(code(&both.judged_by(text)), Some(ReasonCode::NotPermitted));
}

#[test]
fn policies_see_arguments_numbers_flags_facts_chain_and_time() {
    let mut asked = deletes()
        .with("path", Scalar::Text("/prod/a".to_owned()))
        .with("limit", Scalar::Integer(500))
        .with("force", Scalar::Bool(true));
    asked.facts.insert("tool".to_owned(), "sha256:1".to_owned());
    for condition in [
        "context.arguments.hasTag(\"path\") && context.arguments.getTag(\"path\") like \"/prod/*\"",
        "context.arguments.hasTag(\"limit\") && context.arguments.getTag(\"limit\") == \"500\"",
        "context.arguments.hasTag(\"force\") && context.arguments.getTag(\"force\") == \"true\"",
        "context.numbers.hasTag(\"limit\") && context.numbers.getTag(\"limit\") > 100",
        "context.flags.hasTag(\"force\") && context.flags.getTag(\"force\")",
        "context.facts.hasTag(\"tool\") && context.facts.getTag(\"tool\") == \"sha256:1\"",
        "context.operation like \"tools/call *\"",
        "context.hour_utc == 13 && context.weekday_utc == 4",
        "principal.name == \"bot\" && principal in Team::\"data\"",
        "principal has owner && principal.owner == \"ada\"",
        "resource.name == \"customers\"",
    ] {
        let permit = format!("@id(\"p\") permit (principal, action, resource) when {{ {condition} }};");
        assert_eq!(asked.judged_by(&permit).word(), "allow", "{condition}");
        assert_eq!(asked.judged_by(&permit.replace("when", "unless")).word(), "deny", "{condition}");
    }
}

#[test]
fn a_claimed_link_is_invisible_to_policy() {
    let text = "@id(\"p\") permit (principal, action, resource) when { principal has owner };";
    let mut asked = deletes();
    assert_eq!(asked.judged_by(text).word(), "allow");
    asked.principal.links[0].standing = countersign_core::Standing::Claimed;
    assert_eq!(asked.judged_by(text).word(), "deny");
}

#[test]
fn names_that_could_collide_are_denied() {
    let mut asked = deletes();
    asked.resource.name = "orders/customers".to_owned();
    assert_eq!(
        code(&asked.judged_by("@id(\"p\") permit (principal, action, resource);")),
        Some(ReasonCode::PolicyError)
    );
    let mut asked = deletes();
    asked.resource.labels.insert("a=b".to_owned(), String::new());
    assert_eq!(code(&asked.judged_by(ALL)), Some(ReasonCode::PolicyError));
    let mut asked = deletes();
    asked.principal.links.push(asked.principal.links[0].clone());
    assert_eq!(code(&asked.judged_by(ALL)), Some(ReasonCode::PolicyError));
}

#[test]
fn never_is_true_only_when_no_argument_could_help() {
    let never = |text: &str| bundle(text).never(&deletes().question());
    assert!(never("@id(\"r\") permit (principal, action == Action::\"read\", resource);"));
    assert!(never(&with("@id(\"no\") forbid (principal, action, resource);")));
    assert!(!never(ALL));
    assert!(!never("@id(\"p\") permit (principal, action, resource) when { context.hour_utc < 1 };"));
    assert!(!never(&with("@id(\"no\") forbid (principal, action, resource) when { context.hour_utc > 1 };")));
    assert!(!never(&with("@id(\"ask\") @review(\"dba\") forbid (principal, action, resource);")));
    assert!(never("@id(\"c\") @obligation(\"record\") permit (principal, action, resource);"));
    let mixed = Asked::about(&[(Verb::Read, "a"), (Verb::Delete, "b")]);
    let reads = bundle("@id(\"r\") permit (principal, action == Action::\"read\", resource);");
    assert!(reads.never(&mixed.question()), "one impossible effect makes the action impossible");
}

#[test]
fn of_several_review_statements_the_most_witnesses_hold() {
    let text = with(
        "@id(\"a\") @review(\"dba\") @witness(\"1\") forbid (principal, action, resource);
         @id(\"b\") @review(\"dba\") @witness(\"3\") forbid (principal, action, resource);
         @id(\"c\") @review(\"dba\") forbid (principal, action, resource);",
    );
    let Decision::Review(plan) = deletes().judged_by(&text) else { panic!() };
    assert_eq!(plan.witnesses, 3);
    let Decision::Review(plan) =
        deletes().judged_by(&with("@id(\"c\") @review(\"dba\") forbid (principal, action, resource);"))
    else {
        panic!()
    };
    assert_eq!(plan.witnesses, 0);
}
