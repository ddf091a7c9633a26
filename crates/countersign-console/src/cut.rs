//! Which part of a long value is drawn? The part that matters, never without saying that it is a part.

use crate::reach::{grouped, number_of};

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut<'a> {
    /// What is drawn of it.
    pub text: &'a str,
    /// How many characters stand before that.
    skipped: usize,
    /// How many characters the whole has.
    total: usize,
}

/// So many characters that two values share stay in front of their first difference.
const CONTEXT_CHARS: usize = 20;

impl<'a> Cut<'a> {
    /// The first `max` characters of `text`.
    pub fn head(text: &'a str, max: usize) -> Self {
        Self::from(text, 0, max)
    }

    /// The same place of two values, chosen so that their first difference is drawn.
    pub fn pair(before: &'a str, after: &'a str, max: usize) -> (Self, Self) {
        let shared = before.chars().zip(after.chars()).take_while(|(before, after)| before == after).count();
        let skipped = if shared < max { 0 } else { shared.saturating_sub(CONTEXT_CHARS) };
        (Self::from(before, skipped, max), Self::from(after, skipped, max))
    }

    fn from(text: &'a str, skipped: usize, max: usize) -> Self {
        let place = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(place, _)| place);
        let part = text.get(place(skipped)..place(skipped.saturating_add(max))).unwrap_or(text);
        Self { text: part, skipped, total: text.chars().count() }
    }

    /// Whether the whole is the empty text.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Which part it is, when it isn't the whole: `first 120 of 1,048,576 characters`.
    pub fn note(&self) -> Option<String> {
        let drawn = self.text.chars().count();
        if drawn == self.total {
            return None;
        }
        let total = grouped(number_of(self.total));
        let end = grouped(number_of(self.skipped.saturating_add(drawn)));
        Some(match (self.skipped, drawn) {
            (0, _) => format!("first {end} of {total} characters"),
            (_, 0) => format!("nothing after character {end} of {total}"),
            (skipped, _) => {
                format!("characters {} to {end} of {total}", grouped(number_of(skipped.saturating_add(1))))
            }
        })
    }
}

#[cfg(test)]
mod tests;
