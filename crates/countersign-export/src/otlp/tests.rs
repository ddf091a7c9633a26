//! Does the request read back as what was put in?

use std::collections::BTreeMap;

use countersign_ledger::Kind;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsPartialSuccess;

use super::*;
use crate::fixtures::{self, ATTACKS};

fn read(body: &[u8]) -> (Vec<KeyValue>, Vec<LogRecord>) {
    let request = ExportLogsServiceRequest::decode(body).unwrap();
    let [logs] = request.resource_logs.try_into().unwrap();
    let [scope] = logs.scope_logs.try_into().unwrap();
    assert_eq!(scope.scope.unwrap().name, "countersign.ledger");
    (logs.resource.unwrap().attributes, scope.log_records)
}

fn shown(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let value = |value: &Option<AnyValue>| match value.as_ref().unwrap().value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::ArrayValue(array) => format!("{} values", array.values.len()),
        other => panic!("{other:?}"),
    };
    let count = attributes.len();
    let shown: BTreeMap<String, String> =
        attributes.iter().map(|attribute| (attribute.key.clone(), value(&attribute.value))).collect();
    assert_eq!(shown.len(), count, "keys are unique");
    shown
}

#[test]
fn every_kind_reads_back() {
    let entries = fixtures::all();
    let (resource, records) = read(&request(&entries));
    assert_eq!(shown(&resource)["countersign.log.origin"], fixtures::LOG);
    assert_eq!(shown(&resource)["service.name"], "countersign");
    assert_eq!(records.len(), entries.len());
    let mut told = Vec::new();
    for (record, entry) in records.iter().zip(&entries) {
        assert_eq!(record.event_name, format!("countersign.{}", entry.leaf.kind.word()));
        assert_eq!(record.time_unix_nano, 1_795_323_794_123_456_000);
        assert_eq!(record.observed_time_unix_nano, record.time_unix_nano);
        assert_eq!(record.body, None, "all of it is in attributes");
        let attributes = shown(&record.attributes);
        assert_eq!(attributes["countersign.log.index"], "7");
        assert_eq!(attributes["countersign.log.leaf_hash"], entry.hash);
        let own = attributes.iter().filter(|(key, _)| {
            ["action", "policy", "review", "vote", "result", "disposition", "content"]
                .iter()
                .any(|part| key.starts_with(&format!("countersign.{part}")))
        });
        let own: Vec<String> = own.map(|(key, value)| format!("  {key} = {value}")).collect();
        told.push(format!("{} {}", record.event_name, record.severity_text));
        told.extend(own);
    }
    insta::assert_snapshot!(told.join("\n"));
}

/// Names that callers choose are values; receivers index events by their names.
#[test]
fn no_name_of_a_caller_becomes_an_events_name_or_a_key() {
    let (_, plain) = read(&request(&[fixtures::requested("x")]));
    for attack in ATTACKS {
        let (_, records) = read(&request(&[fixtures::requested(attack)]));
        assert_eq!(records[0].event_name, "countersign.action.requested");
        let keys = |record: &LogRecord| shown(&record.attributes).into_keys().collect::<Vec<_>>();
        assert_eq!(keys(&records[0]), keys(&plain[0]));
    }
}

#[test]
fn shown_content_is_an_attribute() {
    let entry = fixtures::entry(&fixtures::record(Kind::ApprovalDecided), &["reason"]);
    let (_, records) = read(&request(&[entry]));
    assert_eq!(shown(&records[0].attributes)["countersign.content.reason"], "the order\nis wrong");
}

#[test]
fn what_the_receiver_threw_away_is_heard() {
    let answer = |rejected_log_records, error_message: &str| {
        let partial =
            ExportLogsPartialSuccess { rejected_log_records, error_message: error_message.to_owned() };
        ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
    };
    assert_eq!(rejected(&answer(3, "too old")), Some((3, "too old".to_owned())));
    assert_eq!(rejected(&answer(0, "be careful")), None);
    assert_eq!(rejected(&[]), None);
    assert_eq!(rejected(b"<html>"), None);
}
