//! Do the headers say what the body says? From 2026-07-28 on they must; else two readers could see two requests.

use http::HeaderMap;
use http::header::HeaderName;

use crate::catalog::Tool;
use crate::codec::{Kind, Message};
use crate::upstream::{decoded, parameter_text};

/// The version that is spoken without sessions.
pub(crate) const STATELESS_VERSION: &str = "2026-07-28";
/// The version with sessions whose clients can ask for tasks.
pub(crate) const TASKS_VERSION: &str = "2025-11-25";
/// The versions that open sessions. The first two only differ in details that are passed through.
pub(crate) const SESSION_VERSIONS: [&str; 3] = [TASKS_VERSION, "2025-06-18", "2025-03-26"];
/// JSON-RPC code: a header differs from the body or is missing.
pub(crate) const MISMATCH: i32 = -32020;
/// JSON-RPC code: the version is not supported.
pub(crate) const UNSUPPORTED: i32 = -32022;

pub(crate) const VERSION_HEADER: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD_HEADER: HeaderName = HeaderName::from_static("mcp-method");
const NAME_HEADER: HeaderName = HeaderName::from_static("mcp-name");
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// Where a request says what its client can do.
pub(crate) const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Whether a message says itself that it stands without a session.
pub(crate) fn is_stateless(message: &Message) -> bool {
    message.meta(META_VERSION).is_some()
}

/// What a message without a session lacks in its body, in words.
pub(crate) fn lacking(message: &Message) -> Option<String> {
    let version = message.meta(META_VERSION).is_some_and(|version| version.kind() == Kind::String);
    let capabilities = message.meta(META_CAPABILITIES).is_some_and(|all| all.kind() == Kind::Object);
    let missing = [(version, META_VERSION), (capabilities, META_CAPABILITIES)];
    let missing = missing.into_iter().find(|(there, _)| !there);
    missing.map(|(_, name)| format!("Invalid params: `params._meta` lacks `{name}`"))
}

/// The difference between the standard headers and the body, in words.
pub(crate) fn standard(headers: &HeaderMap, message: &Message) -> Option<String> {
    let version = message.meta(META_VERSION).and_then(|version| version.string());
    one(headers, &VERSION_HEADER, version.as_deref())
        .or_else(|| one(headers, &METHOD_HEADER, Some(message.method())))
        .or_else(|| match message.method() {
            "tools/call" | "resources/read" | "prompts/get" => {
                one(headers, &NAME_HEADER, message.name().as_deref())
            }
            "tasks/get" | "tasks/update" | "tasks/cancel" if headers.contains_key(&NAME_HEADER) => {
                one(headers, &NAME_HEADER, message.routed().as_deref())
            }
            _ => None,
        })
}

fn one(headers: &HeaderMap, name: &HeaderName, body: Option<&str>) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Some(format!("Header mismatch: `{name}` stands more than once"));
    }
    let shown = |text: &str| text.chars().take(120).collect::<String>();
    match (value.map(decoded), body) {
        (None, Some(_)) => Some(format!("Header mismatch: `{name}` is missing")),
        (None, None) => Some(format!("Header mismatch: `{name}` and its value in the body are missing")),
        (Some(None), _) => Some(format!("Header mismatch: `{name}` is not validly encoded")),
        (Some(Some(header)), Some(body)) if header == body => None,
        (Some(Some(header)), body) => Some(format!(
            "Header mismatch: `{name}` says `{}`, the body says `{}`",
            shown(&header),
            shown(body.unwrap_or_default())
        )),
    }
}

/// The difference between the headers that repeat tool parameters and the body, in words.
pub(crate) fn parameters(headers: &HeaderMap, message: &Message, tool: &Tool) -> Option<String> {
    tool.header_parameters.iter().find_map(|(name, path)| {
        let header = HeaderName::try_from(format!("mcp-param-{name}")).ok()?;
        let body = parameter_text(message, path);
        match (headers.get(&header).map(decoded), body) {
            (None, None) => None,
            (Some(Some(said)), Some(body)) if said == body || same_number(&said, &body) => None,
            _ => {
                Some(format!("Header mismatch: `{header}` does not repeat the argument `{}`", path.join(".")))
            }
        }
    })
}

fn same_number(a: &str, b: &str) -> bool {
    let whole = |text: &str| text.strip_suffix(".0").unwrap_or(text).parse::<i64>().ok();
    whole(a).is_some_and(|a| whole(b) == Some(a))
}

#[cfg(test)]
mod tests;
