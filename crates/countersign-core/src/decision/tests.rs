//! Is `join` a semilattice? Then neither order nor repetition of policies and effects can matter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::{Decision, Gate, Mask, MaskMode, Masked, Obligation, Plan, Reason, ReasonCode, Terms};
use crate::Assurance;

fn ids() -> impl Strategy<Value = BTreeSet<String>> {
    proptest::collection::btree_set("[a-c]", 0..3)
}

fn span() -> impl Strategy<Value = Duration> {
    (1_u64..4).prop_map(Duration::from_secs)
}

fn mask() -> impl Strategy<Value = Mask> {
    let what = prop_oneof!["[xy]".prop_map(Masked::Column), "[xy]".prop_map(Masked::Content)];
    let mode = prop_oneof![
        Just(MaskMode::Partial),
        Just(MaskMode::Hash),
        Just(MaskMode::Drop),
        Just(MaskMode::Null)
    ];
    (what, mode).prop_map(|(what, mode)| Mask { what, mode })
}

fn terms() -> impl Strategy<Value = Terms> {
    let obligation = prop_oneof![Just(Obligation::Record), mask().prop_map(Obligation::Mask)];
    (proptest::collection::btree_set(obligation, 0..3), proptest::option::of(0_u64..4), ids())
        .prop_map(|(obligations, max_rows, policies)| Terms { obligations, max_rows, policies })
}

fn plan() -> impl Strategy<Value = Plan> {
    let assurance = prop_oneof![Just(Assurance::Session), Just(Assurance::Passkey)];
    let gate = (1_u16..4, assurance, ids()).prop_map(|(quorum, assurance, policies)| Gate {
        quorum,
        assurance,
        policies,
    });
    let gates = proptest::collection::btree_map("[g-i]", gate, 0..3);
    let reasons = proptest::collection::btree_map("[a-c]", "[st]", 0..3);
    (gates, span(), span(), span(), 0_u16..3, reasons, terms()).prop_map(
        |(gates, pending_for, claim_within, grant_for, witnesses, reasons, terms)| Plan {
            gates,
            pending_for,
            claim_within,
            grant_for,
            witnesses,
            reasons,
            terms,
        },
    )
}

fn reason() -> impl Strategy<Value = Reason> {
    let code = prop_oneof![
        Just(ReasonCode::PolicyError),
        Just(ReasonCode::Forbidden),
        Just(ReasonCode::NotPermitted)
    ];
    (code, "[mn]", ids()).prop_map(|(code, text, policies)| Reason { code, text, policies })
}

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        terms().prop_map(Decision::Allow),
        plan().prop_map(Decision::Review),
        reason().prop_map(Decision::Deny),
    ]
}

fn rank(decision: &Decision) -> u8 {
    match decision {
        Decision::Allow(_) => 0,
        Decision::Review(_) => 1,
        Decision::Deny(_) => 2,
    }
}

proptest! {
    #[test]
    fn join_is_associative(a in decision(), b in decision(), c in decision()) {
        prop_assert_eq!(a.clone().join(b.clone()).join(c.clone()), a.join(b.join(c)));
    }

    #[test]
    fn join_is_commutative(a in decision(), b in decision()) {
        prop_assert_eq!(a.clone().join(b.clone()), b.join(a));
    }

    #[test]
    fn join_is_idempotent(a in decision(), b in decision()) {
        prop_assert_eq!(&a.clone().join(a.clone()), &a);
        let joined = a.clone().join(b);
        prop_assert_eq!(a.join(joined.clone()), joined, "what is joined already adds nothing");
    }

    #[test]
    fn join_never_loosens(a in decision(), b in decision()) {
        let joined = a.clone().join(b.clone());
        prop_assert_eq!(rank(&joined), rank(&a).max(rank(&b)));
        if let (Decision::Review(then), Decision::Review(now)) = (&joined, &a) {
            prop_assert!(then.covers(now) && then.pending_for <= now.pending_for);
            prop_assert!(then.witnesses >= now.witnesses);
        }
    }

    #[test]
    fn who_agreed_to_less_has_not_agreed_to_more(a in plan(), b in plan()) {
        let both = a.clone().join(b);
        prop_assert!(both.covers(&a));
        let stricter: BTreeMap<String, Gate> = both
            .gates
            .iter()
            .map(|(group, gate)| (group.clone(), Gate { quorum: gate.quorum + 1, ..gate.clone() }))
            .collect();
        prop_assert_eq!(both.covers(&Plan { gates: stricter.clone(), ..both.clone() }), stricter.is_empty());
    }

    #[test]
    fn a_plan_that_was_stored_is_read_back_and_an_older_one_asks_for_no_witness(plan in plan()) {
        let text = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(text.contains("witnesses"), plan.witnesses > 0);
        prop_assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }

    #[test]
    fn of_many_masks_the_strictest_holds(a in terms(), b in terms()) {
        let joined = a.clone().join(b.clone());
        for (what, mode) in joined.masks() {
            let strictest = a.masks().get(what).copied().max(b.masks().get(what).copied());
            prop_assert_eq!(Some(mode), strictest);
        }
    }
}

#[test]
fn a_mask_of_an_old_record_is_still_read() {
    let old: Obligation = serde_json::from_str(r#"{"mask":"email"}"#).unwrap();
    let mask = Mask { what: Masked::Column("email".to_owned()), mode: MaskMode::Partial };
    assert_eq!(old, Obligation::Mask(mask));
    let new = Obligation::Mask(Mask { what: Masked::Content("card".to_owned()), mode: MaskMode::Null });
    let text = serde_json::to_string(&new).unwrap();
    assert_eq!(text, r#"{"mask":{"what":{"content":"card"},"mode":"null"}}"#);
    assert_eq!(serde_json::from_str::<Obligation>(&text).unwrap(), new);
}
