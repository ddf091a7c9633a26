//! How does an entry read in OpenTelemetry? As a log record with an event's name, all of it in attributes, in the
//! request that OTLP over HTTP sends.

use countersign_ledger::Leaf;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost_otlp::Message as _;

use crate::meaning::{self, Severity};
use crate::{Entry, PRODUCT, VERSION};

/// What the body of a request is.
pub const CONTENT_TYPE: &str = "application/x-protobuf";

/// The entries, all of one log, as the body of one request.
pub fn request(entries: &[Entry]) -> Vec<u8> {
    let log = entries.first().map(|entry| entry.log.as_str()).unwrap_or_default();
    let resource = Resource {
        attributes: vec![
            text("service.name", &PRODUCT.to_lowercase()),
            text("service.version", VERSION),
            text("countersign.log.origin", log),
        ],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: "countersign.ledger".to_owned(),
        version: VERSION.to_owned(),
        ..InstrumentationScope::default()
    };
    let scope_logs = ScopeLogs {
        scope: Some(scope),
        log_records: entries.iter().map(record).collect(),
        ..ScopeLogs::default()
    };
    let resource_logs =
        ResourceLogs { resource: Some(resource), scope_logs: vec![scope_logs], ..ResourceLogs::default() };
    ExportLogsServiceRequest { resource_logs: vec![resource_logs] }.encode_to_vec()
}

/// How many records the receiver threw away, and why, in its answer to a request that it took. `None` when it took all,
/// or does not say.
pub fn rejected(answer: &[u8]) -> Option<(i64, String)> {
    let partial = ExportLogsServiceResponse::decode(answer).ok()?.partial_success?;
    (partial.rejected_log_records > 0).then_some((partial.rejected_log_records, partial.error_message))
}

fn record(entry: &Entry) -> LogRecord {
    let (severity, severity_text) = match meaning::severity(entry) {
        Severity::Informational => (SeverityNumber::Info, "INFO"),
        Severity::Low => (SeverityNumber::Info2, "INFO2"),
        Severity::Medium => (SeverityNumber::Warn, "WARN"),
    };
    let nanos = u64::try_from(entry.time.as_micros()).unwrap_or(0).saturating_mul(1000);
    LogRecord {
        time_unix_nano: nanos,
        // It is observed where it happens.
        observed_time_unix_nano: nanos,
        severity_number: severity.into(),
        severity_text: severity_text.to_owned(),
        event_name: format!("countersign.{}", entry.leaf.kind.word()),
        attributes: attributes(entry),
        ..LogRecord::default()
    }
}

fn attributes(entry: &Entry) -> Vec<KeyValue> {
    let leaf = &entry.leaf;
    let mut found = vec![
        number("countersign.log.index", entry.index),
        text("countersign.log.leaf_hash", &entry.hash),
        text("countersign.entry.id", &leaf.id),
        text("countersign.entry.case", &leaf.case),
        text("countersign.tenant", &leaf.tenant),
        text("countersign.node", &leaf.node),
        text("countersign.actor.kind", leaf.actor.kind.word()),
        text("countersign.actor.id", &leaf.actor.id),
    ];
    if let Some(disposition) = meaning::disposition(entry) {
        found.push(text("countersign.disposition", &disposition.word().to_lowercase()));
    }
    found.extend(of_action(leaf));
    found.extend(of_approval(leaf));
    let content = entry.content.iter();
    found.extend(content.map(|(name, value)| text(&format!("countersign.content.{name}"), value)));
    found
}

fn of_action(leaf: &Leaf) -> Vec<KeyValue> {
    let mut found = Vec::new();
    if let Some(action) = &leaf.action {
        found.push(text("countersign.action.operation", &action.tool));
        found.push(texts("countersign.action.verbs", &action.class));
    }
    if let Some(policy) = &leaf.policy {
        found.push(text("countersign.policy.decision", &policy.decision));
        found.push(text("countersign.policy.bundle", &policy.bundle));
        found.push(texts("countersign.policy.rules", &policy.rules));
    }
    if let Some(result) = &leaf.result {
        found.push(text("countersign.result.status", &result.status));
        found.push(number("countersign.result.duration_us", result.dur_us));
    }
    found
}

fn of_approval(leaf: &Leaf) -> Vec<KeyValue> {
    let Some(approval) = &leaf.approval else { return Vec::new() };
    let mut found = vec![
        text("countersign.review.id", &approval.request),
        text("countersign.review.state", &approval.state),
        number("countersign.review.version", approval.version),
    ];
    let said = [
        ("countersign.vote.answer", &approval.decision),
        ("countersign.vote.method", &approval.method),
        ("countersign.vote.channel", &approval.channel),
    ];
    found.extend(said.into_iter().filter_map(|(key, value)| Some(text(key, value.as_deref()?))));
    found
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: u64) -> KeyValue {
    attribute(key, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn texts(key: &str, values: &[String]) -> KeyValue {
    let value = |text: &String| AnyValue { value: Some(Value::StringValue(text.clone())) };
    attribute(key, Value::ArrayValue(ArrayValue { values: values.iter().map(value).collect() }))
}

#[cfg(test)]
mod tests;
