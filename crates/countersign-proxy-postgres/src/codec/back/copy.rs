//! `CopyInResponse`, `CopyOutResponse`, `CopyBothResponse`: in which form is data copied?

use crate::codec::cursor::Cursor;
use crate::codec::{Format, Formats, WireError};

/// Form of copied data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyShape<'a> {
    /// Text (also CSV) or PostgreSQL's binary form.
    pub format: Format,
    /// Format of each column; as many as there are columns.
    pub columns: Formats<'a>,
}

impl<'a> CopyShape<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, WireError> {
        let format = Format::from_code(cursor.u8()?.into())?;
        Ok(Self { format, columns: cursor.formats()? })
    }
}
