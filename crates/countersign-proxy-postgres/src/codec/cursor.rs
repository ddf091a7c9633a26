//! Where in a message's body are we? Reads field after field and says at which byte it went wrong.

use super::{Format, Formats, WireError};

/// A reader over one message's body.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    length: usize,
}

/// PostgreSQL's `NAMEDATALEN`, but for its zero byte. Bytes.
const NAME_MAX: usize = 63;

impl<'a> Cursor<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self { rest: body, length: body.len() }
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> usize {
        self.length - self.rest.len()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(WireError::Missing(self.length))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(WireError::Missing(self.length))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, WireError> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, WireError> {
        self.array().map(i32::from_be_bytes)
    }

    /// Bytes up to the next zero byte, which is read too.
    pub(crate) fn raw_text(&mut self) -> Result<&'a [u8], WireError> {
        let end = self.rest.iter().position(|byte| *byte == 0).ok_or(WireError::Missing(self.length))?;
        let text = self.take(end)?;
        self.take(1)?;
        Ok(text)
    }

    /// Zero-terminated UTF-8.
    pub(crate) fn text(&mut self) -> Result<&'a str, WireError> {
        let start = self.position();
        let raw = self.raw_text()?;
        str::from_utf8(raw).map_err(|error| WireError::Utf8(start + error.valid_up_to()))
    }

    /// A name of a statement or portal. The server cuts longer ones, so that two of them may be one to it.
    pub(crate) fn name(&mut self) -> Result<&'a str, WireError> {
        let name = self.text()?;
        if name.len() > NAME_MAX { Err(WireError::Name(name.len())) } else { Ok(name) }
    }

    /// A value with its length in front; a length of −1 is NULL.
    pub(crate) fn cell(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        match self.i32()? {
            -1 => Ok(None),
            length => {
                let wrong = WireError::Field { field: "length", value: length.into() };
                self.take(usize::try_from(length).ok().ok_or(wrong)?).map(Some)
            }
        }
    }

    /// A count and as many format codes.
    pub(crate) fn formats(&mut self) -> Result<Formats<'a>, WireError> {
        let count = self.u16()?;
        let codes = self.take(usize::from(count) * 2)?;
        Formats::new(codes)
    }

    pub(crate) fn format(&mut self) -> Result<Format, WireError> {
        Format::from_code(self.u16()?)
    }

    /// What is left; the body ends here.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// The body must end here.
    pub(crate) fn finish(self) -> Result<(), WireError> {
        if self.rest.is_empty() { Ok(()) } else { Err(WireError::Trailing(self.position())) }
    }
}
