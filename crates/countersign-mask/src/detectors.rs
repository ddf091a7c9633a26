//! What in this value must be hidden? Two passes over its bytes: words of secrets, then digits and `@`; only there is
//! anything checked, by hand-written rules that look at each byte a bounded number of times.

use std::sync::Arc;

use aho_corasick::automaton::Automaton as _;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, BuildError, StartKind};
use thiserror::Error;

use crate::bytes::{Class, starts_word};
use crate::digits::{self, Digits};
use crate::literals::{self, Literal};
use crate::secrets::Secrets;
use crate::spans::Spans;
use crate::{Found, Kind, Masked, Masking, Mode, email, render, server_text};

/// How often what was written is searched again. Hiding a part can bring together what was apart, and rows of tokens
/// of open length are cut; each round hides more, and after the last the whole value goes.
const ROUNDS: usize = 8;

/// Finds and hides content by its looks. Made once and shared by threads; each thread has its own [`Scratch`].
#[derive(Debug, Clone)]
pub struct Detectors {
    kinds: Kinds,
    literals: Vec<Literal>,
    words: Option<Arc<DFA>>,
}

/// The words of all kinds can't be built into one automaton.
#[derive(Debug, Error)]
#[error("the detectors' words can't be searched for")]
pub struct BuildDetectorsError(#[from] BuildError);

/// Buffers that one thread uses again for every value, so that nothing is allocated once they have grown.
#[derive(Debug, Default)]
pub struct Scratch {
    spans: Spans,
    front: Vec<u8>,
    back: Vec<u8>,
}

impl Scratch {
    /// Empty buffers.
    pub fn new() -> Self {
        Self::default()
    }
}

/// One bit for each kind.
#[derive(Debug, Clone, Copy)]
struct Kinds(u64);

const _: () = assert!(Kind::ALL.len() <= 64, "a set of kinds has 64 bits");

impl Kinds {
    fn new(kinds: &[Kind]) -> Self {
        Self(kinds.iter().fold(0, |bits, kind| bits | (1 << (*kind as u32))))
    }

    fn has(self, kind: Kind) -> bool {
        self.0 & (1 << (kind as u32)) != 0
    }
}

/// Looks for one kind of number around a run of digits.
type Around = fn(&[u8], Digits) -> Option<(usize, usize)>;

/// Where results go.
struct Sink<'a> {
    out: &'a mut Vec<u8>,
    found: &'a mut Found,
}

impl Detectors {
    /// Detectors for `kinds`; see [`Kind::defaults`].
    ///
    /// # Errors
    /// When the automaton of their words can't be built; with the words of this crate that doesn't happen.
    pub fn new(kinds: &[Kind]) -> Result<Self, BuildDetectorsError> {
        let literals = literals::of(kinds);
        let texts = literals.iter().map(|literal| literal.text);
        let mut builder = DFA::builder();
        // A prefilter would help a loop that can skip; that of `find_words` can't.
        builder.ascii_case_insensitive(true).start_kind(StartKind::Unanchored).prefilter(false);
        let words = if literals.is_empty() { None } else { Some(Arc::new(builder.build(texts)?)) };
        Ok(Self { kinds: Kinds::new(kinds), literals, words })
    }

    /// Hides in `value` everything that is found and appends the result to `out`; what is found is counted in
    /// `found`. Searching the result again finds nothing. Valid UTF-8 stays valid; other bytes are searched as they
    /// are. With [`Mode::Partial`] the result is never longer than `value`.
    pub fn scan<'v>(
        &self,
        scratch: &mut Scratch,
        value: &'v [u8],
        out: &mut Vec<u8>,
        masking: Masking<'_>,
        found: &mut Found,
    ) -> Masked<'v> {
        self.mask(scratch, value, false, masking, &mut Sink { out, found })
    }

    /// [`Detectors::scan`] for a server's error or notice text, which also hides the values that PostgreSQL quotes
    /// in it, whatever they look like: `Key (…)=(…)`, `Failing row contains (…)`, `invalid input syntax …: "…"`,
    /// the contexts of COPY and JSON, and logged parameters. One field of the message at a time. For texts that the
    /// server translates it knows only the signs between, so `lc_messages` of the upstream should be `C`.
    pub fn mask_text<'v>(
        &self,
        scratch: &mut Scratch,
        text: &'v [u8],
        out: &mut Vec<u8>,
        masking: Masking<'_>,
        found: &mut Found,
    ) -> Masked<'v> {
        self.mask(scratch, text, true, masking, &mut Sink { out, found })
    }

    fn mask<'v>(
        &self,
        scratch: &mut Scratch,
        value: &'v [u8],
        quoted: bool,
        masking: Masking<'_>,
        sink: &mut Sink<'_>,
    ) -> Masked<'v> {
        let Scratch { spans, front, back } = scratch;
        self.find(value, quoted, spans);
        if spans.is_empty() {
            return Masked::Same(value);
        }
        count(spans, sink.found);
        if masking.mode == Mode::Null {
            return Masked::Null;
        }
        front.clear();
        if render::write(value, spans, masking, front) {
            // A mask alone is nothing that could be found again.
            sink.out.extend_from_slice(front);
            return Masked::Changed;
        }
        for _ in 0..ROUNDS {
            self.find(front, quoted, spans);
            if spans.is_empty() {
                sink.out.extend_from_slice(front);
                return Masked::Changed;
            }
            count(spans, sink.found);
            back.clear();
            render::write(front, spans, masking, back);
            std::mem::swap(front, back);
        }
        sink.out.extend_from_slice(b"***");
        Masked::Changed
    }

    /// Every finding of `value`.
    fn find(&self, value: &[u8], quoted: bool, spans: &mut Spans) {
        spans.clear();
        if quoted {
            server_text::find(value, spans);
        }
        if let Some(words) = self.words.as_deref() {
            self.find_words(words, value, spans);
        }
        self.find_signs(value, spans);
    }

    /// Every place of every word, also inside of others.
    fn find_words(&self, words: &DFA, value: &[u8], spans: &mut Spans) {
        let Ok(mut state) = words.start_state(Anchored::No) else { return };
        let mut secrets = Secrets::new(value, spans);
        for (at, byte) in value.iter().enumerate() {
            state = words.next_state(Anchored::No, state, *byte);
            if !words.is_match(state) {
                continue;
            }
            for index in 0..words.match_len(state) {
                if let Some(literal) = self.literals.get(words.match_pattern(state, index).as_usize()) {
                    secrets.look(literal, at + 1 - literal.text.len(), at + 1);
                }
            }
        }
        secrets.finish();
    }

    fn find_signs(&self, value: &[u8], spans: &mut Spans) {
        let mut at = 0;
        while let Some(next) = next_stop(value, at) {
            if value.get(next) == Some(&b'@') {
                let address = self.kinds.has(Kind::Email).then(|| email::around(value, next)).flatten();
                if let Some((start, end)) = address {
                    spans.push(value, Kind::Email, start, end, 0);
                }
                at = next + 1;
            } else {
                let run = Digits::at(value, next);
                self.find_numbers(value, run, spans);
                at = run.end;
            }
        }
    }

    fn find_numbers(&self, value: &[u8], run: Digits, spans: &mut Spans) {
        let mut look = |kind: Kind, around: Around| {
            if let Some((start, end)) = self.kinds.has(kind).then(|| around(value, run)).flatten() {
                spans.push(value, kind, start, end, 0);
            }
        };
        // Behind a letter only an account can stand; everything else begins a word.
        if !starts_word(value, run.start) {
            return look(Kind::Iban, digits::iban);
        }
        look(Kind::Card, digits::card);
        look(Kind::Phone, digits::phone);
        if run.len() == 3 {
            look(Kind::UsSsn, digits::ssn);
        }
        if run.len() <= 3 {
            look(Kind::Ipv4, digits::ipv4);
        }
    }
}

fn next_stop(value: &[u8], from: usize) -> Option<usize> {
    let rest = value.get(from..)?;
    rest.iter().position(|byte| Class::Stop.has(*byte)).map(|at| from + at)
}

fn count(spans: &Spans, found: &mut Found) {
    for span in spans.iter() {
        found.add(span.kind);
    }
}

#[cfg(test)]
mod tests;
