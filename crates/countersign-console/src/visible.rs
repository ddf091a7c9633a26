//! What is really in this text? Splits it so that nothing invisible, reordering or disguised stays unseen.
//!
//! Pure. Whoever draws the pieces shows every character of the input: ordinary text as it is, and anything that a
//! reader could miss or mistake as a labelled chip such as `⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩`.

mod names;

use names::{lookalike, name_of};

/// A part of a text, as a reader should see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Ordinary characters.
    Text(String),
    /// The same easily missed character, one or more times in a row.
    Chip { code: u32, name: String, times: usize },
    /// A line feed.
    LineEnd,
    /// A tab.
    Tab,
    /// Spaces at the end of a line, which no reader sees.
    TrailingSpaces(usize),
}

/// A text as pieces, and how many of its characters needed a chip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Visible {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) chips: usize,
}

/// More spaces in a row than this are counted instead of drawn.
const SPACES_DRAWN: usize = 16;
/// More line ends in a row than this are counted instead of drawn.
const LINE_ENDS_DRAWN: usize = 8;

impl Visible {
    /// Splits `text`.
    pub(crate) fn of(text: &str) -> Self {
        let mut visible = Self::default();
        let foreign = has_plain_foreign_letters(text);
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let run = match first {
                '\n' | ' ' => run_of(rest, first),
                _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                _ => run_of(rest, first),
            };
            let (head, tail) = rest.split_at_checked(run).unwrap_or((rest, ""));
            match first {
                '\n' => visible.line_ends(head.len()),
                ' ' => visible.spaces(head.len(), tail.is_empty() || tail.starts_with(['\n', '\r'])),
                '\t' => visible.pieces.extend(head.chars().map(|_| Piece::Tab)),
                _ if is_word(first) => visible.word(head, foreign),
                _ => visible.others(first, head),
            }
            rest = tail;
        }
        visible
    }

    fn line_ends(&mut self, count: usize) {
        if count > LINE_ENDS_DRAWN {
            self.chip('\n', "LINE FEED".to_owned(), count);
        } else {
            self.pieces.extend(std::iter::repeat_n(Piece::LineEnd, count));
        }
    }

    fn spaces(&mut self, count: usize, trailing: bool) {
        if count > SPACES_DRAWN {
            self.chip(' ', "SPACE".to_owned(), count);
        } else if trailing {
            self.pieces.push(Piece::TrailingSpaces(count));
        } else {
            self.text(&" ".repeat(count));
        }
    }

    fn others(&mut self, first: char, run: &str) {
        match name_of(first) {
            Some(name) => self.chip(first, name, run.chars().count()),
            None => self.text(run),
        }
    }

    /// A word that mixes Latin letters with letters that only look Latin is a disguise; so is one made only of such
    /// letters, unless the text is in that script anyway.
    fn word(&mut self, word: &str, foreign: bool) {
        let latin = word.chars().any(|c| c.is_ascii_alphabetic());
        let only_lookalikes = word.chars().all(|c| lookalike(c).is_some() || !c.is_alphabetic());
        let disguised = latin || (only_lookalikes && !foreign);
        for c in word.chars() {
            match lookalike(c) {
                Some((script, twin)) if disguised => {
                    self.chip(c, format!("{script} LETTER THAT LOOKS LIKE {twin}"), 1);
                }
                Some(_) | None => self.others(c, c.encode_utf8(&mut [0; 4])),
            }
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(Piece::Text(last)) = self.pieces.last_mut() {
            last.push_str(text);
        } else {
            self.pieces.push(Piece::Text(text.to_owned()));
        }
    }

    fn chip(&mut self, c: char, name: String, count: usize) {
        self.chips = self.chips.saturating_add(count);
        if let Some(Piece::Chip { code, times, .. }) = self.pieces.last_mut()
            && *code == u32::from(c)
        {
            *times = times.saturating_add(count);
            return;
        }
        self.pieces.push(Piece::Chip { code: u32::from(c), name, times: count });
    }
}

/// `text` on one line of a terminal, with nothing in it that could move the cursor, hide or mislead.
pub fn visible_line(text: &str) -> String {
    Visible::of(text).pieces.into_iter().map(on_one_line).collect()
}

/// The same with each line of `text` on a line of its own; very many line ends in a row are counted instead.
pub fn visible_lines(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in Visible::of(text).pieces {
        match (piece, lines.last_mut()) {
            (Piece::LineEnd, _) => lines.push(String::new()),
            (other, Some(line)) => line.push_str(&on_one_line(other)),
            (other, None) => lines.push(on_one_line(other)),
        }
    }
    lines
}

fn on_one_line(piece: Piece) -> String {
    match piece {
        Piece::Text(text) => text,
        Piece::Chip { code, name, times } => chip_text(code, &name, times),
        Piece::LineEnd => "⏎".to_owned(),
        Piece::Tab => "⇥".to_owned(),
        Piece::TrailingSpaces(count) => "·".repeat(count),
    }
}

/// The text of a chip.
pub(crate) fn chip_text(code: u32, name: &str, times: usize) -> String {
    match times {
        1 => format!("⟨U+{code:04X} {name}⟩"),
        _ => format!("⟨U+{code:04X} {name} ×{times}⟩"),
    }
}

/// The length in bytes of the run of `c` at the start of `text`.
fn run_of(text: &str, c: char) -> usize {
    text.find(|other| other != c).unwrap_or(text.len())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether the text has Cyrillic or Greek letters that could not be mistaken for Latin ones.
fn has_plain_foreign_letters(text: &str) -> bool {
    text.chars().any(|c| matches!(u32::from(c), 0x370..=0x52F) && c.is_alphabetic() && lookalike(c).is_none())
}

#[cfg(test)]
mod tests;
