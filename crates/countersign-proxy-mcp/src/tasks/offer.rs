//! Who may ask for a task, of which calls, and who is told so?

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Dialect;
use crate::catalog::Tool;
use crate::codec::{Answer, Kind, Message, View, graft, scan};
use crate::mirror::{META_CAPABILITIES, TASKS_VERSION};
use crate::session::{Era, Session, Settled};

/// The extension's name.
pub(crate) const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// What a call of a tool asks for.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// An answer.
    Answer,
    /// An answer, or a task of the gateway when people have to be asked.
    AnswerOrTask(Dialect),
    /// A task, which the upstream does not make: the call without that wish, and how long the task shall live.
    Task(Message, Option<Duration>),
    /// Nothing that can be understood.
    Malformed(String),
}

/// The form of tasks that a session can use.
pub(crate) fn dialect(session: &Session) -> Option<Dialect> {
    match session.era {
        Era::Stateless => Some(Dialect::Extension),
        Era::Sessions => session.settled().filter(|settled| offers(settled)).map(|_| Dialect::Sessions),
    }
}

fn offers(settled: &Settled) -> bool {
    settled.version == TASKS_VERSION && settled.has_tools
}

/// Whether this request's client takes tasks.
pub(super) fn declares(message: &Message) -> bool {
    let extensions = message.meta(META_CAPABILITIES).and_then(|all| all.get("extensions"));
    extensions.and_then(|all| all.get(EXTENSION)).is_some_and(|settings| settings.kind() == Kind::Object)
}

/// What this call of a tool asks for.
pub(crate) fn wanted(session: &Session, message: &Message, tool: Option<&Tool>) -> Wanted {
    match dialect(session) {
        Some(Dialect::Extension) if declares(message) => Wanted::AnswerOrTask(Dialect::Extension),
        Some(Dialect::Sessions) => in_session(session, message, tool),
        Some(Dialect::Extension) | None => Wanted::Answer,
    }
}

fn in_session(session: &Session, message: &Message, tool: Option<&Tool>) -> Wanted {
    let Some(task) = message.param("task") else { return Wanted::Answer };
    let ttl = match (task.kind(), task.get("ttl").map(|ttl| ttl.raw().parse())) {
        (Kind::Object, None) => None,
        // What is said to be unlimited gets as much as there is.
        (Kind::Object, Some(Err(_))) if task.get("ttl").is_some_and(|ttl| ttl.kind() == Kind::Null) => None,
        (Kind::Object, Some(Ok(ttl))) => Some(Duration::from_millis(ttl)),
        _ => return Wanted::Malformed("`params.task` is not of the form {\"ttl\": milliseconds}".to_owned()),
    };
    let by_upstream = session.settled().is_some_and(|settled| settled.makes_tasks);
    if by_upstream && tool.is_some_and(|tool| tool.makes_tasks) {
        return Wanted::AnswerOrTask(Dialect::Sessions);
    }
    // The wish is the gateway's to fulfil. It is cut out before the call is digested, so that what people see, what
    // the digest covers and what is sent stay the same bytes.
    match message.without("task") {
        Some(Ok(plain)) => Wanted::Task(plain, ttl),
        Some(Err(malformed)) => Wanted::Malformed(malformed.to_string()),
        None => Wanted::Answer,
    }
}

/// What the upstream said at `initialize`. `None` when it settled on no version.
pub(crate) fn settled(result: &str) -> Option<Settled> {
    let nodes = scan(result).ok()?;
    let root = View::root(result, &nodes);
    let capabilities = root.get("capabilities");
    let tasks = capabilities.and_then(|all| all.get("tasks"));
    let calls = tasks.and_then(|tasks| tasks.get("requests")).and_then(|requests| requests.get("tools"));
    Some(Settled {
        version: root.get("protocolVersion")?.string()?.into_owned(),
        has_tools: capabilities.is_some_and(|all| all.get("tools").is_some()),
        makes_tasks: calls.is_some_and(|tools| tools.get("call").is_some()),
    })
}

/// The result of `initialize` for the agent: with tasks, where the version has them.
pub(crate) fn initialized(result: &str, settled: &Settled) -> Option<String> {
    let tasks = json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } });
    let offered = offers(settled).then(|| with(result, "capabilities", json!({ "tasks": tasks })))?;
    offered.ok()
}

/// The answer to `server/discover` for the agent: with the extension. `None` when it stays as it is.
pub(crate) fn discovered(id: &str, answer: &Answer) -> Option<String> {
    let nodes = scan(answer.body()).ok().filter(|_| !answer.is_error())?;
    let tools = View::root(answer.body(), &nodes).get("capabilities").and_then(|all| all.get("tools"));
    let extension = json!({ "extensions": { EXTENSION: {} } });
    let result = tools.and_then(|_| with(answer.body(), "capabilities", extension).ok())?;
    Some(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}"))
}

/// A tool's definition for the agent: it can be called as a task, whoever makes the task.
pub(crate) fn tool_as_shown<'a>(session: &Session, tool: &Tool, definition: &'a str) -> Cow<'a, str> {
    let untouched = tool.makes_tasks || dialect(session) != Some(Dialect::Sessions);
    let shown = (!untouched).then(|| with(definition, "execution", json!({ "taskSupport": "optional" })));
    shown.and_then(Result::ok).map_or(Cow::Borrowed(definition), Cow::Owned)
}

fn with(text: &str, key: &str, value: Value) -> Result<String, crate::codec::Malformed> {
    graft(text, &Map::from_iter([(key.to_owned(), value)]))
}
