//! What does this JSON say, exactly? A tree that keeps number spelling, key order and duplicate keys.
//!
//! `serde_json::Value` would round numbers, drop the first of two equal keys and reorder the rest; a reviewer must
//! see what the upstream will parse, so every level is read as raw text.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Object(Vec<Member>),
    Array(Vec<Self>),
    /// A string, unescaped.
    Text(String),
    /// A number as it was written.
    Number(String),
    /// `true`, `false` or `null`.
    Word(String),
    /// JSON that isn't taken apart: too deep, or a string that is not Unicode text.
    Raw(String),
}

/// One key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) value: Node,
    /// The same key stands in the object more than once; parsers disagree on which one counts.
    pub(crate) duplicate: bool,
}

/// Deeper levels are shown as text.
const DEPTH_MAX: usize = 32;
/// Larger trees help nobody; the bytes are shown instead.
const NODES_MAX: usize = 5000;

/// The tree of a JSON text; `None` when it isn't JSON or has too many parts.
pub(crate) fn parse(text: &str) -> Option<Node> {
    parse_up_to(text, NODES_MAX)
}

/// The same for a tree of at most so many parts.
pub(crate) fn parse_up_to(text: &str, parts: usize) -> Option<Node> {
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    let mut left = parts;
    read(raw, 0, &mut left)
}

impl Node {
    /// The value under `key`, when that is unambiguous.
    pub(crate) fn only(&self, key: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|member| member.key == key && !member.duplicate).map(|member| &member.value)
    }

    /// Whether some key stands twice somewhere in here.
    pub(crate) fn has_duplicates(&self) -> bool {
        match self {
            Self::Object(members) => {
                members.iter().any(|member| member.duplicate || member.value.has_duplicates())
            }
            Self::Array(items) => items.iter().any(Self::has_duplicates),
            Self::Text(_) | Self::Number(_) | Self::Word(_) | Self::Raw(_) => false,
        }
    }

    /// As JSON on one line, with numbers and order as they were written.
    pub(crate) fn compact(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            Self::Object(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|member| format!("{}:{}", quoted(&member.key), member.value.compact()))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
            Self::Array(items) => {
                format!("[{}]", items.iter().map(Self::compact).collect::<Vec<_>>().join(","))
            }
            Self::Text(text) => quoted(text),
            Self::Number(text) | Self::Word(text) | Self::Raw(text) => text.clone(),
        }
    }
}

fn read(raw: &RawValue, depth: usize, left: &mut usize) -> Option<Node> {
    *left = left.checked_sub(1)?;
    let text = raw.get();
    if depth > DEPTH_MAX {
        return Some(Node::Raw(text.to_owned()));
    }
    let deeper = depth.saturating_add(1);
    match text.bytes().next()? {
        b'{' => match serde_json::from_str::<Members<'_>>(text) {
            Ok(Members(members)) => object(members, deeper, left),
            Err(_) => Some(Node::Raw(text.to_owned())),
        },
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            items.into_iter().map(|item| read(item, deeper, left)).collect::<Option<_>>().map(Node::Array)
        }
        b'"' => Some(serde_json::from_str(text).map_or_else(|_| Node::Raw(text.to_owned()), Node::Text)),
        b't' | b'f' | b'n' => Some(Node::Word(text.to_owned())),
        _ => Some(Node::Number(text.to_owned())),
    }
}

fn object(members: Vec<(String, &RawValue)>, depth: usize, left: &mut usize) -> Option<Node> {
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for (key, _) in &members {
        let count = seen.entry(key.clone()).or_default();
        *count = count.saturating_add(1);
    }
    members
        .into_iter()
        .map(|(key, value)| {
            let duplicate = seen.get(&key).is_some_and(|count| *count > 1);
            Some(Member { value: read(value, depth, left)?, key, duplicate })
        })
        .collect::<Option<_>>()
        .map(Node::Object)
}

/// The members of one object in order, with doubles.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<String, &RawValue>()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests;
