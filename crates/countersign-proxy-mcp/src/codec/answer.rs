//! What did the upstream say? Its messages, checked at the outside and otherwise left as they are.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::scan::{Malformed, Node, View, scan};
use super::{Kind, frame};

/// One message from an upstream. Only the outer two levels are indexed: results are relayed, not understood.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    text: String,
    nodes: Vec<Node>,
}

/// The envelope, params and `_meta` of a message; deeper values are only checked for grammar.
const KEEP: usize = 3;

impl Incoming {
    /// Reads one message of an upstream.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, Malformed> {
        let text = String::from_utf8(bytes).map_err(|error| Malformed::NotUtf8(error.utf8_error()))?;
        let nodes = scan(&text, KEEP)?;
        let incoming = Self { text, nodes };
        if incoming.root().kind() != Kind::Object {
            return Err(Malformed::NotRpc("it is not an object"));
        }
        Ok(incoming)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn root(&self) -> View<'_> {
        View::root(&self.text, &self.nodes)
    }

    pub(crate) fn id(&self) -> Option<View<'_>> {
        self.root().get("id").filter(|id| matches!(id.kind(), Kind::String | Kind::Number))
    }

    pub(crate) fn method(&self) -> Option<String> {
        Some(self.root().get("method")?.string()?.into_owned())
    }

    /// A number that we sent as an id or token and that came back.
    pub(crate) fn correlator(view: View<'_>) -> Option<u64> {
        let raw = view.raw();
        raw.trim_matches('"').parse().ok()
    }

    /// The answer in this message, when it is one.
    pub(crate) fn into_answer(self) -> Option<Answer> {
        let root = self.root();
        let (body, error) = match (root.get("result"), root.get("error")) {
            (Some(result), None) => (result, false),
            (None, Some(error)) => (error, true),
            _ => return None,
        };
        let tool_error = body.get("isError").and_then(|flag| flag.bool()).unwrap_or(false);
        let code = body.get("code").filter(|_| error).and_then(|code| code.raw().parse().ok());
        let body = body.span();
        Some(Answer { body, error, tool_error, code, text: self.text })
    }
}

/// What a kept `{"result":…}` or `{"error":…}` says about itself.
#[derive(Debug, Default)]
pub(crate) struct Kept<'a> {
    /// The result, as it was written.
    pub(crate) result: Option<&'a str>,
    /// What kind of result it is, where the version has kinds.
    kind: Option<String>,
    /// Whether it carries requests for input, whatever it calls itself; the state of a task does.
    inputs: bool,
    /// The task that the upstream made of the request.
    pub(crate) task: Option<String>,
    /// Whether the result is nothing but the handle of that task.
    pub(crate) is_handle: bool,
}

impl<'a> Kept<'a> {
    /// Reads what was kept; nothing may have been.
    pub(crate) fn read(kept: &'a [u8]) -> Result<Self, Malformed> {
        if kept.is_empty() {
            return Ok(Self::default());
        }
        let text = std::str::from_utf8(kept).map_err(Malformed::NotUtf8)?;
        let nodes = scan(text, KEEP)?;
        let Some(result) = View::root(text, &nodes).get("result") else { return Ok(Self::default()) };
        let word = |view: Option<View<'_>>| view.and_then(|view| view.string()).map(Cow::into_owned);
        let inputs = result.get("inputRequests").is_some();
        let made = result.get("task").and_then(|task| task.get("taskId"));
        let kind = word(result.get("resultType"));
        Ok(Self {
            result: text.get(result.span()),
            is_handle: made.is_some() || kind.as_deref() == Some("task"),
            kind,
            inputs,
            task: word(made.or_else(|| result.get("taskId"))),
        })
    }

    /// Whether the upstream asks the client for input before it goes on.
    pub(crate) fn wants_input(&self) -> bool {
        self.inputs || self.kind.as_deref() == Some("input_required")
    }
}

/// The upstream's answer to one request.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    text: String,
    body: Range<usize>,
    error: bool,
    tool_error: bool,
    code: Option<i64>,
}

impl Answer {
    /// The value of `result` or `error`, as it was written.
    pub(crate) fn body(&self) -> &str {
        self.text.get(self.body.clone()).unwrap_or_default()
    }

    /// Whether it is a JSON-RPC error.
    pub(crate) fn is_error(&self) -> bool {
        self.error
    }

    /// The code of a JSON-RPC error.
    pub(crate) fn code(&self) -> Option<i64> {
        self.code
    }

    /// Whether it is a tool's result that says `isError`.
    pub(crate) fn is_tool_error(&self) -> bool {
        self.tool_error
    }

    /// `{"result":…}` or `{"error":…}`: what the gate keeps and what any later call is answered with.
    pub(crate) fn keepable(&self) -> Bytes {
        let word = if self.error { "error" } else { "result" };
        Bytes::from(frame::member(word, self.body()))
    }
}
