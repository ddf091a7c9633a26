//! How is JSON drawn? As an indented tree, everything open, exactly as it was written.

use maud::{Markup, html};

use super::text::{pieces, seen};
use crate::json_tree::{Member, Node};
use crate::shown::{Bytes, HexRow, Shown};
use crate::visible::Visible;

/// The whole node.
pub(crate) fn tree(node: &Node) -> Markup {
    match node {
        Node::Object(members) if members.is_empty() => html! { span.punct { "{}" } },
        Node::Array(items) if items.is_empty() => html! { span.punct { "[]" } },
        Node::Object(members) => html! { ul.tree { @for member in members { li { (row(member)) } } } },
        Node::Array(items) => html! {
            ol.tree start="0" { @for (at, item) in items.iter().enumerate() {
                li { span.index { (at) } " " (tree(item)) }
            } }
        },
        Node::Text(text) => html! { span.string { "“" (seen(text)) "”" } },
        Node::Number(number) => html! { span.number { (number) } },
        Node::Word(word) => html! { span.word { (word) } },
        Node::Raw(raw) => html! { span.raw title="not taken apart" { (seen(raw)) } },
    }
}

fn row(member: &Member) -> Markup {
    html! {
        span.key { (seen(&member.key)) }
        @if member.duplicate { " " span.tag.warn { "this key stands here more than once" } }
        ": " (tree(&member.value))
    }
}

/// The bytes as they came.
pub(crate) fn bytes(shown: &Shown) -> Markup {
    match &shown.bytes {
        Bytes::Text(visible) => raw_text(visible),
        Bytes::Hex(rows) => hex(rows),
    }
}

fn raw_text(visible: &Visible) -> Markup {
    html! { pre.bytes tabindex="0" { code { (pieces(visible)) } } }
}

fn hex(rows: &[HexRow]) -> Markup {
    html! {
        p.tag.warn { "These bytes are not UTF-8 text; they are shown in hexadecimal." }
        pre.bytes.hex tabindex="0" { code {
            @for row in rows { span.offset { (format!("{:08x}", row.offset)) } "  " (format!("{:<48}", row.hex)) " |" (row.ascii) "|\n" }
        } }
    }
}
