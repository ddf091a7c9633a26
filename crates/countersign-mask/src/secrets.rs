//! Does a secret stand at this word? One function per shape; each looks at bounded many bytes, or at a run once.

use crate::Kind;
use crate::bytes::{Class, Runs, starts_word};
use crate::literals::{Literal, OPEN, Run, Shape};
use crate::spans::Spans;

const LONGEST_JWT: usize = 8192;
const LONGEST_PEM: usize = 16_000;
const LONGEST_PEM_LABEL: usize = 64;
const LONGEST_USER_INFO: usize = 1024;
const SHORTEST_UNQUOTED: usize = 6;

/// The search through one value, word by word.
#[derive(Debug)]
pub(crate) struct Secrets<'a> {
    value: &'a [u8],
    spans: &'a mut Spans,
    runs: Runs,
    /// Where a private key began that has not ended yet.
    pem: Option<usize>,
}

impl<'a> Secrets<'a> {
    pub(crate) fn new(value: &'a [u8], spans: &'a mut Spans) -> Self {
        Self { value, spans, runs: Runs::default(), pem: None }
    }

    /// Looks at `literal`, found at `start..end` in any case.
    pub(crate) fn look(&mut self, literal: &Literal, start: usize, end: usize) {
        let exact = self.value.get(start..end) == Some(literal.text.as_bytes());
        match &literal.shape {
            Shape::Token(run) if exact => self.token(literal.kind, run, start, end),
            Shape::Announced(run) => self.announced(literal.kind, run, end),
            Shape::Assigned => self.assigned(literal.kind, end),
            Shape::AwsSecret => self.aws_secret(literal.kind, end),
            Shape::Jwt if exact => self.jwt(literal.kind, start, end),
            Shape::UserInfo => self.user_info(literal.kind, end),
            Shape::PemBegin if exact => self.pem_begins(literal.kind, start, end),
            Shape::PemEnd if exact => self.pem_ends(literal.kind, start, end),
            Shape::Token(_) | Shape::Jwt | Shape::PemBegin | Shape::PemEnd => {}
        }
    }

    /// Hides a private key whose end is missing.
    pub(crate) fn finish(mut self) {
        if let Some(start) = self.pem.take() {
            self.push(Kind::PrivateKeyPem, start, self.value.len().min(start + LONGEST_PEM), 0);
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize, public: usize) {
        self.spans.push(self.value, kind, start, end, public);
    }

    fn token(&mut self, kind: Kind, run: &Run, start: usize, end: usize) {
        if !starts_word(self.value, start) {
            return;
        }
        if let Some(stop) = self.run(run, end) {
            self.push(kind, start, stop, end - start);
        }
    }

    fn announced(&mut self, kind: Kind, run: &Run, from: usize) {
        if let Some(stop) = self.run(run, from) {
            self.push(kind, from, stop, 0);
        }
    }

    /// Where the run that begins at `from` ends, if it is one: longer than an open length is cut, longer than a
    /// fixed length is something else. Full stops at its end are a sentence's.
    fn run(&mut self, run: &Run, from: usize) -> Option<usize> {
        let stop = self.runs.end(run.class, self.value, from);
        let found = self.value.get(from..stop)?;
        let dots = found.iter().rev().take(3).take_while(|byte| **byte == b'.').count();
        let (least, most) = (*run.length.start(), *run.length.end());
        let length = found.len() - dots;
        let fixed = most < OPEN;
        let fits =
            length >= least && !(fixed && (length > most || !crate::bytes::ends_word(self.value, stop)));
        let length = length.min(most);
        let digit = !run.digit || found.iter().take(length).any(u8::is_ascii_digit);
        (fits && digit).then_some(from + length)
    }

    fn assigned(&mut self, kind: Kind, from: usize) {
        let Some(sign) = behind_sign(self.value, from) else { return };
        let quoted = sign.quote.and_then(|quote| closing(self.value, sign.at, quote, sign.escaped));
        if let Some(stop) = quoted {
            return self.push(kind, sign.at, stop, 0);
        }
        let stop = self.runs.end(Class::Value, self.value, sign.at).min(sign.at + OPEN);
        if stop >= sign.at + SHORTEST_UNQUOTED {
            self.push(kind, sign.at, stop, 0);
        }
    }

    fn aws_secret(&mut self, kind: Kind, from: usize) {
        let Some(sign) = behind_sign(self.value, from) else { return };
        let stop = self.runs.end(Class::Base64, self.value, sign.at);
        if stop == sign.at + 40 {
            self.push(kind, sign.at, stop, 0);
        }
    }

    fn jwt(&mut self, kind: Kind, start: usize, end: usize) {
        if !starts_word(self.value, start) {
            return;
        }
        let dot = self.runs.end(Class::Url, self.value, end);
        let second = self.value.get(dot + 1..dot + 11);
        let second = second.is_some_and(|part| part.iter().all(|byte| Class::Url.has(*byte)));
        if dot >= start + 10 && self.value.get(dot) == Some(&b'.') && second {
            let stop = self.runs.end(Class::UrlDot, self.value, end);
            self.push(kind, start, stop.min(start + LONGEST_JWT), end - start);
        }
    }

    /// The password between the first `:` and the last `@` before the path.
    fn user_info(&mut self, kind: Kind, from: usize) {
        let stop = self.runs.end(Class::UserInfo, self.value, from).min(from + LONGEST_USER_INFO);
        let run = self.value.get(from..stop).unwrap_or_default();
        let Some(at) = run.iter().rposition(|byte| *byte == b'@') else { return };
        let colon = run.iter().take(at).position(|byte| *byte == b':');
        if let Some(colon) = colon {
            self.push(kind, from + colon + 1, from + at, 0);
        }
    }

    fn pem_begins(&mut self, kind: Kind, start: usize, end: usize) {
        let label = self.value.get(end..self.value.len().min(end + LONGEST_PEM_LABEL)).unwrap_or_default();
        let label = label.split(|byte| *byte == b'-').next().unwrap_or_default();
        if !label.windows(11).any(|window| window == b"PRIVATE KEY") {
            return;
        }
        match self.pem {
            Some(open) if start <= open + LONGEST_PEM => {}
            Some(open) => {
                self.push(kind, open, open + LONGEST_PEM, 0);
                self.pem = Some(start);
            }
            None => self.pem = Some(start),
        }
    }

    fn pem_ends(&mut self, kind: Kind, start: usize, end: usize) {
        let Some(open) = self.pem.take() else { return };
        if start > open + LONGEST_PEM {
            return self.push(kind, open, open + LONGEST_PEM, 0);
        }
        let label = self.value.get(end..self.value.len().min(end + LONGEST_PEM_LABEL)).unwrap_or_default();
        let close = label.windows(5).position(|window| window == b"-----").map_or(0, |at| at + 5);
        self.push(kind, open, end + close, 0);
    }
}

/// Where an assigned value begins.
#[derive(Debug, Clone, Copy)]
struct Sign {
    at: usize,
    quote: Option<u8>,
    /// The quote itself stands behind a backslash, as in JSON within JSON.
    escaped: bool,
}

/// After a name: a quote that closes it, blanks, `=`, `:`, `:=`, `==` or `=>`, blanks, and perhaps a quote.
fn behind_sign(value: &[u8], from: usize) -> Option<Sign> {
    let at = skip(value, from, 3, |byte| matches!(byte, b'\\' | b'"' | b'\'' | b'`' | b']'));
    let at = skip(value, at, 8, is_blank);
    let sign = skip(value, at, 1, |byte| matches!(byte, b'=' | b':'));
    if sign == at {
        return None;
    }
    let at = skip(value, sign, 1, |byte| matches!(byte, b'=' | b'>'));
    let at = skip(value, at, 8, is_blank);
    let open = skip(value, at, 3, |byte| byte == b'\\');
    let quote = value.get(open).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    match quote {
        Some(_) => Some(Sign { at: open + 1, quote, escaped: open > at }),
        None => Some(Sign { at, quote, escaped: false }),
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn skip(value: &[u8], from: usize, most: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let rest = value.get(from..).unwrap_or_default();
    from + rest.iter().take(most).take_while(|byte| wanted(**byte)).count()
}

/// Where the quote that closes a value stands. A backslash before it belongs to it when the opening quote had one
/// too, and otherwise to the value.
fn closing(value: &[u8], from: usize, quote: u8, escaped: bool) -> Option<usize> {
    let rest = value.get(from..)?;
    let mut skipped = false;
    for (index, byte) in rest.iter().take(OPEN).enumerate() {
        if *byte == quote && !skipped {
            let slashes = rest.get(..index)?.iter().rev().take(3).take_while(|byte| **byte == b'\\').count();
            return Some(from + index - if escaped { slashes } else { 0 });
        }
        skipped = *byte == b'\\' && !skipped && !escaped;
    }
    None
}
