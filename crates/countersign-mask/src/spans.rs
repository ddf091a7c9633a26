//! Which bytes of a value are hidden? What detectors found, joined where it overlaps.

use std::cmp::Reverse;

use crate::Kind;
use crate::key::is_hash;

/// One finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Kind,
    /// How many bytes from the start are public: a token's prefix.
    pub(crate) public: usize,
}

/// The union of overlapping findings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hidden {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The longest finding; of equally long ones that of the first kind.
    pub(crate) longest: Span,
    /// Whether the form of the longest finding may be shown: a person's data keeps characters, and where something
    /// else was found as well, those may be part of a secret.
    pub(crate) shown: bool,
}

/// Findings of one value, in any order.
#[derive(Debug, Default)]
pub(crate) struct Spans(Vec<Span>);

impl Spans {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Span> {
        self.0.iter()
    }

    /// Adds `start..end` of `value`, unless it is empty or a mask already. Ends inside a character move outwards.
    pub(crate) fn push(&mut self, value: &[u8], kind: Kind, start: usize, end: usize, public: usize) {
        if value.get(start..end).is_some_and(|found| !found.is_empty() && !is_mask(found)) {
            let start = start - inside(value, start, |at| start.checked_sub(at));
            let end = end + inside(value, end, |at| end.checked_add(at));
            self.0.push(Span { start, end, kind, public });
        }
    }

    /// Sorts and gives the unions in their order.
    pub(crate) fn hidden(&mut self) -> Unions<'_> {
        self.0.sort_unstable_by_key(|span| (span.start, Reverse(span.end), span.kind));
        Unions(&self.0)
    }
}

/// How far from `edge` the next edge of a character lies; 0 when `edge` is one or the bytes are no UTF-8.
fn inside(value: &[u8], edge: usize, step: impl Fn(usize) -> Option<usize>) -> usize {
    let continues = |at: &usize| {
        let byte = step(*at).and_then(|at| value.get(at));
        byte.is_some_and(|byte| (0x80..0xc0).contains(byte)) && edge > 0
    };
    (0..3).take_while(continues).count()
}

/// See [`Spans::hidden`].
#[derive(Debug)]
pub(crate) struct Unions<'a>(&'a [Span]);

impl Iterator for Unions<'_> {
    type Item = Hidden;

    fn next(&mut self) -> Option<Hidden> {
        let (first, mut rest) = self.0.split_first()?;
        let mut hidden = Hidden { start: first.start, end: first.end, longest: *first, shown: true };
        while let Some((next, after)) = rest.split_first().filter(|(next, _)| next.start < hidden.end) {
            hidden.end = hidden.end.max(next.end);
            hidden.shown = false;
            if (next.end - next.start) > (hidden.longest.end - hidden.longest.start) {
                hidden.longest = *next;
            }
            rest = after;
        }
        self.0 = rest;
        let alone = !hidden.longest.kind.is_personal();
        let covers = hidden.longest.start == hidden.start;
        hidden.shown = hidden.shown || (alone && covers);
        Some(hidden)
    }
}

/// Whether `found` is exactly what masking leaves, so that masking twice changes nothing.
pub(crate) fn is_mask(found: &[u8]) -> bool {
    let stars = found.len() <= 3 && found.iter().all(|byte| *byte == b'*');
    let bracketed = || Kind::ALL.iter().any(|kind| found == kind.bracketed());
    stars || is_hash(found) || (found.first() == Some(&b'[') && bracketed())
}
