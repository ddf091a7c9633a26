//! How is one message read while logging in? Exactly it and not a byte more, so nothing is left over afterwards.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::codec::WireError;
use crate::codec::back::Back;
use crate::codec::cursor::Cursor;
use crate::codec::frame::{Rules, Scan, Scanner};

/// Why no message could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("reading from the connection")]
    Lost(#[from] io::Error),
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// A message of its own.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) tag: u8,
    bytes: Vec<u8>,
}

const HEADER: usize = 5;

impl Message {
    pub(crate) fn body(&self) -> &[u8] {
        self.bytes.get(HEADER..).unwrap_or_default()
    }

    /// As a server's message.
    pub(crate) fn back(&self) -> Result<Back<'_>, WireError> {
        Back::from_parts(self.tag, self.body())
    }

    /// The body as one zero-terminated text and nothing else, which is what a password is.
    pub(crate) fn text(&self) -> Result<&str, WireError> {
        let mut cursor = Cursor::new(self.body());
        let text = cursor.text()?;
        cursor.finish()?;
        Ok(text)
    }
}

/// Reads exactly one message that `rules` want whole.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin), rules: &Rules) -> Result<Message, ReadError> {
    let mut bytes = Vec::new();
    loop {
        let missing = match Scanner::default().scan(rules, &bytes)? {
            Scan::Whole(frame) => return Ok(Message { tag: frame.tag, bytes }),
            Scan::Piece { tag, .. } => return Err(WireError::Tag(tag).into()),
            // The tag first: a wrong one is refused though nothing follows it.
            Scan::Wait { .. } if bytes.is_empty() => 1,
            Scan::Wait { missing } => missing,
        };
        let start = bytes.len();
        bytes.resize(start + missing, 0);
        stream.read_exact(bytes.get_mut(start..).unwrap_or_default()).await?;
    }
}
