//! How do members get into an object of somebody else while the rest stays as it was written?

use std::ops::Range;

use serde_json::{Map, Value};

use super::scan::{Kind, Malformed, View, scan};

/// `text`, an object, with `members` in it: objects are joined, other values take the place of what was there.
pub(crate) fn graft(text: &str, members: &Map<String, Value>) -> Result<String, Malformed> {
    let nodes = scan(text, depth(members))?;
    let mut edits = Vec::new();
    join(View::root(text, &nodes), members, &mut edits);
    let mut out = String::with_capacity(text.len() + 128);
    let mut from = 0;
    edits.sort_unstable_by_key(|(span, _)| span.start);
    for (span, with) in edits {
        out.push_str(text.get(from..span.start).unwrap_or_default());
        out.push_str(&with);
        from = span.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Ok(out)
}

fn depth(members: &Map<String, Value>) -> usize {
    1 + members.values().filter_map(Value::as_object).map(depth).max().unwrap_or_default()
}

fn join(object: View<'_>, members: &Map<String, Value>, edits: &mut Vec<(Range<usize>, String)>) {
    let mut new = Map::new();
    for (key, value) in members {
        match (object.get(key), value) {
            (Some(there), Value::Object(inner)) if there.kind() == Kind::Object => join(there, inner, edits),
            (Some(there), _) => edits.push((there.span(), value.to_string())),
            (None, _) => {
                new.insert(key.clone(), value.clone());
            }
        }
    }
    if new.is_empty() {
        return;
    }
    let written = Value::Object(new).to_string();
    let inner = written.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let comma = if object.children().next().is_some() { "," } else { "" };
    let at = object.span().start + 1;
    edits.push((at..at, format!("{inner}{comma}")));
}
