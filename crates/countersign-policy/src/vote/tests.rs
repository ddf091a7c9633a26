//! Can only those vote whom policy asks, and never a requester?

use std::collections::BTreeSet;

use countersign_core::{
    Action, ActionId, Answer, Assurance, Decision, Digest, Draft, Opening, PersonId, Review, ReviewId,
    Reviewer, Timestamp, Verb,
};

use crate::tests::{Asked, Seed, bundle, person};
use crate::{Bundle, ReviewQuestion};

const ASK: &str = "@id(\"p\") permit (principal, action, resource in Env::\"prod\");
@id(\"ask\") @review(\"dba\") forbid (principal, action, resource);
";

fn held(bundle: &Bundle) -> (Review, Action) {
    let asked = Asked::about(&[(Verb::Delete, "customers")]);
    let Decision::Review(plan) = bundle.judge(&asked.question()) else { panic!() };
    let now = Timestamp::from_micros(0);
    let draft = Draft {
        resource: asked.resource,
        principal: asked.principal,
        operation: "tools/call delete_rows".to_owned(),
        effects: asked.effects,
        payload: Vec::new(),
        sameness: Digest::of(b""),
        arguments: asked.arguments,
        facts: asked.facts,
        preview: None,
        claim: None,
    };
    let action = Action::bind(draft, bundle.hash(), ActionId::mint(now, &Seed(3)), now);
    let opening = Opening {
        claimed: BTreeSet::new(),
        id: ReviewId::mint(now, &Seed(4)),
        action: action.id(),
        digest: action.digest(),
        plan,
        requesters: action.principal().requesters(),
    };
    (Review::open(opening, now), action)
}

fn reviewer(person: PersonId, groups: &[&str], assurance: Assurance) -> Reviewer {
    let groups: BTreeSet<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    Reviewer::signed_in(person, "someone".to_owned(), groups, assurance)
}

fn vote(rest: &str, reviewer: &Reviewer, answer: Answer) -> Result<(), String> {
    let bundle = bundle(&format!("{ASK}{rest}"));
    let (review, action) = held(&bundle);
    bundle.may_vote(reviewer, &ReviewQuestion { review: &review, action: &action, answer })
}

const BOTH: [Answer; 2] = [Answer::Approve, Answer::Deny];

#[test]
fn whoever_is_asked_may_answer_and_nobody_else() {
    for answer in BOTH {
        assert_eq!(vote("", &reviewer(person(2), &["dba", "x"], Assurance::Session), answer), Ok(()));
        for groups in [&[][..], &["x"], &["DBA"]] {
            let refusal = vote("", &reviewer(person(2), groups, Assurance::Session), answer).unwrap_err();
            assert_eq!(refusal, "none of your groups is asked to review this");
        }
    }
}

#[test]
fn nobody_in_the_chain_may_answer_whatever_the_bundle_says() {
    for answer in BOTH {
        let refusal = vote("", &reviewer(person(1), &["dba"], Assurance::Passkey), answer).unwrap_err();
        assert_eq!(refusal, "you stand in the chain of people behind this action");
    }
}

#[test]
fn the_chain_counts_even_when_the_review_forgot_it() {
    let bundle = bundle(ASK);
    let (mut review, action) = held(&bundle);
    review.requesters.clear();
    let owner = reviewer(person(1), &["dba"], Assurance::Passkey);
    let question = ReviewQuestion { review: &review, action: &action, answer: Answer::Approve };
    assert!(bundle.may_vote(&owner, &question).is_err());
}

#[test]
fn a_bundle_can_narrow_who_votes_on_what() {
    let asked = reviewer(person(2), &["dba", "interns"], Assurance::Session);
    for (condition, answer, allowed) in [
        ("principal in Group::\"interns\", action == Action::\"approve\", resource", Answer::Approve, false),
        ("principal in Group::\"interns\", action == Action::\"approve\", resource", Answer::Deny, true),
        ("principal in Group::\"interns\", action in Action::\"vote\", resource", Answer::Deny, false),
        ("principal, action == Action::\"approve\", resource in Env::\"prod\"", Answer::Approve, false),
        ("principal, action == Action::\"approve\", resource in Env::\"dev\"", Answer::Approve, true),
        ("principal, action == Action::\"approve\", resource in Label::\"pii\"", Answer::Approve, false),
    ] {
        let text = format!("@id(\"v\") @reason(\"rest\") forbid ({condition});");
        let answered = vote(&text, &asked, answer);
        assert_eq!(answered.is_ok(), allowed, "{text} {answered:?}");
        if let Err(refusal) = answered {
            assert_eq!(refusal, "policy `v` forbids it: rest");
        }
    }
}

#[test]
fn policies_see_the_question_and_how_the_person_signed_in() {
    let asked = reviewer(person(2), &["dba"], Assurance::Session);
    for condition in [
        "context.assurance == \"session\"",
        "resource.resource_name == \"orders\" && resource.env == \"prod\"",
        "resource.operation like \"tools/call *\" && resource.agent.name == \"bot\"",
        "resource.agent in Team::\"data\"",
        "resource.verbs.contains(\"delete\") && resource.objects.contains(\"customers\")",
        "!resource.requesters.isEmpty() && resource.reviewers.contains(Group::\"dba\")",
    ] {
        let forbid = |word| {
            format!(
                "@id(\"v\") forbid (principal, action == Action::\"approve\", resource) {word} {{ {condition} }};"
            )
        };
        assert!(vote(&forbid("when"), &asked, Answer::Approve).is_err(), "{condition}");
        assert_eq!(vote(&forbid("unless"), &asked, Answer::Approve), Ok(()), "{condition}");
    }
}

#[test]
fn a_wide_permit_makes_no_voters() {
    let text = "@id(\"wide\") permit (principal, action, resource);";
    assert!(vote(text, &reviewer(person(2), &[], Assurance::Session), Answer::Approve).is_err());
}

#[test]
fn a_vote_statement_that_errors_lets_nobody_vote() {
    let big = "9000000000000000000";
    let text = format!(
        "@id(\"v\") forbid (principal, action == Action::\"approve\", resource)
         when {{ (if context.assurance == \"session\" then {big} else 0) + {big} > 0 }};"
    );
    let refusal =
        vote(&text, &reviewer(person(2), &["dba"], Assurance::Session), Answer::Approve).unwrap_err();
    assert!(refusal.contains("could not be evaluated"), "{refusal}");
}
