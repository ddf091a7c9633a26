//! Is a line one line, and does it hold the leaf as it was?

use serde_json::Value;

use countersign_ledger::{Kind, hex, leaf_hash};

use crate::fixtures::{self, ATTACKS, LOG, NAME};
use crate::{Entry, LineFormat};

fn line(entry: &Entry) -> String {
    entry.line(LineFormat::Json).unwrap()
}

/// What even the most eager reader takes for the end of a line.
fn breaks_line(letter: char) -> bool {
    matches!(
        letter,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

#[test]
fn a_line_holds_the_leaf_by_its_bytes_and_its_place() {
    let entry = fixtures::entry(&fixtures::record(Kind::ApprovalDecided), &[]);
    let line = line(&entry);
    assert!(line.contains(&entry.text), "{line}");
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((value["log"].as_str(), value["index"].as_u64()), (Some(LOG), Some(7)));
    assert_eq!(value["leaf_hash"], hex(&leaf_hash(entry.text.as_bytes())));
    assert_eq!(value["leaf"]["type"], "approval.decided");
    assert_eq!(value.get("content"), None);
}

#[test]
fn what_a_caller_writes_never_begins_another_line() {
    for attack in ATTACKS {
        for format in [LineFormat::Json, LineFormat::Ocsf, LineFormat::Cef] {
            let line = fixtures::requested(attack).line(format).unwrap();
            assert!(!line.contains(breaks_line), "{format:?}: {line:?}");
        }
    }
}

#[test]
fn what_was_escaped_is_still_the_leaf() {
    for attack in ATTACKS {
        let entry = fixtures::requested(attack);
        let value: Value = serde_json::from_str(&line(&entry)).unwrap();
        assert_eq!(value["leaf"]["action"]["tool"], *attack);
        assert_eq!(value["leaf"], serde_json::from_str::<Value>(&entry.text).unwrap());
    }
}

/// The attack: content that nobody has named is in none of the forms, by name or by value.
#[test]
fn content_that_is_not_named_never_leaves() {
    for kind in Kind::ALL {
        let record = fixtures::record(*kind);
        for shown in [[].as_slice(), &["reason"], &["nam", "NAME", "name "]] {
            let entry = fixtures::entry(&record, shown);
            let mut forms: Vec<Vec<u8>> = [LineFormat::Json, LineFormat::Ocsf, LineFormat::Cef]
                .iter()
                .flat_map(|format| {
                    [entry.line(*format).unwrap().into_bytes(), entry.syslog(*format).unwrap()]
                })
                .collect();
            forms.push(crate::otlp::request(&[entry]));
            for form in forms {
                let text = String::from_utf8_lossy(&form);
                assert!(!text.contains(NAME) && !text.contains("Lovelace"), "{text}");
                let has_reason = text.contains("the order");
                assert_eq!(has_reason, shown.contains(&"reason"), "{text}");
            }
        }
    }
}
