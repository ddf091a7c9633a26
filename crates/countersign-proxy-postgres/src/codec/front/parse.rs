//! `Parse`: which text is prepared under which name?

use crate::codec::WireError;
use crate::codec::cursor::Cursor;

/// A statement to prepare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parse<'a> {
    /// Name of the statement; empty for the unnamed one.
    pub name: &'a str,
    /// One statement of SQL.
    pub text: &'a str,
    types: &'a [u8],
}

impl<'a> Parse<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, WireError> {
        let (name, text) = (cursor.name()?, cursor.text()?);
        let count = usize::from(cursor.u16()?);
        Ok(Self { name, text, types: cursor.take(count * 4)? })
    }

    /// OIDs of the parameters' types as far as the client states them; 0 leaves one to the server.
    pub fn param_types(&self) -> impl ExactSizeIterator<Item = u32> + 'a {
        self.types.as_chunks().0.iter().map(|oid| u32::from_be_bytes(*oid))
    }
}
