//! How does the gateway ask the server something itself? One simple query, its rows, nothing else.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::codec::back::Back;
use crate::codec::frame::{Rule, Rules, Scan, Scanner};
use crate::codec::{WireError, front};
use crate::wire::Wire;

/// A cell; `None` is NULL.
pub(crate) type Cell = Option<Vec<u8>>;

/// What one question brought.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The names of the last result's columns.
    pub(crate) columns: Vec<String>,
    /// The types of a described statement's parameters.
    pub(crate) parameter_types: Vec<u32>,
    /// The rows of the last result.
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Answer {
    /// The cell of an answer that has only one.
    pub(crate) fn only_text(&self) -> Option<&str> {
        let [row] = self.rows.as_slice() else { return None };
        let [cell] = row.as_slice() else { return None };
        std::str::from_utf8(cell.as_deref()?).ok()
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("talking to the server")]
    Lost(#[from] io::Error),
    #[error("the server broke the protocol")]
    Wire(#[from] WireError),
    #[error("the server refused: {0}")]
    Refused(String),
    #[error("the answer has more than {0} bytes")]
    TooLong(usize),
    #[error("the server's answer can't be understood: {0}")]
    Senseless(String),
}

/// Asks and waits for the whole answer, which may have `limit` bytes.
pub(crate) async fn ask(wire: &mut Wire, text: &str, limit: usize) -> Result<Answer, AskError> {
    let mut question = Vec::new();
    front::query(&mut question, text)?;
    converse(wire, &question, limit).await
}

/// Sends messages that end with one `Sync` or query and collects what comes before `ReadyForQuery`.
pub(crate) async fn converse(wire: &mut Wire, messages: &[u8], limit: usize) -> Result<Answer, AskError> {
    wire.write_all(messages).await?;
    wire.flush().await?;
    let rules = Rules::server().with(b"D", Rule::Whole { limit });
    let mut scanner = Scanner::default();
    let mut buffer: Vec<u8> = Vec::new();
    let mut answer = Answer::default();
    let mut refused = None;
    let mut total = 0_usize;
    loop {
        let mut at = 0;
        while let Scan::Whole(frame) = scanner.scan(&rules, buffer.get(at..).unwrap_or_default())? {
            match Back::decode(frame)? {
                Back::Ready(_) => return refused.map_or(Ok(answer), Err),
                Back::RowDescription(columns) => {
                    answer.columns = columns.fields().map(|field| field.name.into_owned()).collect();
                    answer.rows.clear();
                }
                Back::ParameterDescription(types) => answer.parameter_types = types.types().collect(),
                Back::DataRow(row) => {
                    answer.rows.push(row.cells().map(|cell| cell.map(<[u8]>::to_vec)).collect());
                }
                Back::Error(fault) => refused = Some(AskError::Refused(fault.message().into_owned())),
                _ => {}
            }
            at += frame.whole.len();
        }
        buffer.drain(..at);
        let read = wire.read_buf(&mut buffer).await?;
        total = total.saturating_add(read);
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if total > limit {
            return Err(AskError::TooLong(limit));
        }
    }
}
