use proptest::prelude::*;

use super::*;
use crate::record::{ActionPart, ActorKind, Place, Record};
use crate::{Content, hex};

/// The test vector of docs/LEDGER.md.
const VECTOR: &str = concat!(
    r#"{"action":{"class":["delete"],"commit":"8fe895dda3bdb2f738bb0385d52bec06abf7f766a62c63509dfeeac69f93e47d","#,
    r#""tool":"tools/call delete_rows"},"actor":{"id":"agt_1","kind":"agent"},"case":"act_1","#,
    r#""id":"018f0000-0000-7000-8000-000000000000","node":"n1","nseq":7,"#,
    r#""policy":{"bundle":"sha256:00","decision":"review","rules":["prod-delete"]},"#,
    r#""prev":"abababababababababababababababababababababababababababababababab","#,
    r#""sd":["8b16a644cd808cab5a740d8d392b1d522c72c6a47b84dbaa7f5bd6873c2f30a8"],"tenant":"default","#,
    r#""time":"2026-11-22T05:03:14.123456Z","type":"action.requested","v":1}"#
);

#[test]
fn the_test_vector_is_read() {
    let leaf = Leaf::parse(VECTOR.as_bytes()).unwrap();
    assert_eq!(leaf.kind, Kind::ActionRequested);
    assert_eq!((leaf.case.as_str(), leaf.nseq, leaf.prev), ("act_1", 7, Some([0xab; 32])));
    assert_eq!(leaf.action.unwrap().tool, "tools/call delete_rows");
    assert_eq!(leaf.policy.unwrap().decision, "review");
    assert_eq!(leaf.actor, Actor { kind: ActorKind::Agent, id: "agt_1".to_owned() });
    assert_eq!(leaf.sd.len(), 1);
}

/// What somebody might change, and what the reader calls it.
#[test]
fn leaves_that_two_readers_could_read_differently_are_refused() {
    for (from, to, expected) in [
        ("\"v\":1}", "\"v\":2}", "its version is 2"),
        ("\"v\":1}", "\"v\":0}", "its version is 0"),
        ("\"v\":1}", "\"v\":1.0}", "not a leaf"),
        ("\"v\":1}", "\"v\":\"1\"}", "not a leaf"),
        ("\"v\":1}", "\"v\":1}\n", "not canonical"),
        ("\"v\":1}", "\"v\":1} ", "not canonical"),
        ("\"v\":1}", "\"v\":1}{}", "not a leaf"),
        ("\"v\":1}", "\"v\":1", "not a leaf"),
        ("{\"action\":", " {\"action\":", "not canonical"),
        ("\"nseq\":7,", "\"nseq\": 7,", "not canonical"),
        ("\"nseq\":7,", "\"nseq\":7.0,", "not a leaf"),
        ("\"nseq\":7,", "\"nseq\":7e0,", "not a leaf"),
        ("\"nseq\":7,", "\"nseq\":-7,", "not a leaf"),
        ("\"nseq\":7,", "\"nseq\":9007199254740993,", "not canonical"),
        ("\"nseq\":7,", "", "not a leaf"),
        ("\"nseq\":7,", "\"nseq\":7,\"nseq\":7,", "not a leaf"),
        ("\"nseq\":7,", "\"nseq\":7,\"other\":7,", "not a leaf"),
        ("\"nseq\":7,", "\"nseq\":null,", "not a leaf"),
        ("\"prev\":\"ab", "\"prev\":null,\"x\":\"ab", "not a leaf"),
        ("\"prev\":\"ab", "\"prev\":\"AB", "is not a hash"),
        ("\"prev\":\"ab", "\"prev\":\"b", "is not a hash"),
        ("\"sd\":[\"8b", "\"sd\":[\"8B", "is not a hash"),
        ("\"sd\":[\"8b", "\"sd\":[\"", "is not a hash"),
        ("\"commit\":\"8f", "\"commit\":\"8F", "is not a hash"),
        ("act_1", "\\u0061ct_1", "not canonical"),
        ("tools/call", "tools\\/call", "not canonical"),
        ("agt_1\",\"kind\":\"agent\"", "agt_1\",\"kind\":\"robot\"", "not a leaf"),
        ("\"kind\":\"agent\"", "\"kind\":\"agent\",\"name\":\"x\"", "not a leaf"),
        ("\"id\":\"agt_1\",\"kind\":\"agent\"", "\"kind\":\"agent\",\"id\":\"agt_1\"", "not canonical"),
        ("\"rules\":[\"prod-delete\"]", "\"rules\":[]", "not canonical"),
        ("\"decision\":\"review\",", "\"decision\":\"review\",\"extra\":1,", "not a leaf"),
        ("action.requested", "action.imagined", "`action.imagined`, which is not known"),
        ("2026-11-22T05:03:14.123456Z", "2026-11-22T05:03:14.123Z", "is not a time"),
        ("2026-11-22T05:03:14.123456Z", "2026-11-22T05:03:14.123456+", "is not a time"),
        ("2026-11-22T05:03:14.123456Z", "2026-11-22 05:03:14.123456Z", "is not a time"),
        ("\"tenant\":\"default\"", "\"tenant\":\"default\",\"tenant\":\"other\"", "not a leaf"),
    ] {
        let changed = VECTOR.replacen(from, to, 1);
        assert_ne!(changed, VECTOR, "{from}");
        let error = Leaf::parse(changed.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{from} → {to}: {error}");
    }
    for nonsense in ["", "null", "[]", "{}", "1", "\"x\"", "\u{feff}{}"] {
        assert!(matches!(Leaf::parse(nonsense.as_bytes()), Err(LeafError::Form(_))), "{nonsense}");
    }
    assert!(matches!(Leaf::parse(&[b' '; LEAF_MAX_BYTES + 1]), Err(LeafError::TooLarge(_))));
    Leaf::parse(&[0xff; 4]).unwrap_err();
}

fn record(kind: Kind, words: &[String; 4], number: u64, parts: u8) -> Record {
    let [a, b, c, d] = words.clone();
    let actor = Actor { kind: ActorKind::Human, id: a.clone() };
    let mut record = Record::new(kind, b.clone(), "2026-11-22T05:03:14.123456Z".to_owned(), c.clone(), actor);
    record.action =
        (parts & 1 != 0).then(|| ActionPart { tool: d.clone(), class: vec![a.clone()], bytes: vec![7] });
    record.policy =
        (parts & 2 != 0).then(|| PolicyPart { bundle: b.clone(), rules: Vec::new(), decision: c.clone() });
    record.approval = (parts & 4 != 0).then(|| ApprovalPart {
        request: a.clone(),
        state: b.clone(),
        version: number,
        of: vec![c, d.clone()],
        n: Some(3),
        decision: (parts & 16 != 0).then(|| d.clone()),
        ..ApprovalPart::default()
    });
    record.result = (parts & 8 != 0).then_some(ResultPart { status: b, dur_us: number });
    record.content = vec![Content::new("reason", a), Content::new("name", d)];
    record
}

proptest! {
    #[test]
    fn every_record_that_is_written_is_read_back(
        kind in prop::sample::select(Kind::ALL), words: [String; 4], number in 0_u64..1 << 53, parts: u8, first: bool,
    ) {
        let record = record(kind, &words, number, parts);
        let place = Place { tenant: "default", node: "n1", nseq: number, prev: (!first).then_some(&[9; 32]) };
        let encoded = record.encode(place, &mut |bytes| bytes.fill(5)).unwrap();
        let leaf = Leaf::parse(&encoded.leaf).unwrap();
        prop_assert_eq!(leaf.kind, record.kind);
        prop_assert_eq!((leaf.id, leaf.case, leaf.time), (record.id, record.case, record.time));
        prop_assert_eq!((leaf.nseq, leaf.prev), (number, place.prev.copied()));
        prop_assert_eq!(leaf.actor, record.actor);
        prop_assert_eq!(leaf.policy, record.policy);
        prop_assert_eq!(leaf.approval, record.approval);
        prop_assert_eq!(leaf.result, record.result);
        prop_assert_eq!(leaf.sd.len(), 2);
        let action = leaf.action.map(|action| (action.tool, action.class, hex(&action.commit).len()));
        prop_assert_eq!(action, record.action.map(|action| (action.tool, action.class, 64)));
    }

    #[test]
    fn a_leaf_with_any_changed_byte_is_refused_or_says_something_else(at in 0..VECTOR.len(), to: u8) {
        let mut changed = VECTOR.as_bytes().to_vec();
        prop_assume!(changed[at] != to);
        changed[at] = to;
        if let Ok(leaf) = Leaf::parse(&changed) {
            prop_assert_ne!(leaf, Leaf::parse(VECTOR.as_bytes()).unwrap());
        }
    }
}
