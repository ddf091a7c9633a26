//! `Bind`: which values does a prepared statement get?

use crate::codec::cursor::Cursor;
use crate::codec::{Format, Formats, WireError};

/// A portal to make from a statement and its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bind<'a> {
    /// Name of the portal; empty for the unnamed one.
    pub portal: &'a str,
    /// Name of the statement; empty for the unnamed one.
    pub statement: &'a str,
    /// How the parameters are written; fits their number.
    pub param_formats: Formats<'a>,
    /// How the columns of the result are to be written.
    pub result_formats: Formats<'a>,
    count: u16,
    params: &'a [u8],
}

impl<'a> Bind<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, WireError> {
        let (portal, statement) = (cursor.name()?, cursor.name()?);
        let param_formats = cursor.formats()?;
        let (count, params) = values(cursor)?;
        if !param_formats.fits(count.into()) {
            return Err(WireError::Field {
                field: "number of parameter formats",
                value: stated(param_formats),
            });
        }
        Ok(Self { portal, statement, param_formats, result_formats: cursor.formats()?, count, params })
    }

    /// Number of parameters.
    pub fn param_count(&self) -> usize {
        self.count.into()
    }

    /// Format and bytes of each parameter; `None` is NULL.
    pub fn params(&self) -> impl Iterator<Item = (Format, Option<&'a [u8]>)> + use<'a> {
        let formats = self.param_formats;
        walk(self.count, self.params)
            .enumerate()
            .map(move |(place, value)| (formats.of(place).unwrap_or(Format::Text), value))
    }
}

fn stated(formats: Formats<'_>) -> i64 {
    i64::try_from(formats.stated()).unwrap_or(i64::MAX)
}

/// A count and as many values with their lengths in front; all of them are looked at.
pub(super) fn values<'a>(cursor: &mut Cursor<'a>) -> Result<(u16, &'a [u8]), WireError> {
    let count = cursor.u16()?;
    let mut ahead = cursor.clone();
    for _ in 0..count {
        ahead.cell()?;
    }
    let length = ahead.position() - cursor.position();
    Ok((count, cursor.take(length)?))
}

/// The values that [`values`] has looked at.
pub(super) fn walk(count: u16, bytes: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut cursor = Cursor::new(bytes);
    (0..count).map_while(move |_| cursor.cell().ok())
}
