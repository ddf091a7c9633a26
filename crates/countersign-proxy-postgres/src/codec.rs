//! What do the bytes of the PostgreSQL protocol say? Bytes in, messages out; no socket, no clock, no task.
//!
//! Decoding is strict: a missing or a trailing byte, an unknown tag, text that is not UTF-8 or a count that does not
//! add up is an error, because what two parsers could read differently can't be judged. [`frame`] finds messages
//! in a stream of bytes, [`startup`] reads what comes before the first message, [`front`] is what clients say and
//! [`back`] what servers say. Message formats: PostgreSQL documentation, chapter "Frontend/Backend Protocol",
//! versions 3.0 and 3.2.

pub mod back;
pub(crate) mod cursor;
pub mod frame;
pub mod front;
mod key;
pub(crate) mod put;
pub mod startup;
mod value;

pub use key::{ClientKey, KEY_BYTES, ServerKey};
pub use value::{Format, Formats, SqlState, TransactionStatus};

/// Why bytes are not a message of the protocol. Positions count from the start of the message's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The length counts itself, so it is never below 4; above 2³¹ it would be negative.
    #[error("a message of type `{}` states an impossible length of {length} bytes", tag.escape_ascii())]
    Length {
        /// Type of the message; 0 before login, where messages have none.
        tag: u8,
        /// What it states.
        length: u32,
    },
    /// More than the limit for this type of message; known from its header, before the body is read.
    #[error("a message of type `{}` has {length} bytes and may have {limit}", tag.escape_ascii())]
    TooLong {
        /// Type of the message; 0 before login, where messages have none.
        tag: u8,
        /// Body bytes that it states.
        length: usize,
        /// Body bytes that it may have.
        limit: usize,
    },
    /// No such message in this direction, or none that may be sent here.
    #[error("no message of type `{}` is expected here", .0.escape_ascii())]
    Tag(u8),
    /// The body ends before its fields do.
    #[error("the message ends early, at byte {0}")]
    Missing(usize),
    /// The body goes on after its last field.
    #[error("the message goes on after its last field, at byte {0}")]
    Trailing(usize),
    /// Text that is not UTF-8.
    #[error("text is not UTF-8 at byte {0}")]
    Utf8(usize),
    /// A name of a statement or portal that the server would cut.
    #[error("a name has {0} bytes and may have 63")]
    Name(usize),
    /// A field holds a value that the protocol does not give a meaning.
    #[error("field `{field}` can't be {value}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// What it holds.
        value: i64,
    },
    /// Another major version of the protocol than 3.
    #[error("protocol version {major}.{minor} is not supported")]
    Version {
        /// Requested major version.
        major: u16,
        /// Requested minor version.
        minor: u16,
    },
    /// Text to be sent holds a zero byte, which would end it early and hide its tail.
    #[error("text holds a zero byte, which can't be sent")]
    Nul,
    /// More items or bytes than a field of the protocol can count.
    #[error("{0} items or bytes are more than the protocol can count")]
    Count(usize),
}
