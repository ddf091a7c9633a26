//! Good and bad query strings.

use countersign_core::{Query, State, Timestamp, Verb};

use super::{LIST, audit, lenient, pairs, strict};

#[test]
fn every_filter_is_read() {
    let query = strict(
        "state=pending&state=denied&decision=review&resource=orders&agent=nightly&operation=a+b&verb=delete\
         &q=caf%C3%A9&from=2026-11-22T03%3A00%3A00Z&until=2026-11-23&cursor=7&limit=10",
        LIST,
    )
    .unwrap();
    let expected = Query {
        states: vec![State::Pending, State::Denied],
        decision: Some("review".to_owned()),
        resource: Some("orders".to_owned()),
        agent: Some("nightly".to_owned()),
        operation: Some("a b".to_owned()),
        verb: Some(Verb::Delete),
        text: Some("café".to_owned()),
        from: Some(Timestamp::from_micros(1_795_316_400_000_000)),
        until: Some(Timestamp::from_micros(1_795_392_000_000_000)),
        cursor: Some(7),
        limit: 10,
    };
    assert_eq!(query, expected);
}

#[test]
fn a_program_hears_of_every_mistake() {
    for bad in [
        "colour=red",
        "limit=0",
        "limit=201",
        "limit=1&limit=2",
        "limit=+1",
        "limit=-1",
        "cursor=x",
        "cursor=99999999999999999999",
        "state=open",
        "state=",
        "verb=destroy",
        "decision=maybe",
        "from=yesterday",
        "q=",
        "resource=",
    ] {
        let problem = strict(bad, LIST).unwrap_err();
        assert_eq!(problem.code.word(), "invalid_parameter", "{bad}");
    }
    let long = strict(&format!("q={}", "a".repeat(257)), LIST).unwrap_err();
    assert_eq!(long.code.word(), "invalid_parameter");
}

#[test]
fn a_form_with_empty_fields_asks_for_everything() {
    let query = lenient("q=&state=&from=&submit=1", LIST).unwrap();
    assert_eq!(query, Query { limit: super::LIMIT, ..Query::default() });
}

#[test]
fn broken_escapes_stay_as_they_are() {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        pairs("a=%zz&b=%4&c=%41&d&&e=%FF"),
        [pair("a", "%zz"), pair("b", "%4"), pair("c", "A"), pair("d", ""), pair("e", "\u{FFFD}")]
    );
}

#[test]
fn what_is_asked_of_the_ledger_is_read_and_checked() {
    let query = audit::strict(
        "kind=approval&case=act_1&actor=per_1&resource=orders&agent=nightly&from=2026-11-22&cursor=7",
    )
    .unwrap();
    assert_eq!(
        (query.kind.as_deref(), query.case.as_deref(), query.actor.as_deref()),
        (Some("approval"), Some("act_1"), Some("per_1"))
    );
    assert_eq!((query.resource.as_deref(), query.agent.as_deref()), (Some("orders"), Some("nightly")));
    assert_eq!((query.cursor, query.limit), (Some(7), countersign_core::AuditQuery::LIMIT_MAX));
    for bad in [
        "kind=appr",
        "kind=approval.",
        "kind=",
        "limit=0",
        "limit=10001",
        "case=",
        "cursor=-1",
        "q=x",
        "case=a&case=b",
        "from=x",
    ] {
        assert!(audit::strict(bad).is_err(), "{bad}");
    }
    assert_eq!(
        audit::lenient("kind=&case=+&limit=9999&q=x").unwrap(),
        countersign_core::AuditQuery { limit: 50, ..Default::default() }
    );
    audit::lenient("kind=nonsense").unwrap_err();
}
