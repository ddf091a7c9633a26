//! What does a reviewer get to see of the bytes, and is that all of them?

use crate::json_tree::{self, Node};
use crate::visible::Visible;

/// More bytes than this are not drawn on a page, and what is not drawn can't be approved there.
pub(crate) const SHOWN_MAX_BYTES: usize = 256 * 1024;

/// The payload of an action as a page draws it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// The bytes as text or, when they aren't UTF-8, as a hex dump.
    pub(crate) bytes: Bytes,
    /// The whole message as a tree, when it is JSON.
    pub(crate) message: Option<Node>,
    /// How many bytes there are.
    pub(crate) total: usize,
    /// How many of them are not drawn.
    pub(crate) hidden: usize,
}

/// The bytes as a reader can read them.
#[derive(Debug, Clone)]
pub(crate) enum Bytes {
    Text(Visible),
    Hex(Vec<HexRow>),
}

/// Sixteen bytes of a hex dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HexRow {
    pub(crate) offset: usize,
    pub(crate) hex: String,
    pub(crate) ascii: String,
}

impl Shown {
    /// What is drawn of `payload`.
    pub(crate) fn of(payload: &[u8]) -> Self {
        let total = payload.len();
        let whole = total <= SHOWN_MAX_BYTES;
        let (bytes, drawn) = match std::str::from_utf8(payload) {
            Ok(text) => {
                let head = start_of(text, SHOWN_MAX_BYTES);
                (Bytes::Text(Visible::of(head)), head.len())
            }
            Err(_) => {
                let head = payload.get(..SHOWN_MAX_BYTES).unwrap_or(payload);
                (Bytes::Hex(hex_rows(head)), head.len())
            }
        };
        let message = std::str::from_utf8(payload).ok().filter(|_| whole).and_then(json_tree::parse);
        Self { bytes, message, total, hidden: total.saturating_sub(drawn) }
    }

    /// The arguments within a JSON-RPC message, when it is clear which they are.
    pub(crate) fn arguments(&self) -> Option<&Node> {
        self.message.as_ref()?.only("params")?.only("arguments")
    }

    /// Whether some key stands twice in one object.
    pub(crate) fn ambiguous(&self) -> bool {
        self.message.as_ref().is_some_and(Node::has_duplicates)
    }

    /// How many characters need a chip, also those that JSON escapes hide from the raw text.
    pub(crate) fn chips(&self) -> usize {
        let raw = match &self.bytes {
            Bytes::Text(visible) => visible.chips,
            Bytes::Hex(_) => 0,
        };
        raw.max(self.message.as_ref().map_or(0, chips_in))
    }
}

/// The longest start of `text` that has at most `max` bytes and ends between characters.
fn start_of(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.split_at_checked(end).map_or("", |(head, _)| head)
}

fn chips_in(node: &Node) -> usize {
    match node {
        Node::Object(members) => members
            .iter()
            .map(|member| Visible::of(&member.key).chips.saturating_add(chips_in(&member.value)))
            .sum(),
        Node::Array(items) => items.iter().map(chips_in).sum(),
        Node::Text(text) | Node::Raw(text) => Visible::of(text).chips,
        Node::Number(_) | Node::Word(_) => 0,
    }
}

fn hex_rows(bytes: &[u8]) -> Vec<HexRow> {
    bytes
        .chunks(16)
        .enumerate()
        .map(|(row, chunk)| HexRow {
            offset: row.saturating_mul(16),
            hex: chunk.iter().map(|byte| format!("{byte:02x} ")).collect(),
            ascii: chunk
                .iter()
                .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' })
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
