use super::*;
use crate::record::Record;
use crate::testing::{action, november};

fn counted() -> Summary {
    let mut counting = Counting::default();
    for entry in &november().entries {
        counting.add(&Record::read(entry).unwrap());
    }
    counting.finish()
}

#[test]
fn a_period_is_counted() {
    let summary = counted();
    let count = |counts: &BTreeMap<String, u64>| {
        counts.iter().map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ")
    };
    assert_eq!((summary.records, summary.first, summary.last), (21, Some(0), Some(20)));
    assert_eq!(count(&summary.actions), "allow 5, review 2");
    assert_eq!(count(&summary.reviews), "denied 1, executed 1");
    assert_eq!(count(&summary.outcomes), "executed 5, unknown 1");
    assert_eq!(count(&summary.votes), "approve by passkey 1, deny by passkey 1");
    assert_eq!((summary.passed, summary.wait_p50_s, summary.wait_p95_s), (40, Some(120), Some(300)));
    assert_eq!(summary.changes.len(), 1);
}

#[test]
fn what_should_be_looked_at_is_found_where_it_happened() {
    let found: Vec<_> = counted()
        .exceptions
        .into_iter()
        .map(|found| format!("{} {} {} {}", found.index, found.what, found.case, found.detail))
        .collect();
    let expected = [
        "1 silence act_018f0000000070008000000000000001 1 d 8 h since the entry before".to_owned(),
        format!(
            "3 refused vote {} per_018f00000000700080000000000000c3: stands behind it\u{202e}",
            action(1)
        ),
        format!("9 denial {} per_018f00000000700080000000000000c1: looked at it", action(2)),
        format!("19 silence {} 49 min since the entry before", action(7)),
        format!("20 unknown outcome {} not shown", action(7)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn every_exception_that_is_noted_is_explained() {
    for found in counted().exceptions {
        assert!(EXCEPTIONS.iter().any(|(what, _)| *what == found.what), "{}", found.what);
    }
}

#[test]
fn a_clock_that_was_set_back_is_named() {
    let mut log = november();
    log.write("01T12:00", crate::testing::changed());
    let mut counting = Counting::default();
    for entry in &log.entries {
        counting.add(&Record::read(entry).unwrap());
    }
    let found = counting.finish().exceptions.pop().unwrap();
    assert_eq!((found.what.as_str(), found.index), ("clock set back", 21));
    assert_eq!(found.detail, "21 h 1 min before the entry before");
}
