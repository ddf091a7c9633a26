//! Which small values does the protocol share between its messages? Formats, states of a transaction, SQLSTATEs.

use std::fmt;

use super::WireError;

/// How a parameter or a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// As people read it.
    Text,
    /// As the type's own bytes.
    Binary,
}

impl Format {
    /// From the code on the wire: 0 or 1.
    ///
    /// # Errors
    /// [`WireError::Field`] for any other code.
    pub fn from_code(code: u16) -> Result<Self, WireError> {
        match code {
            0 => Ok(Self::Text),
            1 => Ok(Self::Binary),
            other => Err(WireError::Field { field: "format", value: other.into() }),
        }
    }

    /// The code on the wire.
    pub fn code(self) -> u16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }
}

/// A list of formats as the wire has it: none means all text, one counts for all, otherwise one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats<'a> {
    codes: &'a [u8],
}

impl<'a> Formats<'a> {
    pub(crate) fn new(codes: &'a [u8]) -> Result<Self, WireError> {
        let formats = Self { codes };
        for pair in codes.as_chunks().0 {
            Format::from_code(u16::from_be_bytes(*pair))?;
        }
        Ok(formats)
    }

    /// How many codes are stated; 0 and 1 count for any number of values.
    pub fn stated(self) -> usize {
        self.codes.len() / 2
    }

    /// Whether the list fits this number of values.
    pub fn fits(self, values: usize) -> bool {
        self.stated() < 2 || self.stated() == values
    }

    /// Format of the value at this place. `None` when the list is for fewer values.
    pub fn of(self, place: usize) -> Option<Format> {
        match self.stated() {
            0 => Some(Format::Text),
            1 => self.listed().next(),
            _ => self.listed().nth(place),
        }
    }

    /// The codes as stated.
    pub fn listed(self) -> impl ExactSizeIterator<Item = Format> + 'a {
        let pairs = self.codes.as_chunks::<2>().0;
        pairs.iter().map(|pair| if *pair == [0, 0] { Format::Text } else { Format::Binary })
    }
}

/// What `ReadyForQuery` says about the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransactionStatus {
    /// `I`: in no transaction.
    Idle,
    /// `T`: in a transaction block.
    Open,
    /// `E`: in a failed transaction block; only its end is accepted.
    Failed,
}

impl TransactionStatus {
    pub(crate) fn from_byte(byte: u8) -> Result<Self, WireError> {
        match byte {
            b'I' => Ok(Self::Idle),
            b'T' => Ok(Self::Open),
            b'E' => Ok(Self::Failed),
            other => Err(WireError::Field { field: "transaction status", value: other.into() }),
        }
    }

    /// The byte on the wire.
    pub fn byte(self) -> u8 {
        match self {
            Self::Idle => b'I',
            Self::Open => b'T',
            Self::Failed => b'E',
        }
    }
}

/// A five-character SQLSTATE (ISO 9075; PostgreSQL documentation, appendix A).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState([u8; 5]);

impl SqlState {
    /// `00000`: success; the code of most notices.
    pub const SUCCESSFUL: Self = Self(*b"00000");
    /// `01000`: warning.
    pub const WARNING: Self = Self(*b"01000");
    /// `08P01`: the peer broke the protocol.
    pub const PROTOCOL_VIOLATION: Self = Self(*b"08P01");
    /// `08006`: the connection failed.
    pub const CONNECTION_FAILURE: Self = Self(*b"08006");
    /// `0A000`: a feature that is not supported.
    pub const FEATURE_NOT_SUPPORTED: Self = Self(*b"0A000");
    /// `25P02`: the transaction is aborted.
    pub const IN_FAILED_TRANSACTION: Self = Self(*b"25P02");
    /// `28000`: this way of logging in is not accepted.
    pub const INVALID_AUTHORIZATION: Self = Self(*b"28000");
    /// `28P01`: wrong user or password.
    pub const INVALID_PASSWORD: Self = Self(*b"28P01");
    /// `3D000`: no such database.
    pub const UNKNOWN_DATABASE: Self = Self(*b"3D000");
    /// `42501`: no privilege.
    pub const INSUFFICIENT_PRIVILEGE: Self = Self(*b"42501");
    /// `42601`: a syntax error.
    pub const SYNTAX_ERROR: Self = Self(*b"42601");
    /// `53300`: too many connections.
    pub const TOO_MANY_CONNECTIONS: Self = Self(*b"53300");
    /// `54000`: a limit of the program is exceeded.
    pub const PROGRAM_LIMIT_EXCEEDED: Self = Self(*b"54000");
    /// `57014`: the statement was cancelled.
    pub const QUERY_CANCELED: Self = Self(*b"57014");
    /// `57P01`: an administrator ends the connection.
    pub const ADMIN_SHUTDOWN: Self = Self(*b"57P01");
    /// `57P03`: can't connect now, later perhaps.
    pub const CANNOT_CONNECT_NOW: Self = Self(*b"57P03");
    /// `XX000`: something inside is wrong.
    pub const INTERNAL_ERROR: Self = Self(*b"XX000");

    /// From text of five digits or capital letters; `None` for anything else.
    pub fn new(text: &[u8]) -> Option<Self> {
        let code: [u8; 5] = text.try_into().ok()?;
        let well = code.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        well.then_some(Self(code))
    }

    /// The five characters.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or("XX000")
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
