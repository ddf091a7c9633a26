//! How does an entry read in the Common Event Format? A line of flat fields: it holds less than the leaf, and longer
//! texts are cut.

use std::fmt::Write as _;

use crate::meaning::{self, Severity};
use crate::{Entry, PRODUCT, VERSION};

/// Longer values are cut, as receivers would.
const VALUE_MAX_CHARS: usize = 1023;

pub(crate) fn line(entry: &Entry) -> String {
    let kind = entry.leaf.kind;
    let head = [PRODUCT, PRODUCT, VERSION, kind.word(), meaning::title(kind)].map(header_text).join("|");
    let severity = match meaning::severity(entry) {
        Severity::Informational => 3,
        Severity::Low => 5,
        Severity::Medium => 6,
    };
    let mut line = format!("CEF:0|{head}|{severity}|");
    let fields = fields(entry).into_iter().filter(|(_, value)| !value.is_empty());
    for (at, (key, value)) in fields.enumerate() {
        let blank = if at == 0 { "" } else { " " };
        let _written = write!(line, "{blank}{key}={}", value_text(&value));
    }
    line
}

/// The fields in order. Keys are letters and digits only; empty values are left out.
fn fields(entry: &Entry) -> Vec<(String, String)> {
    let leaf = &entry.leaf;
    let review = leaf.approval.as_ref().map(|approval| approval.request.clone());
    let answer = leaf.approval.as_ref().and_then(|approval| approval.decision.clone());
    let rules = leaf.policy.as_ref().map(|policy| policy.rules.join(","));
    let tool = leaf.action.as_ref().map(|action| action.tool.clone());
    let mut fields: Vec<(String, String)> = [
        ("rt", entry.millis().to_string()),
        ("externalId", leaf.id.clone()),
        ("deviceExternalId", leaf.node.clone()),
        ("suid", leaf.actor.id.clone()),
        ("sourceServiceName", leaf.actor.kind.word().to_owned()),
        ("act", meaning::disposition(entry).map(|what| what.word().to_owned()).unwrap_or_default()),
        ("reason", answer.unwrap_or_default()),
        ("outcome", leaf.result.as_ref().map(|result| result.status.clone()).unwrap_or_default()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    labelled(&mut fields, "cn1", "index", Some(entry.index.to_string()));
    labelled(&mut fields, "cs1", "log", Some(entry.log.clone()));
    labelled(&mut fields, "cs2", "leafHash", Some(entry.hash.clone()));
    labelled(&mut fields, "cs3", "case", Some(leaf.case.clone()));
    labelled(&mut fields, "cs4", "review", review);
    labelled(&mut fields, "cs5", "policies", rules);
    labelled(&mut fields, "cs6", "operation", tool);
    for (name, value) in &entry.content {
        fields.push((content_key(name), value.clone()));
    }
    fields
}

fn labelled(fields: &mut Vec<(String, String)>, key: &str, label: &str, value: Option<String>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        fields.push((key.to_owned(), value));
        fields.push((format!("{key}Label"), label.to_owned()));
    }
}

/// `pending_until` is `CountersignContentPendingUntil`.
fn content_key(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut key = "CountersignContent".to_owned();
    for word in words {
        let mut letters = word.chars();
        key.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        key.push_str(letters.as_str());
    }
    key
}

fn header_text(text: &str) -> String {
    escaped(text, '|', |_| " ".to_owned())
}

fn value_text(text: &str) -> String {
    let cut: String = text.chars().take(VALUE_MAX_CHARS).collect();
    escaped(&cut, '=', |letter| match letter {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        _ => " ".to_owned(),
    })
}

/// `separator` and the backslash behind a backslash; what could end a line as `control` says.
fn escaped(text: &str, separator: char, control: impl Fn(char) -> String) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter == '\\' || letter == separator {
            safe.extend(['\\', letter]);
        } else if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') {
            safe.push_str(&control(letter));
        } else {
            safe.push(letter);
        }
    }
    safe
}

#[cfg(test)]
mod tests;
