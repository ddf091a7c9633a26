//! What must people not read? Masks values by column rule and by what they look like.
//!
//! Two doors. [`ColumnMask`] hides a whole value because policy names its column. [`Detectors`] search a value for
//! e-mail addresses, card numbers, keys and the like ([`Kind`]) and hide only those. What takes their place is a
//! [`Mode`].
//!
//! The crate knows no protocol, no type system and no clock. Its callers decide which values are searched: numbers,
//! dates and UUIDs have types that say more than their looks. Content detection is a net with holes: whoever may
//! write SQL can split, reverse or encode a value so that nothing recognises it. Columns that must not be read belong
//! in a rule.
//!
//! Everything here looks at each byte a bounded number of times, whatever the value: there are no regular
//! expressions, so there is no cache to overflow.

mod bytes;
mod column;
mod detectors;
mod digits;
mod email;
mod key;
mod kind;
mod literals;
mod mode;
mod partial;
mod render;
mod secrets;
mod server_text;
mod spans;

pub use column::{ColumnMask, PARTIAL_KEEPS};
pub use detectors::{BuildDetectorsError, Detectors, Scratch};
pub use key::Key;
pub use kind::{Found, Kind, UnknownKind};
pub use mode::{Masked, Masking, Mode, UnknownMode};

/// No finding reaches over more bytes than this, with what announces it and what it is checked against before and
/// behind. Whoever searches a stream in pieces keeps this many bytes of one piece for the next.
pub const LONGEST_MATCH: usize = 16 * 1024;
