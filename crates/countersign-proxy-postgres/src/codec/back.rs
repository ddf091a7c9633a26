//! What does a server say? One borrowed view for each message.

mod authentication;
mod copy;
mod description;
mod encode;
mod fault;
mod row;
mod tag;
#[cfg(test)]
mod tests;

pub use authentication::Authentication;
pub use copy::CopyShape;
pub use description::{Field, ParameterDescription, RowDescription, row_description};
pub use encode::{
    authentication_cleartext, authentication_ok, backend_key_data, bind_complete, close_complete,
    command_complete, empty_query, negotiate_protocol_version, no_data, parameter_status, parse_complete,
    ready,
};
pub use fault::{Complaint, Fault, Severity};
pub use row::{DataRow, data_row};
pub use tag::CommandTag;

use std::borrow::Cow;

use super::cursor::Cursor;
use super::frame::Frame;
use super::startup::ProtocolVersion;
use super::{ServerKey, TransactionStatus, WireError};

/// A message from a server.
#[derive(Debug, Clone)]
pub enum Back<'a> {
    /// `R`: what the login asks, or that it is done.
    Authentication(Authentication<'a>),
    /// `S`: a setting has this value now.
    ParameterStatus {
        /// Name of the setting.
        name: Cow<'a, str>,
        /// Its value.
        value: Cow<'a, str>,
    },
    /// `K`: how to cancel what runs here.
    BackendKeyData(ServerKey),
    /// `Z`: the server waits for the next statement.
    Ready(TransactionStatus),
    /// `T`: the columns of what follows.
    RowDescription(RowDescription<'a>),
    /// `D`: one row.
    DataRow(DataRow<'a>),
    /// `C`: a statement is done.
    CommandComplete(CommandTag<'a>),
    /// `I`: the text held no statement.
    EmptyQuery,
    /// `s`: the portal has more rows.
    PortalSuspended,
    /// `E`: an error.
    Error(Fault<'a>),
    /// `N`: a notice.
    Notice(Fault<'a>),
    /// `1`: `Parse` is done.
    ParseComplete,
    /// `2`: `Bind` is done.
    BindComplete,
    /// `3`: `Close` is done.
    CloseComplete,
    /// `n`: what was described returns no rows.
    NoData,
    /// `t`: types of a statement's parameters.
    ParameterDescription(ParameterDescription<'a>),
    /// `G`: the server waits for copied data.
    CopyIn(CopyShape<'a>),
    /// `H`: copied data follows.
    CopyOut(CopyShape<'a>),
    /// `W`: copied data goes both ways; replication only.
    CopyBoth(CopyShape<'a>),
    /// `d`: copied data.
    CopyData(&'a [u8]),
    /// `c`: the end of it.
    CopyDone,
    /// `A`: somebody notified a channel.
    Notification {
        /// Process id of the one who did.
        process: u32,
        /// Name of the channel.
        channel: Cow<'a, str>,
        /// What was said.
        payload: Cow<'a, str>,
    },
    /// `V`: the result of a `FunctionCall`; `None` is NULL.
    FunctionResult(Option<&'a [u8]>),
    /// `v`: the server speaks an older minor version, and knows none of these extensions.
    NegotiateProtocolVersion {
        /// The newest that it speaks.
        newest: ProtocolVersion,
        /// Names of extensions (`_pq_.…`) that it does not know.
        unknown: Vec<Cow<'a, str>>,
    },
}

impl<'a> Back<'a> {
    /// Reads a complete message.
    ///
    /// # Errors
    /// [`WireError`] when the body is not exactly what its type demands, or servers send no such type.
    pub fn decode(frame: Frame<'a>) -> Result<Self, WireError> {
        Self::from_parts(frame.tag, frame.body)
    }

    /// The same from a tag and a body.
    ///
    /// # Errors
    /// As [`Back::decode`].
    pub fn from_parts(tag: u8, body: &'a [u8]) -> Result<Self, WireError> {
        let mut cursor = Cursor::new(body);
        let message = match tag {
            b'R' => return Authentication::read(cursor).map(Self::Authentication),
            b'K' => return ServerKey::new(cursor.u32()?, cursor.rest()).map(Self::BackendKeyData),
            b'd' => return Ok(Self::CopyData(body)),
            b'S' => Self::ParameterStatus { name: lossy(&mut cursor)?, value: lossy(&mut cursor)? },
            b'Z' => Self::Ready(TransactionStatus::from_byte(cursor.u8()?)?),
            b'T' => Self::RowDescription(RowDescription::read(&mut cursor)?),
            b'D' => Self::DataRow(DataRow::read(&mut cursor)?),
            b'C' => Self::CommandComplete(CommandTag::read(&mut cursor)?),
            b'E' => Self::Error(Fault::read(&mut cursor)?),
            b'N' => Self::Notice(Fault::read(&mut cursor)?),
            b't' => Self::ParameterDescription(ParameterDescription::read(&mut cursor)?),
            b'G' => Self::CopyIn(CopyShape::read(&mut cursor)?),
            b'H' => Self::CopyOut(CopyShape::read(&mut cursor)?),
            b'W' => Self::CopyBoth(CopyShape::read(&mut cursor)?),
            b'A' => notification(&mut cursor)?,
            b'V' => Self::FunctionResult(cursor.cell()?),
            b'v' => negotiation(&mut cursor)?,
            other => Self::empty(other)?,
        };
        cursor.finish()?;
        Ok(message)
    }

    /// Messages that are nothing but their type.
    fn empty(tag: u8) -> Result<Self, WireError> {
        match tag {
            b'1' => Ok(Self::ParseComplete),
            b'2' => Ok(Self::BindComplete),
            b'3' => Ok(Self::CloseComplete),
            b'n' => Ok(Self::NoData),
            b's' => Ok(Self::PortalSuspended),
            b'I' => Ok(Self::EmptyQuery),
            b'c' => Ok(Self::CopyDone),
            other => Err(WireError::Tag(other)),
        }
    }
}

/// Text of a server, whose encoding before login, or of a `SQL_ASCII` database, nobody promises.
fn lossy<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, WireError> {
    cursor.raw_text().map(String::from_utf8_lossy)
}

fn notification<'a>(cursor: &mut Cursor<'a>) -> Result<Back<'a>, WireError> {
    Ok(Back::Notification { process: cursor.u32()?, channel: lossy(cursor)?, payload: lossy(cursor)? })
}

fn negotiation<'a>(cursor: &mut Cursor<'a>) -> Result<Back<'a>, WireError> {
    let newest = ProtocolVersion::from_bytes(cursor.u32()?.to_be_bytes());
    // The documentation reads as if only the minor number were sent; servers send both.
    let newest = if newest.major == 0 { ProtocolVersion { major: 3, ..newest } } else { newest };
    let count = cursor.u32()?;
    // Each name has at least its end, so a count above what is there fails before anything is kept for it.
    let unknown = (0..count).map(|_| lossy(cursor)).collect::<Result<_, _>>()?;
    Ok(Back::NegotiateProtocolVersion { newest, unknown })
}
