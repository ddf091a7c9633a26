//! Which headers must repeat the body? In 2026-07-28 they are made here from the permitted bytes alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::UpstreamError;
use crate::codec::{Kind, Message};

const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// The mirrored headers of a 2026-07-28 message; none for older versions.
pub(super) fn mirrored(
    message: &Message,
    parameters: &[(String, Vec<String>)],
) -> Result<HeaderMap, UpstreamError> {
    let mut headers = HeaderMap::new();
    let Some(version) = message.meta(META_VERSION).and_then(|version| version.string()) else {
        return Ok(headers);
    };
    let mut insert = |name: &str, value: &str| -> Result<(), UpstreamError> {
        let bad = |_| UpstreamError::NotSent(format!("the header `{name}` can't be formed"));
        let name = HeaderName::try_from(name).map_err(|error| bad(error.to_string()))?;
        let value = HeaderValue::from_str(&encoded(value)).map_err(|error| bad(error.to_string()))?;
        headers.insert(name, value);
        Ok(())
    };
    insert("mcp-protocol-version", &version)?;
    insert("mcp-method", message.method())?;
    if let Some(name) = message.routed() {
        insert("mcp-name", &name)?;
    }
    for (name, path) in parameters {
        if let Some(text) = parameter_text(message, path) {
            insert(&format!("mcp-param-{name}"), &text)?;
        }
    }
    Ok(headers)
}

/// The argument at a path as its header repeats it.
pub(crate) fn parameter_text(message: &Message, path: &[String]) -> Option<String> {
    let value = path.iter().try_fold(message.param("arguments")?, |value, key| value.get(key))?;
    match value.kind() {
        Kind::String => value.string().map(std::borrow::Cow::into_owned),
        Kind::Number | Kind::True | Kind::False => Some(value.raw().to_owned()),
        Kind::Object | Kind::Array | Kind::Null => None,
    }
}

fn encoded(value: &str) -> String {
    let plain = value.bytes().all(|byte| matches!(byte, 0x20..=0x7e | b'\t'))
        && value.trim() == value
        && !(value.starts_with("=?base64?") && value.ends_with("?="));
    if plain { value.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(value)) }
}

/// The text behind a header value. `None` when it is not validly encoded.
pub(crate) fn decoded(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    match text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        Some(inner) => STANDARD.decode(inner).ok().and_then(|bytes| String::from_utf8(bytes).ok()),
        None => Some(text.to_owned()),
    }
}
