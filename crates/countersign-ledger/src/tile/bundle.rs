//! How do entries stand in a bundle? Each behind its length in two bytes, big-endian.

use super::{Bundle, TILE_WIDTH};

/// Longer entries can't be written: their length has two bytes.
pub const ENTRY_MAX_BYTES: usize = 65_535;

/// Why entries are not a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// An entry is too long.
    #[error("entry {at} of the bundle has {bytes} bytes; at most {ENTRY_MAX_BYTES} fit")]
    TooLong {
        /// Which, from 0.
        at: usize,
        /// How long.
        bytes: usize,
    },
    /// More entries than a bundle holds.
    #[error("a bundle holds at most {TILE_WIDTH} entries")]
    TooMany,
    /// The bytes end within an entry.
    #[error("the bundle ends within its entry {at}")]
    Cut {
        /// Which, from 0.
        at: usize,
    },
    /// Fewer or more entries than the place says.
    #[error("the bundle has {found} entries, not {expected}")]
    Width {
        /// How many its place says.
        expected: u16,
        /// How many there are.
        found: usize,
    },
}

/// At most 256 entries as a bundle's bytes.
///
/// # Errors
/// [`BundleError::TooLong`] or [`BundleError::TooMany`].
pub fn encode_entries<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        if at >= usize::from(TILE_WIDTH) {
            return Err(BundleError::TooMany);
        }
        let too_long = |_| BundleError::TooLong { at, bytes: entry.len() };
        let length = u16::try_from(entry.len()).map_err(too_long)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

impl Bundle {
    /// The entries in a bundle's bytes, in order.
    ///
    /// # Errors
    /// [`BundleError`] when they are not exactly as many as this place has.
    pub fn entries(self, bytes: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
        let mut entries = Vec::with_capacity(usize::from(self.width));
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = entries.len();
            if at == usize::from(TILE_WIDTH) {
                return Err(BundleError::TooMany);
            }
            let (length, after) = rest.split_first_chunk::<2>().ok_or(BundleError::Cut { at })?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, after) = after.split_at_checked(length).ok_or(BundleError::Cut { at })?;
            entries.push(entry);
            rest = after;
        }
        if entries.len() != usize::from(self.width) {
            return Err(BundleError::Width { expected: self.width, found: entries.len() });
        }
        Ok(entries)
    }
}
