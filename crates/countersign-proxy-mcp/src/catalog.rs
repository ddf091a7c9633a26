//! Which tools does the upstream list, and how does it define them? Known before any call is judged.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use countersign_core::{Digest, Timestamp, Verb};

use crate::codec::{Kind, View};
use crate::decode::ToolFacts;
use crate::pins::Pin;

/// One tool as the upstream defines it.
#[derive(Debug, Clone)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) pin: Pin,
    /// What its annotations add.
    pub(crate) raised: Vec<Verb>,
    /// Parameters that 2026-07-28 clients repeat in headers, with their paths.
    pub(crate) header_parameters: Vec<(String, Vec<String>)>,
    /// Whether the upstream makes tasks of its calls, as 2025-11-25 has it.
    pub(crate) makes_tasks: bool,
}

impl Tool {
    pub(crate) fn facts(&self) -> ToolFacts {
        ToolFacts { definition: Some(self.pin.digest.to_string()), raised: self.raised.clone() }
    }
}

/// One page of a listing: each tool with its span, and whether more follow.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) tools: Vec<(Tool, Range<usize>)>,
    /// The span of the whole `tools` array.
    pub(crate) array: Range<usize>,
    pub(crate) next: Option<String>,
}

/// Reads one page from the strictly scanned result of `tools/list`.
pub(crate) fn read(result: View<'_>) -> Option<Listing> {
    let array = result.get("tools").filter(|tools| tools.kind() == Kind::Array)?;
    let tools = array.children().map(|view| Some((tool(view)?, view.span()))).collect::<Option<Vec<_>>>()?;
    let next = result.get("nextCursor").and_then(|next| next.string()).map(Cow::into_owned);
    Some(Listing { tools, array: array.span(), next })
}

fn tool(view: View<'_>) -> Option<Tool> {
    let name = view.get("name")?.string()?.into_owned();
    let definition = canonical(view.raw());
    let digest = Digest::of(definition.as_bytes());
    let mut header_parameters = Vec::new();
    if let Some(schema) = view.get("inputSchema") {
        mirrored(schema, &mut Vec::new(), &mut header_parameters);
    }
    let pin = Pin { digest, definition };
    Some(Tool { name, pin, raised: raised(view), header_parameters, makes_tasks: makes_tasks(view) })
}

/// RFC 8785, so that a server that writes its keys in another order defines nothing new.
fn canonical(raw: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(raw).ok();
    value.and_then(|value| json_canon::to_string(&value).ok()).unwrap_or_else(|| raw.to_owned())
}

/// What explicit annotations add. They come from the upstream, so they may raise the risk and never lower it.
fn raised(view: View<'_>) -> Vec<Verb> {
    let hint = |name| view.get("annotations").and_then(|all| all.get(name)).and_then(|hint| hint.bool());
    let raises = [
        ("destructiveHint", true, Verb::Delete),
        ("openWorldHint", true, Verb::Network),
        ("readOnlyHint", false, Verb::Write),
    ];
    raises
        .into_iter()
        .filter(|(name, value, _)| hint(name) == Some(*value))
        .map(|(_, _, verb)| verb)
        .collect()
}

fn makes_tasks(view: View<'_>) -> bool {
    let support = view.get("execution").and_then(|execution| execution.get("taskSupport"));
    matches!(support.and_then(|support| support.string()).as_deref(), Some("optional" | "required"))
}

fn mirrored(schema: View<'_>, path: &mut Vec<String>, found: &mut Vec<(String, Vec<String>)>) {
    let Some(properties) = schema.get("properties") else { return };
    for property in properties.children() {
        path.push(property.key().into_owned());
        if let Some(name) = property.get("x-mcp-header").and_then(|name| name.string()) {
            found.push((name.into_owned(), path.clone()));
        }
        mirrored(property, path, found);
        path.pop();
    }
}

/// The tools of one link.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    state: RwLock<State>,
    /// One listing at a time.
    pub(crate) listing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    listed_at: Option<Timestamp>,
    /// Counts how often the list was said to have changed.
    changes: u64,
    tools: HashMap<String, Arc<Tool>>,
}

impl Catalog {
    pub(crate) fn listed_at(&self) -> Option<Timestamp> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).listed_at
    }

    pub(crate) fn tool(&self, name: &str) -> Option<Arc<Tool>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).tools.get(name).cloned()
    }

    /// The upstream said that its list changed.
    pub(crate) fn forget(&self) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.listed_at = None;
        state.changes += 1;
    }

    /// How often the list was said to have changed.
    pub(crate) fn changes(&self) -> u64 {
        self.state.read().unwrap_or_else(PoisonError::into_inner).changes
    }

    /// Takes a complete listing that was begun after so many changes. One that came since makes it old already.
    pub(crate) fn replace(&self, tools: Vec<Tool>, now: Timestamp, changes: u64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.tools = tools.into_iter().map(|tool| (tool.name.clone(), Arc::new(tool))).collect();
        state.listed_at = (state.changes == changes).then_some(now);
    }

    /// Takes what one page shows.
    pub(crate) fn update(&self, tools: impl IntoIterator<Item = Tool>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.tools.extend(tools.into_iter().map(|tool| (tool.name.clone(), Arc::new(tool))));
    }
}

/// The pins of these tools.
pub(crate) fn pins<'a>(tools: impl IntoIterator<Item = &'a Tool>) -> BTreeMap<String, Pin> {
    tools.into_iter().map(|tool| (tool.name.clone(), tool.pin.clone())).collect()
}
