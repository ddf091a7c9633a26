//! `RowDescription`, `ParameterDescription`: which columns and parameters are there, and where do they come from?

use std::borrow::Cow;

use crate::codec::cursor::Cursor;
use crate::codec::put::message;
use crate::codec::{Format, WireError};

/// Columns of a result.
#[derive(Debug, Clone)]
pub struct RowDescription<'a> {
    count: u16,
    body: &'a [u8],
}

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// Name in the result; chosen by whoever wrote the statement.
    pub name: Cow<'a, str>,
    /// OID of the table or view that it comes from; 0 when it is computed.
    pub table_oid: u32,
    /// Number of the column there; 0 when it is computed or the whole row.
    pub attnum: i16,
    /// OID of its type.
    pub type_oid: u32,
    /// Bytes of a value; negative for a variable length.
    pub size: i16,
    /// Modifier of the type (`atttypmod`); −1 for none.
    pub modifier: i32,
    /// How its values are written. Text when only a statement was described.
    pub format: Format,
}

impl<'a> RowDescription<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, WireError> {
        let count = cursor.u16()?;
        let mut ahead = cursor.clone();
        for _ in 0..count {
            field(&mut ahead)?;
        }
        let length = ahead.position() - cursor.position();
        Ok(Self { count, body: cursor.take(length)? })
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.count.into()
    }

    /// Whether there is no column (`SELECT;` has none).
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The columns in their order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.body);
        (0..self.count).map_while(move |_| field(&mut cursor).ok())
    }
}

fn field<'a>(cursor: &mut Cursor<'a>) -> Result<Field<'a>, WireError> {
    Ok(Field {
        name: super::lossy(cursor)?,
        table_oid: cursor.u32()?,
        attnum: cursor.i16()?,
        type_oid: cursor.u32()?,
        size: cursor.i16()?,
        modifier: cursor.i32()?,
        format: cursor.format()?,
    })
}

/// Appends a `RowDescription` of these columns.
///
/// # Errors
/// [`WireError::Nul`] or [`WireError::Count`]; `out` is as it was.
pub fn row_description<'a>(
    out: &mut Vec<u8>,
    fields: impl IntoIterator<Item = Field<'a>>,
) -> Result<(), WireError> {
    message(out, b'T', |body| {
        body.counted(fields, |body, field| {
            body.text(field.name.as_bytes())?;
            body.u32(field.table_oid);
            body.i16(field.attnum);
            body.u32(field.type_oid);
            body.i16(field.size);
            body.i32(field.modifier);
            body.u16(field.format.code());
            Ok(())
        })
    })
}

/// Types of a prepared statement's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterDescription<'a> {
    types: &'a [u8],
}

impl<'a> ParameterDescription<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, WireError> {
        let count = usize::from(cursor.u16()?);
        Ok(Self { types: cursor.take(count * 4)? })
    }

    /// OID of each parameter's type.
    pub fn types(&self) -> impl ExactSizeIterator<Item = u32> + 'a {
        self.types.as_chunks().0.iter().map(|oid| u32::from_be_bytes(*oid))
    }
}
