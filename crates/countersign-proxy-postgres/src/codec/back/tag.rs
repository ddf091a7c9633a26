//! `CommandComplete`: what was done, and to how many rows?

use std::borrow::Cow;

use crate::codec::WireError;
use crate::codec::cursor::Cursor;

/// The tag of a completed command, such as `INSERT 0 3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandTag<'a> {
    /// The tag as sent.
    pub text: Cow<'a, str>,
}

impl<'a> CommandTag<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, WireError> {
        Ok(Self { text: super::lossy(cursor)? })
    }

    /// Rows returned or changed, when the command counts them.
    pub fn rows(&self) -> Option<u64> {
        self.text.rsplit(' ').next().and_then(|last| last.parse().ok())
    }
}
