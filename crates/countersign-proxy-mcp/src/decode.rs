//! What would this message do? From one message to the draft of an action.

mod arguments;
mod effects;

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_core::{Draft, Effects, Principal, Resource, TooManyEffects, Verb};

use crate::codec::Message;

pub(crate) use effects::Rules;

/// Longer claimed reasons are cut.
const CLAIM_MAX_CHARS: usize = 2000;

/// What a message needs before it may be sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: it has no effect on the resource.
    Upkeep,
    /// The gate's judgement.
    Judgement,
}

/// Methods of the protocol's own upkeep. Everything that stands neither here nor in the rules is `unknown`.
const UPKEEP: [&str; 15] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/unsubscribe",
    "logging/setLevel",
    "tasks/get",
    "tasks/list",
    "tasks/result",
    "tasks/cancel",
    "notifications/initialized",
    "subscriptions/listen",
];

/// Whether a request of this kind is judged.
pub(crate) fn need(rules: &Rules, message: &Message) -> Need {
    let method = message.method();
    let watches = method == "subscriptions/listen" && !effects::watched(message).is_empty();
    if rules.overrides(method) || watches || !UPKEEP.contains(&method) {
        Need::Judgement
    } else {
        Need::Upkeep
    }
}

/// What is known about the tool that a call names.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToolFacts {
    /// Digest of its definition; `None` when the upstream does not list it.
    pub(crate) definition: Option<String>,
    /// What the server's annotations add. They can only raise.
    pub(crate) raised: Vec<Verb>,
}

/// The fact that a call depends on beside its bytes.
pub(crate) const DEFINITION_FACT: &str = "tool definition";

/// The action that this message would be.
pub(crate) fn draft(
    resource: &Resource,
    principal: Principal,
    rules: &Rules,
    message: &Message,
    tool: Option<&ToolFacts>,
    reason: Option<String>,
) -> Result<Draft, TooManyEffects> {
    let name = message.name().unwrap_or_default();
    let operation = match message.method() {
        "tools/call" => format!("tools/call {name}"),
        method => method.to_owned(),
    };
    let root = match message.method() {
        "tools/call" | "prompts/get" => message.param("arguments"),
        _ => message.root().get("params"),
    };
    let flat = arguments::flatten(root);
    let effects = effects::of(rules, message, tool, &flat)?;
    let definition = tool.map(|tool| tool.definition.clone().unwrap_or_else(|| "not listed".to_owned()));
    Ok(Draft {
        resource: resource.clone(),
        principal,
        operation,
        effects,
        payload: message.text().as_bytes().to_vec(),
        sameness: message.sameness(),
        arguments: flat.arguments,
        facts: definition.map(|digest| (DEFINITION_FACT.to_owned(), digest)).into_iter().collect(),
        preview: None,
        claim: claim(message, reason),
    })
}

fn claim(message: &Message, header: Option<String>) -> Option<String> {
    let said = message.meta("countersign/reason").and_then(|reason| reason.string());
    let said = header.or_else(|| said.map(std::borrow::Cow::into_owned))?;
    Some(said.chars().take(CLAIM_MAX_CHARS).collect())
}

/// A call of the tool without arguments and with only those effects that no argument can change, to ask whether
/// it could ever pass. `None` when every effect depends on the arguments.
pub(crate) fn bare_call(
    resource: &Resource,
    principal: &Principal,
    rules: &Arc<Rules>,
    tool: &str,
    facts: &ToolFacts,
) -> Option<Draft> {
    let fixed = effects::fixed(rules, tool, facts);
    (!fixed.is_empty()).then_some(())?;
    Some(Draft {
        resource: resource.clone(),
        principal: principal.clone(),
        operation: format!("tools/call {tool}"),
        effects: Effects::new(fixed, tool).ok()?,
        payload: Vec::new(),
        sameness: countersign_core::Digest::of(b""),
        arguments: BTreeMap::new(),
        facts: BTreeMap::new(),
        preview: None,
        claim: None,
    })
}

#[cfg(test)]
mod tests;
