//! `ErrorResponse`, `NoticeResponse`: what went wrong, in the fields that clients show?

use std::borrow::Cow;

use crate::codec::cursor::Cursor;
use crate::codec::put::{Body, message};
use crate::codec::{SqlState, WireError};

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum Severity {
    Panic,
    Fatal,
    Error,
    Warning,
    Notice,
    Debug,
    Info,
    Log,
}

impl Severity {
    const ALL: [Self; 8] = [
        Self::Panic,
        Self::Fatal,
        Self::Error,
        Self::Warning,
        Self::Notice,
        Self::Debug,
        Self::Info,
        Self::Log,
    ];

    /// The word on the wire, never translated.
    pub fn word(self) -> &'static str {
        match self {
            Self::Panic => "PANIC",
            Self::Fatal => "FATAL",
            Self::Error => "ERROR",
            Self::Warning => "WARNING",
            Self::Notice => "NOTICE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Log => "LOG",
        }
    }

    fn from_word(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.word().as_bytes() == word)
    }
}

/// An error or notice as a server sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault<'a> {
    fields: &'a [u8],
}

impl<'a> Fault<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, WireError> {
        let mut ahead = cursor.clone();
        while ahead.u8()? != 0 {
            ahead.raw_text()?;
        }
        let length = ahead.position() - cursor.position();
        Ok(Self { fields: cursor.take(length)? })
    }

    /// Type (`b'M'` for the message, …) and text of each field, in the order sent.
    pub fn fields(self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let mut cursor = Cursor::new(self.fields);
        std::iter::from_fn(move || match cursor.u8().ok()? {
            0 => None,
            kind => Some((kind, cursor.raw_text().ok()?)),
        })
    }

    /// Text of the first field of this type.
    pub fn field(self, kind: u8) -> Option<Cow<'a, str>> {
        self.raw(kind).map(String::from_utf8_lossy)
    }

    fn raw(self, kind: u8) -> Option<&'a [u8]> {
        self.fields().find(|(found, _)| *found == kind).map(|(_, text)| text)
    }

    /// How grave; from `V`, which is never translated, else from `S`.
    pub fn severity(self) -> Option<Severity> {
        self.raw(b'V').or_else(|| self.raw(b'S')).and_then(Severity::from_word)
    }

    /// The SQLSTATE.
    pub fn code(self) -> Option<SqlState> {
        self.raw(b'C').and_then(SqlState::new)
    }

    /// The message; empty when the server sent none.
    pub fn message(self) -> Cow<'a, str> {
        self.field(b'M').unwrap_or_default()
    }

    /// The detail.
    pub fn detail(self) -> Option<Cow<'a, str>> {
        self.field(b'D')
    }

    /// The hint.
    pub fn hint(self) -> Option<Cow<'a, str>> {
        self.field(b'H')
    }
}

/// An error or notice of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint<'a> {
    /// How grave.
    pub severity: Severity,
    /// The SQLSTATE.
    pub code: SqlState,
    /// One sentence.
    pub message: Cow<'a, str>,
    /// More about it. An empty text is not sent.
    pub detail: Cow<'a, str>,
    /// How to mend it. An empty text is not sent, because clients would show an empty `HINT:`.
    pub hint: Cow<'a, str>,
    /// Where in the statement, counted in characters from 1.
    pub position: Option<u32>,
}

/// Bytes of one field; a longer text is cut, and says so.
const FIELD_LIMIT: usize = 16 * 1024;

impl<'a> Complaint<'a> {
    /// Without detail, hint and position.
    pub fn new(severity: Severity, code: SqlState, message: impl Into<Cow<'a, str>>) -> Self {
        let (detail, hint) = (Cow::Borrowed(""), Cow::Borrowed(""));
        Self { severity, code, message: message.into(), detail, hint, position: None }
    }

    /// With this detail.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'a, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With this hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'a, str>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// At this character of the statement, counted from 1.
    #[must_use]
    pub fn position(mut self, position: u32) -> Self {
        self.position = Some(position);
        self
    }

    /// Appends it as an `ErrorResponse`.
    pub fn encode_error(&self, out: &mut Vec<u8>) {
        self.encode(out, b'E');
    }

    /// Appends it as a `NoticeResponse`.
    pub fn encode_notice(&self, out: &mut Vec<u8>) {
        self.encode(out, b'N');
    }

    fn encode(&self, out: &mut Vec<u8>, tag: u8) {
        let written = message(out, tag, |body| {
            field(body, b'S', self.severity.word())?;
            field(body, b'V', self.severity.word())?;
            field(body, b'C', self.code.as_str())?;
            field(body, b'M', &self.message)?;
            field(body, b'D', &self.detail)?;
            field(body, b'H', &self.hint)?;
            field(body, b'P', &self.position.map(|position| position.to_string()).unwrap_or_default())?;
            body.u8(0);
            Ok(())
        });
        debug_assert!(written.is_ok(), "fields hold no zero byte and are short");
    }
}

/// One field; nothing for an empty text.
fn field(body: &mut Body<'_>, kind: u8, text: &str) -> Result<(), WireError> {
    if text.is_empty() {
        return Ok(());
    }
    body.u8(kind);
    body.text(plain(text).as_bytes())
}

/// Cut at the limit, and without zero bytes, which would end the field.
fn plain(text: &str) -> Cow<'_, str> {
    let cut = text.get(..text.floor_char_boundary(FIELD_LIMIT)).unwrap_or(text);
    let mut plain = Cow::Borrowed(cut);
    if cut.contains('\0') {
        plain = Cow::Owned(cut.replace('\0', "\u{fffd}"));
    }
    if cut.len() < text.len() {
        plain.to_mut().push_str(" … (cut)");
    }
    plain
}
