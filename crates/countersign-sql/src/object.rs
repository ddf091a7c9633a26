//! How are the objects of effects written?

use std::fmt::Write as _;

/// A program's command line or a path is shown up to this many characters.
const SHORT: usize = 120;

/// `schema.name`, each part quoted only where it must be.
pub(crate) fn qualified(schema: &str, name: &str) -> String {
    let mut text = String::with_capacity(schema.len() + name.len() + 1);
    push_part(&mut text, schema);
    text.push('.');
    push_part(&mut text, name);
    text
}

/// `schema.name()`.
pub(crate) fn function(schema: &str, name: &str) -> String {
    let mut text = qualified(schema, name);
    text.push_str("()");
    text
}

/// A name as it was written, part by part.
pub(crate) fn written<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if !text.is_empty() {
            text.push('.');
        }
        push_part(&mut text, part);
    }
    text
}

/// `kind:name`, shortened.
pub(crate) fn named(kind: &str, name: &str) -> String {
    let mut text = String::with_capacity(kind.len() + name.len() + 1);
    text.push_str(kind);
    text.push(':');
    text.extend(name.chars().take(SHORT));
    if name.chars().nth(SHORT).is_some() {
        let _written = write!(text, "… ({} bytes)", name.len());
    }
    text
}

/// Quotes a part when it holds anything but letters, digits, `_`, `$` and `-`: a dot inside of a name must not look
/// like the dot between two names.
fn push_part(text: &mut String, part: &str) {
    let plain = !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-'));
    if plain {
        text.push_str(part);
        return;
    }
    text.push('"');
    text.push_str(&part.replace('"', "\"\""));
    text.push('"');
}

/// `"schema"."name"` for a query.
pub(crate) fn sql(schema: &str, name: &str) -> String {
    format!("{}.{}", identifier(schema), identifier(name))
}

/// `"name"` for a query.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
