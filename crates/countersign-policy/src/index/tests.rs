//! Does the index find exactly what a full scan finds, and do more statements never loosen?

use std::collections::BTreeSet;
use std::str::FromStr;

use cedar_policy::{PolicyId, PolicySet};
use countersign_core::{Arguments, Decision, Effect, Effects, Plan, Scalar, Terms, Timestamp, Verb};
use proptest::prelude::*;

use crate::Bundle;
use crate::index::{Bucket, weigh};
use crate::slice::Slice;
use crate::tests::{Asked, source};

/// One statement without its id: kind, scope and condition.
#[derive(Debug, Clone)]
struct Draft {
    head: &'static str,
    principal: &'static str,
    action: &'static str,
    resource: &'static str,
    condition: &'static str,
}

impl Draft {
    fn text(&self, id: usize) -> String {
        let Self { head, principal, action, resource, condition } = self;
        format!("@id(\"p{id}\") {head} ({principal}, {action}, {resource}){condition};\n")
    }
}

fn draft(heads: &'static [&'static str]) -> impl Strategy<Value = Draft> {
    let principals =
        &["principal", "principal in Team::\"data\"", "principal in Team::\"ops\"", "principal is Agent"];
    let actions = &[
        "action",
        "action in Action::\"any\"",
        "action == Action::\"read\"",
        "action == Action::\"delete\"",
        "action in [Action::\"delete\", Action::\"write\"]",
    ];
    let resources = &[
        "resource",
        "resource is Object",
        "resource in Env::\"prod\"",
        "resource in Env::\"dev\"",
        "resource in Label::\"pii\"",
        "resource in Resource::\"orders\"",
        "resource is Object in Resource::\"orders\"",
        "resource == Object::\"orders/customers\"",
        "resource in Object::\"orders/customers\"",
        "resource in Object::\"orders/invoices\"",
    ];
    let conditions = &[
        "",
        "",
        " when { context.numbers.hasTag(\"n\") && context.numbers.getTag(\"n\") > 5 }",
        " unless { context.hour_utc < 12 }",
        " when { principal.name == \"bot\" }",
        " unless { principal.name == \"other\" && resource.name == \"customers\" }",
        " when { context.operation like \"tools/call delete*\" }",
        // Errors for large numbers.
        " when { context.numbers.hasTag(\"n\") && context.numbers.getTag(\"n\") * 4000000000000000000 > 5 }",
    ];
    let pick = |words: &'static [&'static str]| proptest::sample::select(words);
    (pick(heads), pick(principals), pick(actions), pick(resources), pick(conditions)).prop_map(
        |(head, principal, action, resource, condition)| Draft {
            head,
            principal,
            action,
            resource,
            condition,
        },
    )
}

const ANY_HEAD: &[&str] = &[
    "permit",
    "permit",
    "forbid",
    "@review(\"dba\") @quorum(\"2\") forbid",
    "@review(\"security\") @expires(\"1m\") forbid",
    "@obligation(\"record\") permit",
    "@obligation(\"max_rows\") @rows(\"7\") permit",
];
const RESTRICTING_HEAD: &[&str] =
    &["forbid", "@review(\"ops\") forbid", "@review(\"dba\") @grant_for(\"1m\") forbid"];

fn asked() -> impl Strategy<Value = Asked> {
    let effect = (
        proptest::sample::select(&[Verb::Read, Verb::Write, Verb::Delete, Verb::Unknown][..]),
        proptest::sample::select(&["customers", "invoices", "other"][..]),
    );
    (
        proptest::collection::vec(effect, 1..4),
        proptest::sample::select(&["orders", "stock"][..]),
        proptest::sample::subsequence(&[("env", "prod"), ("pii", "yes")][..], 0..=2),
        proptest::option::of(0_i64..10),
    )
        .prop_map(|(effects, name, labels, number)| {
            let mut asked = Asked::about(&effects);
            name.clone_into(&mut asked.resource.name);
            asked.resource.labels =
                labels.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            asked.arguments = number
                .map(|number| ("n".to_owned(), Scalar::Integer(number)))
                .into_iter()
                .collect::<Arguments>();
            asked
        })
}

fn text(drafts: &[Draft]) -> String {
    drafts.iter().enumerate().map(|(id, draft)| draft.text(id)).collect()
}

fn load(drafts: &[Draft]) -> Bundle {
    Bundle::load(&[source(&text(drafts))]).unwrap()
}

/// Whether `tight` asks at least as much as `loose` in every respect.
fn at_least_as_strict(tight: &Decision, loose: &Decision) -> bool {
    let terms = |tight: &Terms, loose: &Terms| {
        tight.obligations.is_superset(&loose.obligations)
            && loose.max_rows.is_none_or(|loose| tight.max_rows.is_some_and(|tight| tight <= loose))
    };
    let plans = |tight: &Plan, loose: &Plan| {
        tight.covers(loose)
            && tight.pending_for <= loose.pending_for
            && tight.claim_within <= loose.claim_within
            && tight.grant_for <= loose.grant_for
            && terms(&tight.terms, &loose.terms)
    };
    match (tight, loose) {
        (Decision::Deny(_), _) => true,
        (Decision::Review(tight), Decision::Review(loose)) => plans(tight, loose),
        (Decision::Review(tight), Decision::Allow(loose)) => terms(&tight.terms, loose),
        (Decision::Allow(tight), Decision::Allow(loose)) => terms(tight, loose),
        (Decision::Review(_) | Decision::Allow(_), Decision::Deny(_))
        | (Decision::Allow(_), Decision::Review(_)) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_index_finds_what_a_full_scan_finds(
        drafts in proptest::collection::vec(draft(ANY_HEAD), 0..12),
        questions in proptest::collection::vec(asked(), 1..8),
    ) {
        let bundle = load(&drafts);
        let mut full = Bucket::default();
        for policy in PolicySet::from_str(&text(&drafts)).unwrap().policies() {
            let id = policy.annotation("id").unwrap();
            full.add(&policy.new_id(PolicyId::new(id)), bundle.kind(id).unwrap()).unwrap();
        }
        for asked in questions {
            let question = asked.question();
            let slice = Slice::of(&bundle.world, &question).unwrap();
            for effect in question.effects.iter() {
                let request = slice.request(&bundle.world, effect).unwrap();
                let scanned = weigh(std::iter::once(&full), &request, slice.entities());
                let mut indexed = bundle.weigh_effect(effect, &question, &slice).unwrap();
                // Cedar tells the satisfied permits only where no forbid is; one bucket less may hide them.
                if !scanned.forbids.is_empty() {
                    indexed.permits.clear();
                }
                prop_assert_eq!(indexed, scanned);
            }
        }
    }

    #[test]
    fn the_order_of_statements_does_not_matter(
        drafts in proptest::collection::vec(draft(ANY_HEAD), 0..8),
        asked in asked(),
    ) {
        let texts: Vec<String> = drafts.iter().enumerate().map(|(id, draft)| draft.text(id)).collect();
        let forwards = Bundle::load(&[source(&texts.concat())]).unwrap();
        let backwards: Vec<_> = texts.iter().rev().map(|text| source(text)).collect();
        let backwards = Bundle::load(&backwards).unwrap();
        prop_assert_eq!(forwards.judge(&asked.question()), backwards.judge(&asked.question()));
    }

    #[test]
    fn another_forbid_or_review_statement_never_loosens(
        drafts in proptest::collection::vec(draft(ANY_HEAD), 0..8),
        more in draft(RESTRICTING_HEAD),
        asked in asked(),
    ) {
        let before = load(&drafts).judge(&asked.question());
        let mut tighter = drafts;
        tighter.push(more);
        let after = load(&tighter).judge(&asked.question());
        prop_assert!(at_least_as_strict(&after, &before), "{before:?} became {after:?}");
    }

    #[test]
    fn another_effect_never_loosens(
        drafts in proptest::collection::vec(draft(ANY_HEAD), 0..8),
        asked in asked(),
        verb in proptest::sample::select(&Verb::ALL[..]),
    ) {
        let bundle = load(&drafts);
        let before = bundle.judge(&asked.question());
        let more = asked.effects.iter().cloned().chain([Effect::new(verb, "more")]);
        let wider = Asked { effects: Effects::new(more, "?").unwrap(), ..asked };
        let after = bundle.judge(&wider.question());
        prop_assert!(at_least_as_strict(&after, &before), "{before:?} became {after:?}");
    }

    #[test]
    fn what_is_never_permitted_is_denied_whatever_the_argument(
        drafts in proptest::collection::vec(draft(ANY_HEAD), 0..8),
        asked in asked(),
        number in proptest::num::i64::ANY,
    ) {
        let bundle = load(&drafts);
        if bundle.never(&asked.question()) {
            let asked = asked.with("n", Scalar::Integer(number));
            prop_assert_eq!(bundle.judge(&asked.question()).word(), "deny");
        }
    }

    #[test]
    fn an_answer_that_is_kept_is_the_one_that_would_be_given(
        drafts in proptest::collection::vec(draft(ANY_HEAD), 0..8),
        questions in proptest::collection::vec((asked(), 0_i64..24, any::<bool>()), 1..12),
    ) {
        let bundle = load(&drafts);
        for (mut asked, hour, ops) in questions {
            asked.now = Timestamp::from_micros(hour * 3_600_000_000);
            if hour % 3 == 0 {
                "other".clone_into(&mut asked.principal.name);
            }
            if ops {
                asked.principal.teams = BTreeSet::from(["ops".to_owned()]);
            }
            // A copy has kept nothing.
            let fresh = bundle.clone().judge(&asked.question());
            prop_assert_eq!(bundle.judge(&asked.question()), fresh.clone());
            if let Some(for_good) = bundle.judge_for_good(&asked.question()) {
                prop_assert_eq!(&for_good, &fresh);
                let later = Asked { now: Timestamp::from_micros(3_600_000_000), ..asked };
                let later = later.with("n", Scalar::Integer(9));
                prop_assert_eq!(bundle.clone().judge(&later.question()), for_good);
            }
        }
    }
}
