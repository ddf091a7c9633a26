//! What stands in the place of what people must not read? The four modes, and what masking a value can end in.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::Key;

/// What replaces a value or a part of one.
///
/// | mode | a whole column ([`crate::ColumnMask`]) | what a detector found ([`crate::Detectors`]) |
/// |---|---|---|
/// | `partial` | at most two characters, an e-mail address's form, or the last four digits stay | the same per kind, see [`crate::Kind`]; never longer than what was found |
/// | `hash` | `mask:` and 16 hexadecimal digits | the same in the place of each finding |
/// | `null` | SQL's NULL | the whole value becomes NULL |
/// | `drop` | `[name]` with the column's name | `[kind]` in the place of each finding |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Keeps just enough to recognise: `a***@e***.com`, `****1111`.
    Partial,
    /// Keeps equality and nothing else: HMAC-SHA256 under a [`Key`], per column or kind, cut to 64 bits.
    Hash,
    /// Keeps nothing: the value becomes NULL.
    Null,
    /// Keeps only what it was: `[email]`.
    Drop,
}

impl Mode {
    /// Every mode, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Partial, Self::Hash, Self::Null, Self::Drop];

    /// As it is written in policies: `partial`, `hash`, `null`, `drop`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Partial => "partial",
            Self::Hash => "hash",
            Self::Null => "null",
            Self::Drop => "drop",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

/// A policy asks for a mode that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no way to mask; there are `partial`, `hash`, `null` and `drop`")]
pub struct UnknownMode(String);

/// How findings are replaced: the mode and the key for [`Mode::Hash`].
#[derive(Debug, Clone, Copy)]
pub struct Masking<'a> {
    /// What replaces a finding.
    pub mode: Mode,
    /// Used by [`Mode::Hash`] only.
    pub key: &'a Key,
}

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masked<'a> {
    /// Nothing had to be hidden; nothing was written.
    Same(&'a [u8]),
    /// The masked value was appended to the caller's buffer.
    Changed,
    /// The value must become NULL; nothing was written.
    Null,
}

/// Writes at most three stars and never more than `hidden`, so that a mask is never longer than what it hides.
pub(crate) fn stars(hidden: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"***".get(..hidden.min(3)).unwrap_or_default());
}
