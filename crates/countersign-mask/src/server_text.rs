//! Where does a server quote values in its errors and notices? PostgreSQL's untranslated texts (`lc_messages = C`).

use crate::Kind;
use crate::spans::Spans;

/// What comes before a value, and the byte whose last occurrence ends it; `None` for the end of the text.
///
/// Values are not escaped in these texts, so only the last closing byte can be trusted: better too much is hidden.
const QUOTES: &[(&[u8], Option<u8>)] = &[
    // Key (email)=(a@example.com) already exists.
    (b")=(", Some(b')')),
    // Failing row contains (1, a@example.com, null).
    (b"contains (", Some(b')')),
    // invalid input syntax for type integer: "a@example.com"; COPY people, line 1, column email: "…"
    (b": \"", Some(b'"')),
    // Token "a" is invalid.
    (b"Token \"", Some(b'"')),
    // JSON data, line 1: {"email": …
    (b"JSON data, line ", None),
    // unnamed portal with parameters: $1 = 'a@example.com'
    (b"parameters: ", None),
    // unnamed portal parameter $1 = 'a@example.com'
    (b"parameter $", None),
];

/// Adds every quoted value of `text`.
pub(crate) fn find(text: &[u8], spans: &mut Spans) {
    for (opens, closes) in QUOTES {
        let Some(at) = text.windows(opens.len()).position(|window| window == *opens) else { continue };
        let start = at + opens.len();
        let rest = text.get(start..).unwrap_or_default();
        let length = closes.and_then(|close| rest.iter().rposition(|byte| *byte == close));
        let end = start + length.unwrap_or(rest.len());
        spans.push(text, Kind::QuotedValue, start, end, 0);
    }
}
