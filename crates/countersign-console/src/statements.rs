//! Which SQL would run, with which parameters? Read out of a database message, so that people needn't read JSON.
//!
//! What is read here is drawn above the bytes and never instead of them. Where the message leaves any doubt, nothing
//! is read and the bytes speak alone.

use crate::json_tree::{self, Member, Node};

/// The protocols whose messages hold statements. A message of another protocol that happens to look alike gets no
/// such view: an agent could write `statements` into it to draw the eye away from what it really asks.
const PROTOCOLS: [&str; 1] = ["postgres"];

/// More values than the database proxy lets through, with a type for each.
const PARTS_MAX: usize = 65_536;

/// The statements of one message, in the order in which they would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statements {
    /// Each of them; never empty.
    pub list: Vec<Statement>,
    /// Whatever else the message says, as names and JSON texts.
    pub other: Vec<(String, String)>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What is run.
    pub sql: Sql,
    /// The values of `$1`, `$2` and so on.
    pub parameters: Vec<Parameter>,
    /// Whatever else is said about it, as names and JSON texts.
    pub other: Vec<(String, String)>,
}

/// What a statement runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sql {
    /// This text, whole.
    Text(String),
    /// Whatever was prepared under this name, in a way that the gateway didn't see.
    Prepared(String),
}

/// The value of one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// SQL's NULL.
    Null,
    /// As text.
    Text(String),
    /// In the type's binary form, as hexadecimal digits.
    Binary(String),
    /// Some other JSON value, as JSON.
    Json(String),
}

impl Statements {
    /// The statements in the payload of an action on a resource of this protocol. `None` for other protocols, and for
    /// a message that is not clear: keys that stand twice, texts that are missing, or too many parts.
    pub fn of(protocol: &str, payload: &[u8]) -> Option<Self> {
        if !PROTOCOLS.contains(&protocol) {
            return None;
        }
        let message = json_tree::parse_up_to(std::str::from_utf8(payload).ok()?, PARTS_MAX)?;
        if message.has_duplicates() {
            return None;
        }
        let Node::Object(members) = &message else { return None };
        let Some(Node::Array(items)) = message.only("statements") else { return None };
        let list: Vec<Statement> = items.iter().map(statement).collect::<Option<_>>()?;
        let other = rest(members, &["statements"]);
        (!list.is_empty()).then_some(Self { list, other })
    }
}

fn statement(node: &Node) -> Option<Statement> {
    let Node::Object(members) = node else { return None };
    let sql = match (node.only("text"), node.only("prepared")) {
        (Some(Node::Text(text)), None) => Sql::Text(text.clone()),
        (None, Some(Node::Text(name))) => Sql::Prepared(name.clone()),
        _ => return None,
    };
    let parameters = match node.only("parameters") {
        None => Vec::new(),
        Some(Node::Array(values)) => values.iter().map(parameter).collect(),
        Some(_) => return None,
    };
    Some(Statement { sql, parameters, other: rest(members, &["text", "prepared", "parameters"]) })
}

fn parameter(node: &Node) -> Parameter {
    match node {
        Node::Text(text) => Parameter::Text(text.clone()),
        Node::Word(word) if word == "null" => Parameter::Null,
        Node::Object(members) => match members.as_slice() {
            [Member { key, value: Node::Text(hex), .. }] if key == "binary" => Parameter::Binary(hex.clone()),
            // What the bytes say, where the gateway knew their type.
            [_, _] => match (node.only("binary"), node.only("value")) {
                (Some(Node::Text(_)), Some(value)) => parameter(value),
                _ => Parameter::Json(node.compact()),
            },
            _ => Parameter::Json(node.compact()),
        },
        Node::Array(_) | Node::Number(_) | Node::Word(_) | Node::Raw(_) => Parameter::Json(node.compact()),
    }
}

fn rest(members: &[Member], known: &[&str]) -> Vec<(String, String)> {
    members
        .iter()
        .filter(|member| !known.contains(&member.key.as_str()))
        .map(|member| (member.key.clone(), member.value.compact()))
        .collect()
}

#[cfg(test)]
mod tests;
