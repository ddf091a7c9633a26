//! How does an entry read as a line of JSON? The leaf's own bytes, so that a reader can hash them again, beside its
//! place in the log.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{Entry, EntryError};

#[derive(Serialize)]
struct Line<'a> {
    log: &'a str,
    index: u64,
    leaf_hash: &'a str,
    leaf: Box<RawValue>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    content: &'a BTreeMap<String, String>,
}

pub(crate) fn line(entry: &Entry) -> Result<String, EntryError> {
    let failed = |source| EntryError::Write { index: entry.index, source };
    let line = Line {
        log: &entry.log,
        index: entry.index,
        leaf_hash: &entry.hash,
        leaf: RawValue::from_string(entry.text.clone()).map_err(failed)?,
        content: &entry.content,
    };
    Ok(one_line(&serde_json::to_string(&line).map_err(failed)?))
}

/// JSON escapes line feeds by itself, but not the other characters at which some readers break lines. They can only
/// stand in texts, where the escape means the same.
pub(crate) fn one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                line.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            _ => line.push(letter),
        }
    }
    line
}

#[cfg(test)]
mod tests;
