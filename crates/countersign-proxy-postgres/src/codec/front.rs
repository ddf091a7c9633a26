//! What does a client say after login? One borrowed view for each message.

mod bind;
mod call;
mod encode;
mod parse;
#[cfg(test)]
mod tests;

pub use bind::Bind;
pub use call::FunctionCall;
pub use encode::{BindValues, bind, close, describe, execute, flush, parse, query, sync, terminate};
pub use parse::Parse;

use super::WireError;
use super::cursor::Cursor;
use super::frame::Frame;

/// A message from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Front<'a> {
    /// `Q`: statements as text, run at once.
    Query(&'a str),
    /// `P`: prepares a statement.
    Parse(Parse<'a>),
    /// `B`: gives a prepared statement its parameters.
    Bind(Bind<'a>),
    /// `E`: runs a portal.
    Execute(Execute<'a>),
    /// `D`: asks for the shape of a statement or portal.
    Describe(Target<'a>),
    /// `C`: forgets a statement or portal.
    Close(Target<'a>),
    /// `S`: ends a series of messages, and its transaction when no block is open.
    Sync,
    /// `H`: asks for what has been answered so far.
    Flush,
    /// `d`: bytes for `COPY … FROM STDIN`.
    CopyData(&'a [u8]),
    /// `c`: the end of those bytes.
    CopyDone,
    /// `f`: the client gives up copying, and says why.
    CopyFail(&'a str),
    /// `F`: calls a function by its OID, without SQL.
    FunctionCall(FunctionCall<'a>),
    /// `X`: the client leaves.
    Terminate,
    /// `p`: an answer to a question of the login; what it means depends on the question.
    Answer(&'a [u8]),
}

/// `Execute`: which portal, and how many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execute<'a> {
    /// Name of the portal; empty for the unnamed one.
    pub portal: &'a str,
    /// Rows to return before the portal is suspended; 0 or less for all.
    pub max_rows: i32,
}

/// What `Describe` and `Close` point at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// `S`: a prepared statement of this name; empty for the unnamed one.
    Statement(&'a str),
    /// `P`: a portal of this name; empty for the unnamed one.
    Portal(&'a str),
}

impl<'a> Front<'a> {
    /// Reads a complete message.
    ///
    /// # Errors
    /// [`WireError`] when the body is not exactly what its type demands, or clients send no such type.
    pub fn decode(frame: Frame<'a>) -> Result<Self, WireError> {
        Self::from_parts(frame.tag, frame.body)
    }

    /// The same from a tag and a body.
    ///
    /// # Errors
    /// As [`Front::decode`].
    pub fn from_parts(tag: u8, body: &'a [u8]) -> Result<Self, WireError> {
        let mut cursor = Cursor::new(body);
        let message = match tag {
            b'Q' => Self::Query(cursor.text()?),
            b'P' => Self::Parse(Parse::read(&mut cursor)?),
            b'B' => Self::Bind(Bind::read(&mut cursor)?),
            b'E' => Self::Execute(Execute { portal: cursor.name()?, max_rows: cursor.i32()? }),
            b'D' => Self::Describe(Target::read(&mut cursor)?),
            b'C' => Self::Close(Target::read(&mut cursor)?),
            b'S' => Self::Sync,
            b'H' => Self::Flush,
            b'd' => return Ok(Self::CopyData(body)),
            b'c' => Self::CopyDone,
            b'f' => Self::CopyFail(cursor.text()?),
            b'F' => Self::FunctionCall(FunctionCall::read(&mut cursor)?),
            b'X' => Self::Terminate,
            b'p' => return Ok(Self::Answer(body)),
            other => return Err(WireError::Tag(other)),
        };
        cursor.finish()?;
        Ok(message)
    }
}

impl<'a> Target<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, WireError> {
        match cursor.u8()? {
            b'S' => cursor.name().map(Self::Statement),
            b'P' => cursor.name().map(Self::Portal),
            other => Err(WireError::Field { field: "kind", value: other.into() }),
        }
    }

    /// The name, whichever it is.
    pub fn name(self) -> &'a str {
        match self {
            Self::Statement(name) | Self::Portal(name) => name,
        }
    }

    fn kind(self) -> u8 {
        match self {
            Self::Statement(_) => b'S',
            Self::Portal(_) => b'P',
        }
    }
}
