//! `DataRow`: which values does a row hold, and where do they lie?

use std::ops::Range;

use crate::codec::WireError;
use crate::codec::cursor::Cursor;
use crate::codec::put::message;

/// One row of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataRow<'a> {
    count: u16,
    cells: &'a [u8],
}

/// The body begins with the number of cells.
const COUNT_BYTES: usize = 2;

impl<'a> DataRow<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, WireError> {
        let count = cursor.u16()?;
        let mut ahead = cursor.clone();
        for _ in 0..count {
            ahead.cell()?;
        }
        let length = ahead.position() - cursor.position();
        Ok(Self { count, cells: cursor.take(length)? })
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.count.into()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The cells in the order of their columns; `None` is NULL.
    pub fn cells(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        let mut cursor = Cursor::new(self.cells);
        (0..self.count).map_while(move |_| cursor.cell().ok())
    }

    /// Where in the message's body each cell lies, so that one of the same length can be written in place.
    pub fn cell_ranges(&self) -> impl Iterator<Item = Option<Range<usize>>> + use<'a> {
        let mut cursor = Cursor::new(self.cells);
        (0..self.count).map_while(move |_| {
            let cell = cursor.cell().ok()?;
            let end = COUNT_BYTES + cursor.position();
            Some(cell.map(|cell| end - cell.len()..end))
        })
    }
}

/// Appends a `DataRow` of these cells; `None` is NULL.
///
/// # Errors
/// [`WireError::Count`] for more than 65,535 cells or a row above 2³¹ bytes; `out` is as it was.
pub fn data_row<C: AsRef<[u8]>>(
    out: &mut Vec<u8>,
    cells: impl IntoIterator<Item = Option<C>>,
) -> Result<(), WireError> {
    message(out, b'D', |body| body.counted(cells, |body, cell| body.cell(cell.as_ref().map(AsRef::as_ref))))
}
