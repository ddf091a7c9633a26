//! `FunctionCall`: which function is called past SQL, by number?

use super::bind::{values, walk};
use crate::codec::cursor::Cursor;
use crate::codec::{Format, Formats, WireError};

/// A call by the "fast path", as large objects use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionCall<'a> {
    /// OID of the function in `pg_proc`.
    pub function: u32,
    /// How the arguments are written; fits their number.
    pub argument_formats: Formats<'a>,
    /// How the result is to be written.
    pub result_format: Format,
    count: u16,
    arguments: &'a [u8],
}

impl<'a> FunctionCall<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, WireError> {
        let function = cursor.u32()?;
        let argument_formats = cursor.formats()?;
        let (count, arguments) = values(cursor)?;
        if !argument_formats.fits(count.into()) {
            return Err(WireError::Field { field: "number of argument formats", value: count.into() });
        }
        Ok(Self { function, argument_formats, result_format: cursor.format()?, count, arguments })
    }

    /// Bytes of each argument; `None` is NULL.
    pub fn arguments(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        walk(self.count, self.arguments)
    }
}
