//! How is a message put together from parts that are kept as they are?

use std::ops::Range;

use serde_json::Value;

/// `text` with each span replaced, and line breaks (which can stand only between tokens of strict JSON) as spaces.
pub(crate) fn splice<'a>(text: &str, edits: impl IntoIterator<Item = (Range<usize>, &'a str)>) -> String {
    let mut edits: Vec<(Range<usize>, &str)> = edits.into_iter().collect();
    edits.sort_unstable_by_key(|(span, _)| span.start);
    let mut out = String::with_capacity(text.len() + 32);
    let mut from = 0;
    for (span, with) in edits {
        push_line(&mut out, text.get(from..span.start).unwrap_or_default());
        out.push_str(with);
        from = span.end;
    }
    push_line(&mut out, text.get(from..).unwrap_or_default());
    out
}

/// `text` on one line.
pub(crate) fn one_line(text: &str) -> String {
    splice(text, [])
}

fn push_line(out: &mut String, part: &str) {
    if part.contains(['\n', '\r']) {
        out.extend(part.chars().map(|letter| if matches!(letter, '\n' | '\r') { ' ' } else { letter }));
    } else {
        out.push_str(part);
    }
}

/// `{"word":raw}`.
pub(crate) fn member(word: &str, raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() + word.len() + 5);
    for part in ["{\"", word, "\":", raw, "}"] {
        out.push_str(part);
    }
    out
}

/// A kept `{"result":…}` or `{"error":…}` as the answer to the request with this id. `None` when it is not one.
pub(crate) fn reframe(id: &str, kept: &[u8]) -> Option<String> {
    let inner = std::str::from_utf8(kept).ok()?.strip_prefix('{')?;
    let mut out = String::with_capacity(inner.len() + id.len() + 24);
    for part in ["{\"jsonrpc\":\"2.0\",\"id\":", id, ",", inner] {
        out.push_str(part);
    }
    (inner.starts_with("\"result\"") || inner.starts_with("\"error\"")).then_some(out)
}

/// A result made here.
pub(crate) fn result(id: &str, value: &Value) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{value}}}")
}

/// An error made here; `id` is `null` when the request's could not be read.
pub(crate) fn error(id: &str, code: i32, message: &str, data: Option<Value>) -> String {
    let mut error = serde_json::json!({ "code": code, "message": message });
    if let (Some(data), Some(object)) = (data, error.as_object_mut()) {
        object.insert("data".to_owned(), data);
    }
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}")
}
