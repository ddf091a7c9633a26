//! How is a message written? Tag, length and body at the end of a `Vec`, or nothing at all when it can't be written.

use super::{Format, WireError};

/// Appends one message. The length is filled in at the end; on an error `out` is as it was.
pub(crate) fn message(
    out: &mut Vec<u8>,
    tag: u8,
    write: impl FnOnce(&mut Body<'_>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let start = out.len();
    out.push(tag);
    let written = untagged(out, write);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// The same without a tag, as messages before login are.
pub(crate) fn untagged(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Body<'_>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let start = out.len();
    out.extend([0; 4]);
    let written = write(&mut Body { out }).and_then(|()| fill_length(out, start));
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn fill_length(out: &mut [u8], start: usize) -> Result<(), WireError> {
    let message = out.get_mut(start..).unwrap_or_default();
    let count = message.len();
    let length = i32::try_from(count).ok().ok_or(WireError::Count(count))?;
    if let Some(place) = message.first_chunk_mut() {
        *place = length.to_be_bytes();
    }
    Ok(())
}

/// Writes the fields of one body.
pub(crate) struct Body<'a> {
    out: &'a mut Vec<u8>,
}

impl Body<'_> {
    pub(crate) fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.out.extend(value.to_be_bytes());
    }

    pub(crate) fn i16(&mut self, value: i16) {
        self.out.extend(value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.out.extend(value.to_be_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.out.extend(value.to_be_bytes());
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.out.extend_from_slice(value);
    }

    /// Zero-terminated text. A zero inside would hide what follows it, so it is an error.
    pub(crate) fn text(&mut self, text: impl AsRef<[u8]>) -> Result<(), WireError> {
        let text = text.as_ref();
        if text.contains(&0) {
            return Err(WireError::Nul);
        }
        self.bytes(text);
        self.u8(0);
        Ok(())
    }

    /// Length and bytes; −1 for NULL.
    pub(crate) fn cell(&mut self, cell: Option<&[u8]>) -> Result<(), WireError> {
        let Some(cell) = cell else {
            self.i32(-1);
            return Ok(());
        };
        self.i32(i32::try_from(cell.len()).ok().ok_or(WireError::Count(cell.len()))?);
        self.bytes(cell);
        Ok(())
    }

    /// A count that is known only when all items are written: place for it, the items, then the count.
    pub(crate) fn counted<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        let place = self.out.len();
        self.u16(0);
        let mut count = 0usize;
        for item in items {
            write(self, item)?;
            count += 1;
        }
        let stated = u16::try_from(count).ok().ok_or(WireError::Count(count))?;
        if let Some(place) = self.out.get_mut(place..).and_then(|tail| tail.first_chunk_mut()) {
            *place = stated.to_be_bytes();
        }
        Ok(())
    }

    pub(crate) fn formats(&mut self, formats: &[Format]) -> Result<(), WireError> {
        self.counted(formats, |body, format| {
            body.u16(format.code());
            Ok(())
        })
    }
}
