//! Where do links lead? Addresses with their variable parts escaped.

use countersign_core::{AuditQuery, Query};

/// `text` with everything but unreserved characters percent-encoded.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The list at `path` with this query, from `cursor` on.
pub(crate) fn list(path: &str, query: &Query, cursor: Option<u64>) -> String {
    let mut pairs: Vec<(&str, String)> =
        query.states.iter().map(|state| ("state", state.word().to_owned())).collect();
    let texts = [
        ("decision", &query.decision),
        ("resource", &query.resource),
        ("agent", &query.agent),
        ("operation", &query.operation),
        ("q", &query.text),
    ];
    pairs.extend(texts.into_iter().filter_map(|(key, value)| value.clone().map(|value| (key, value))));
    pairs.extend(query.verb.map(|verb| ("verb", verb.word().to_owned())));
    pairs.extend(query.from.map(|at| ("from", at.to_string())));
    pairs.extend(query.until.map(|at| ("until", at.to_string())));
    pairs.extend(cursor.map(|cursor| ("cursor", cursor.to_string())));
    joined(path, &pairs)
}

/// The ledger's entries at `path` with this query, behind the entry `cursor`.
pub(crate) fn audit(path: &str, query: &AuditQuery, cursor: Option<u64>) -> String {
    let texts = [
        ("kind", &query.kind),
        ("case", &query.case),
        ("actor", &query.actor),
        ("resource", &query.resource),
        ("agent", &query.agent),
    ];
    let mut pairs: Vec<(&str, String)> =
        texts.into_iter().filter_map(|(key, value)| value.clone().map(|value| (key, value))).collect();
    pairs.extend(query.from.map(|at| ("from", at.to_string())));
    pairs.extend(query.until.map(|at| ("until", at.to_string())));
    pairs.extend(cursor.map(|cursor| ("cursor", cursor.to_string())));
    joined(path, &pairs)
}

fn joined(path: &str, pairs: &[(&str, String)]) -> String {
    let query: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}
