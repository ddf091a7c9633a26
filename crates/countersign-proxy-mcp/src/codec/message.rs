//! Which message did the agent send? One JSON-RPC message as received, with the spans that matter.

use std::borrow::Cow;
use std::ops::Range;

use countersign_core::{Digest, DigestWriter};

use super::scan::{DEPTH_MAX, Malformed, Node, View, scan};
use super::{Kind, splice};

/// The three shapes of a JSON-RPC message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Request,
    Notification,
    Response,
}

/// One message as received.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    text: String,
    nodes: Vec<Node>,
    shape: Shape,
    method: String,
    id: Option<Range<usize>>,
    token: Option<Range<usize>>,
}

/// Longer names of methods are refused.
const METHOD_BYTES_MAX: usize = 128;

/// Keys that Go's and other case-blind decoders would take for these.
const ENVELOPE: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
const PARAMS: [&str; 7] = ["name", "arguments", "uri", "_meta", "task", "taskId", "requestId"];

impl Message {
    /// Reads one message.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, Malformed> {
        let text = String::from_utf8(bytes).map_err(|error| Malformed::NotUtf8(error.utf8_error()))?;
        let nodes = scan(&text, DEPTH_MAX)?;
        let root = View::root(&text, &nodes);
        match root.kind() {
            Kind::Object => {}
            Kind::Array => return Err(Malformed::Batch),
            _ => return Err(Malformed::NotRpc("it is not an object")),
        }
        if root.get("jsonrpc").and_then(|value| value.string()).as_deref() != Some("2.0") {
            return Err(Malformed::NotRpc("`jsonrpc` is not \"2.0\""));
        }
        exact_keys(root, &ENVELOPE)?;
        let id = root.get("id");
        if id.is_some_and(|id| !matches!(id.kind(), Kind::String | Kind::Number)) {
            return Err(Malformed::NotRpc("`id` is neither a string nor a number"));
        }
        let method = match root.get("method") {
            Some(method) => Some(method.string().ok_or(Malformed::NotRpc("`method` is not a string"))?),
            None => None,
        };
        if method.as_deref().is_some_and(|method| !is_plain(method)) {
            return Err(Malformed::NotRpc(
                "`method` has other characters than letters, digits, `/`, `_`, `-` and `.`",
            ));
        }
        let params = root.get("params");
        if let Some(params) = params {
            if params.kind() != Kind::Object {
                return Err(Malformed::NotRpc("`params` is not an object"));
            }
            exact_keys(params, &PARAMS)?;
        }
        let answers = root.get("result").is_some() || root.get("error").is_some();
        let shape = match (&method, id.is_some(), answers) {
            (Some(_), true, false) => Shape::Request,
            (Some(_), false, false) => Shape::Notification,
            (None, true, true) => Shape::Response,
            _ => return Err(Malformed::NotRpc("it is neither a request, a notification nor a response")),
        };
        let token = params.and_then(|params| params.get("_meta")).and_then(|meta| meta.get("progressToken"));
        let (id, token) = (id.map(|id| id.span()), token.map(|token| token.span()));
        let method = method.map(Cow::into_owned).unwrap_or_default();
        Ok(Self { shape, method, id, token, text, nodes })
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// Empty for a response.
    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// The exact text received.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The id as it was written.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.clone().and_then(|span| self.text.get(span))
    }

    /// The progress token as it was written.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.clone().and_then(|span| self.text.get(span))
    }

    pub(crate) fn root(&self) -> View<'_> {
        View::root(&self.text, &self.nodes)
    }

    /// A member of `params`.
    pub(crate) fn param(&self, key: &str) -> Option<View<'_>> {
        self.root().get("params")?.get(key)
    }

    /// A member of `params._meta`.
    pub(crate) fn meta(&self, key: &str) -> Option<View<'_>> {
        self.param("_meta")?.get(key)
    }

    /// What the `Mcp-Name` header must repeat: `params.name` or `params.uri`, by method.
    pub(crate) fn name(&self) -> Option<Cow<'_, str>> {
        match self.method.as_str() {
            "tools/call" | "prompts/get" => self.param("name")?.string(),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => self.param("uri")?.string(),
            _ => None,
        }
    }

    /// What the `Mcp-Name` header must repeat if it is there: [`Message::name`], or the task of a `tasks/…` request.
    pub(crate) fn routed(&self) -> Option<Cow<'_, str>> {
        match self.method.as_str() {
            "tasks/get" | "tasks/update" | "tasks/cancel" => self.param("taskId")?.string(),
            _ => self.name(),
        }
    }

    /// The message without this member of `params`, otherwise byte for byte. `None` when there is no such member.
    pub(crate) fn without(&self, key: &str) -> Option<Result<Self, Malformed>> {
        let cut = self.root().get("params")?.member(key)?;
        let before = self.text.get(..cut.start)?;
        let after = self.text.get(cut.end..)?;
        Some(Self::parse([before, after].concat().into_bytes()))
    }

    /// The message with our own id and progress token, on one line, otherwise byte for byte. Line breaks can stand
    /// only between JSON tokens, where a space means the same; stdio needs one line per message.
    pub(crate) fn spliced(&self, correlator: &str) -> String {
        let edits = [self.id.clone(), self.token.clone()];
        splice(&self.text, edits.into_iter().flatten().map(|span| (span, correlator)))
    }

    /// The same for another span besides, such as `params.requestId` of a cancellation.
    pub(crate) fn replaced(&self, span: Range<usize>, with: &str) -> String {
        splice(&self.text, [(span, with)])
    }

    /// Digest of the message without what differs between two sendings of the same request: the id, the progress
    /// token and the trace position. Everything else counts, down to number precision, key order and escapes.
    pub(crate) fn sameness(&self) -> Digest {
        let trace = ["traceparent", "tracestate"].map(|key| self.meta(key).map(|value| value.span()));
        let mut blanks: Vec<Range<usize>> =
            [self.id.clone(), self.token.clone()].into_iter().chain(trace).flatten().collect();
        blanks.sort_unstable_by_key(|span| span.start);
        let mut writer = DigestWriter::new("countersign/mcp/sameness/v1");
        let mut from = 0;
        for span in blanks {
            writer = writer.part(self.text.get(from..span.start).unwrap_or_default().as_bytes());
            from = span.end;
        }
        writer.part(self.text.get(from..).unwrap_or_default().as_bytes()).finish()
    }
}

/// Whether a method's name can be shown as it is: it begins the words that people read, such as `tools/call x`, and
/// must not be able to say the rest as well.
fn is_plain(method: &str) -> bool {
    method.len() <= METHOD_BYTES_MAX
        && method
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.'))
}

fn exact_keys(object: View<'_>, known: &[&'static str]) -> Result<(), Malformed> {
    for child in object.children() {
        let key = child.key();
        let near = |word: &&&'static str| folds_to(&key, word) && key != **word;
        if let Some(word) = known.iter().find(near) {
            return Err(Malformed::NearKey { found: key.chars().take(80).collect(), known: word });
        }
    }
    Ok(())
}

/// Equal under simple case folding, as case-blind decoders compare; `ſ` and the Kelvin sign fold to ASCII letters.
fn folds_to(key: &str, word: &str) -> bool {
    let fold = |letter: char| match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.len() <= word.len() * 3 && key.chars().map(fold).eq(word.chars().map(fold))
}
