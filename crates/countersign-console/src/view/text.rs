//! How is somebody else's text drawn? With every character accounted for.

use maud::{Markup, html};

use crate::cut::Cut;
use crate::visible::{Piece, Visible, chip_text};

/// A text of whatever origin, with unseen characters as chips.
pub(crate) fn seen(text: &str) -> Markup {
    let visible = Visible::of(text);
    html! { bdi.seen { (pieces(&visible)) } }
}

/// A part of a long text, with a word on how much of it that is.
pub(crate) fn seen_cut(cut: &Cut<'_>) -> Markup {
    html! {
        (seen(cut.text))
        @if let Some(note) = cut.note() { " " span.cut { (note) } }
    }
}

/// The pieces one after the other.
pub(crate) fn pieces(visible: &Visible) -> Markup {
    html! {
        @for piece in &visible.pieces {
            @match piece {
                Piece::Text(text) => (text),
                Piece::Chip { code, name, times } => mark.chip { (chip_text(*code, name, *times)) },
                Piece::LineEnd => { span.ws { "↵" } "\n" },
                Piece::Tab => { span.ws { "→" } "\t" },
                Piece::TrailingSpaces(count) => span.ws { ("·".repeat(*count)) },
            }
        }
    }
}

/// The same for places that hold only text, such as a page's title; long ones are cut with `…`.
pub(crate) fn plain(text: &str) -> String {
    const SHOWN_CHARS: usize = 80;
    let head: String = text.chars().take(SHOWN_CHARS).collect();
    let mut plain: String = Visible::of(&head)
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Chip { code, name, times } => chip_text(*code, name, *times),
            Piece::LineEnd | Piece::Tab | Piece::TrailingSpaces(_) => " ".to_owned(),
        })
        .collect();
    if head.len() < text.len() {
        plain.push('…');
    }
    plain
}
