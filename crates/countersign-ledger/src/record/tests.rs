use proptest::prelude::*;

use super::*;

fn record() -> Record {
    let mut record = Record::new(
        Kind::ActionRequested,
        "018f0000-0000-7000-8000-000000000000".to_owned(),
        "2026-11-22T05:03:14.123456Z".to_owned(),
        "act_1".to_owned(),
        Actor { kind: ActorKind::Agent, id: "agt_1".to_owned() },
    );
    record.action = Some(ActionPart {
        tool: "tools/call delete_rows".to_owned(),
        class: vec!["delete".to_owned()],
        bytes: b"{\"secret\":\"alice@example.com\"}".to_vec(),
    });
    record.policy = Some(PolicyPart {
        bundle: "sha256:00".to_owned(),
        rules: vec!["prod-delete".to_owned()],
        decision: "review".to_owned(),
    });
    record.content = vec![Content::new("claim", "because alice@example.com asked")];
    record
}

fn place() -> Place<'static> {
    Place { tenant: "default", node: "n1", nseq: 7, prev: Some(&[0xab; 32]) }
}

fn counting() -> impl FnMut(&mut [u8]) {
    let mut next = 0_u8;
    move |bytes| {
        for byte in bytes {
            *byte = next;
            next = next.wrapping_add(1);
        }
    }
}

#[test]
fn the_leaf_bytes_are_these_and_stay_these() {
    let encoded = record().encode(place(), &mut counting()).unwrap();
    let text = String::from_utf8(encoded.leaf).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"action":{"class":["delete"],"#,
            r#""commit":"8fe895dda3bdb2f738bb0385d52bec06abf7f766a62c63509dfeeac69f93e47d","#,
            r#""tool":"tools/call delete_rows"},"actor":{"id":"agt_1","kind":"agent"},"case":"act_1","#,
            r#""id":"018f0000-0000-7000-8000-000000000000","node":"n1","nseq":7,"#,
            r#""policy":{"bundle":"sha256:00","decision":"review","rules":["prod-delete"]},"#,
            r#""prev":"abababababababababababababababababababababababababababababababab","#,
            r#""sd":["8b16a644cd808cab5a740d8d392b1d522c72c6a47b84dbaa7f5bd6873c2f30a8"],"tenant":"default","time":"2026-11-22T05:03:14.123456Z","#,
            r#""type":"action.requested","v":1}"#
        )
    );
}

#[test]
fn the_leaf_holds_no_content() {
    let encoded = record().encode(place(), &mut counting()).unwrap();
    let text = String::from_utf8(encoded.leaf).unwrap();
    assert!(!text.contains("alice"), "{text}");
}

#[test]
fn content_opens_its_commitment_and_nothing_else_does() {
    let record = record();
    let encoded = record.encode(place(), &mut counting()).unwrap();
    let text = String::from_utf8(encoded.leaf).unwrap();
    let opened = content_commitment(&encoded.salts[0], &record.content[0]).unwrap();
    assert!(text.contains(&hex(&opened)));
    let other = content_commitment(&encoded.salts[0], &Content::new("claim", "other")).unwrap();
    assert!(!text.contains(&hex(&other)));
    let action = action_commitment(&encoded.action_salt.unwrap(), &record.action.unwrap().bytes);
    assert!(text.contains(&hex(&action)));
}

#[test]
fn a_leaf_that_is_too_large_is_refused() {
    let mut record = record();
    record.policy = Some(PolicyPart {
        bundle: "x".repeat(LEAF_MAX_BYTES),
        rules: Vec::new(),
        decision: "allow".to_owned(),
    });
    assert!(matches!(record.encode(place(), &mut counting()), Err(EncodeError::TooLarge { .. })));
}

#[test]
fn a_number_beyond_2_to_53_is_refused_not_rounded() {
    let mut record = record();
    record.result = Some(ResultPart { status: "executed".to_owned(), dur_us: (1 << 53) + 1 });
    assert!(matches!(record.encode(place(), &mut counting()), Err(EncodeError::Canonical(_))));
}

#[test]
fn every_kind_is_found_by_its_word() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_word(kind.word()), Some(*kind));
    }
    assert_eq!(Kind::from_word("action.imagined"), None);
}

proptest! {
    #[test]
    fn any_changed_byte_changes_the_hash(at in 0_usize..400, flip in 1_u8..=255) {
        let encoded = record().encode(place(), &mut counting()).unwrap();
        let mut changed = encoded.leaf.clone();
        let at = at % changed.len();
        changed[at] ^= flip;
        prop_assert_ne!(leaf_hash(&changed), encoded.hash);
    }

    #[test]
    fn the_leaf_equals_sorted_json_for_any_text(case in ".*", tool in ".*") {
        let mut record = record();
        record.case = case;
        record.action.as_mut().unwrap().tool = tool;
        let encoded = record.encode(place(), &mut counting()).unwrap();
        // serde_json's default map is sorted by key and our keys are ASCII: an independent writer of the same form.
        let value: serde_json::Value = serde_json::from_slice(&encoded.leaf).unwrap();
        prop_assert_eq!(serde_json::to_vec(&value).unwrap(), encoded.leaf);
    }
}
