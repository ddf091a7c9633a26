//! Can an event be read in one way only, whatever its texts are?

use std::collections::BTreeMap;

use countersign_ledger::Kind;

use crate::fixtures::{self, ATTACKS};
use crate::{Entry, LineFormat};

fn line(entry: &Entry) -> String {
    entry.line(LineFormat::Cef).unwrap()
}

/// As a receiver reads it: seven header fields, then keys and values. A key is what stands between a blank and an equals
/// sign that no backslash precedes.
fn read(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let mut head = vec![String::new()];
    let mut letters = line.chars();
    while head.len() <= 7 {
        match letters.next().unwrap() {
            '\\' => head.last_mut().unwrap().extend(letters.next()),
            '|' => head.push(String::new()),
            letter => head.last_mut().unwrap().push(letter),
        }
    }
    head.pop();
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut value = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next().unwrap() {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                other => value.push(other),
            },
            '=' => {
                let (before, key) = value.rsplit_once(' ').unwrap_or(("", &value));
                if let Some(last) = fields.last_mut() {
                    last.1 = before.to_owned();
                }
                fields.push((key.to_owned(), String::new()));
                value = String::new();
            }
            _ => value.push(letter),
        }
    }
    fields.last_mut().unwrap().1 = value;
    let count = fields.len();
    let fields: BTreeMap<String, String> = fields.into_iter().collect();
    assert_eq!(fields.len(), count, "a key stands twice: {line}");
    (head, fields)
}

#[test]
fn every_kind_reads_as_it_is_told() {
    let lines: Vec<String> = fixtures::all()
        .iter()
        .map(|entry| line(entry).replace(&entry.hash, "HASH").replace(crate::VERSION, "VERSION"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn nothing_in_a_name_makes_a_field_or_a_header_of_its_own() {
    let (plain_head, plain) = read(&line(&fixtures::requested("x")));
    for attack in ATTACKS {
        let (head, fields) = read(&line(&fixtures::requested(attack)));
        assert_eq!(head, plain_head, "{attack:?}");
        assert_eq!(fields.keys().collect::<Vec<_>>(), plain.keys().collect::<Vec<_>>(), "{attack:?}");
        for (key, value) in &fields {
            assert!(matches!(key.as_str(), "cs2" | "cs6") || *value == plain[key], "{key} of {attack:?}");
        }
    }
}

#[test]
fn shown_content_is_a_field_and_long_content_is_cut() {
    let mut record = fixtures::record(Kind::ApprovalDecided);
    record.content[1].value = format!("a=b|c\n{}", "x".repeat(5000));
    let (_, fields) = read(&line(&fixtures::entry(&record, &["reason"])));
    let reason = &fields["CountersignContentReason"];
    assert!(reason.starts_with("a=b|c\nxxx"), "{reason}");
    assert_eq!(reason.chars().count(), 1023);
    assert_eq!(super::content_key("pending_until"), "CountersignContentPendingUntil");
    assert_eq!(super::content_key("a=b c|d"), "CountersignContentABCD");
}
