//! What does a client say first, before messages have types? A start-up, a request for encryption, or a cancel.

#[cfg(test)]
mod tests;

use std::fmt;

use super::cursor::Cursor;
use super::put::untagged;
use super::{ClientKey, ServerKey, WireError};

/// Bytes that the first packet may have, as in PostgreSQL itself (`MAX_STARTUP_PACKET_LENGTH`).
pub const STARTUP_LIMIT: usize = 10_000;

const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion {
    /// Always 3 in what is accepted.
    pub major: u16,
    /// 0 for PostgreSQL 7.4 to 17, 2 since 18.
    pub minor: u16,
}

impl ProtocolVersion {
    /// What every client and server speaks.
    pub const V3_0: Self = Self { major: 3, minor: 0 };
    /// Cancel keys of up to 256 bytes.
    pub const V3_2: Self = Self { major: 3, minor: 2 };

    pub(crate) fn number(self) -> u32 {
        u32::from(self.major) << 16 | u32::from(self.minor)
    }

    pub(crate) fn from_bytes([a, b, c, d]: [u8; 4]) -> Self {
        Self { major: u16::from_be_bytes([a, b]), minor: u16::from_be_bytes([c, d]) }
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// `StartupMessage`: who wants to work where. Parameters stand in the order in which they were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Startup {
    /// Version that the client asks for.
    pub version: ProtocolVersion,
    /// Name and value of each parameter: `user`, `database`, `application_name`, `options`, ….
    pub parameters: Vec<(String, String)>,
}

impl Startup {
    /// Value of a parameter; the last one when it was sent twice, as PostgreSQL takes it.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Names of requested extensions of the protocol (`_pq_.…`).
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with("_pq_."))
    }
}

/// The first packet of a connection.
#[derive(Debug, Clone)]
pub enum First {
    /// A session is to begin.
    Startup(Startup),
    /// `SSLRequest`: answered with one byte, `S` or `N`.
    Ssl,
    /// `GSSENCRequest`: answered with one byte, `G` or `N`.
    Gss,
    /// `CancelRequest`: nothing is answered.
    Cancel(ClientKey),
}

/// Reads the first packet. `None` while it is incomplete; otherwise also how many bytes it has.
///
/// # Errors
/// [`WireError`] for a packet above [`STARTUP_LIMIT`], another major version, or fields that don't add up.
pub fn decode(received: &[u8]) -> Result<Option<(First, usize)>, WireError> {
    let Some(stated) = received.first_chunk::<4>() else { return Ok(None) };
    let length = stated_length(*stated)?;
    let Some(body) = received.get(4..length) else { return Ok(None) };
    Ok(Some((first(body)?, length)))
}

/// Bytes of the whole packet, from its first four.
pub(crate) fn stated_length(stated: [u8; 4]) -> Result<usize, WireError> {
    let stated = u32::from_be_bytes(stated);
    let length = usize::try_from(stated).ok().filter(|length| *length >= 8);
    let length = length.ok_or(WireError::Length { tag: 0, length: stated })?;
    if length > STARTUP_LIMIT {
        return Err(WireError::TooLong { tag: 0, length, limit: STARTUP_LIMIT });
    }
    Ok(length)
}

fn first(body: &[u8]) -> Result<First, WireError> {
    let mut cursor = Cursor::new(body);
    let code = cursor.u32()?;
    match code {
        SSL => cursor.finish().map(|()| First::Ssl),
        GSS => cursor.finish().map(|()| First::Gss),
        CANCEL => {
            let process = cursor.u32()?;
            ClientKey::new(process, cursor.rest()).map(First::Cancel)
        }
        _ => startup(ProtocolVersion::from_bytes(code.to_be_bytes()), cursor).map(First::Startup),
    }
}

fn startup(version: ProtocolVersion, mut cursor: Cursor<'_>) -> Result<Startup, WireError> {
    if version.major != 3 {
        return Err(WireError::Version { major: version.major, minor: version.minor });
    }
    let mut parameters = Vec::new();
    loop {
        let name = cursor.text()?;
        if name.is_empty() {
            break;
        }
        parameters.push((name.to_owned(), cursor.text()?.to_owned()));
    }
    cursor.finish()?;
    Ok(Startup { version, parameters })
}

/// Appends a `StartupMessage`.
///
/// # Errors
/// [`WireError`] for text with a zero byte, a parameter without a name, or more than [`STARTUP_LIMIT`] bytes.
pub fn encode(startup: &Startup, out: &mut Vec<u8>) -> Result<(), WireError> {
    let start = out.len();
    untagged(out, |body| {
        body.u32(startup.version.number());
        for (name, value) in &startup.parameters {
            if name.is_empty() {
                return Err(WireError::Field { field: "name of a parameter", value: 0 });
            }
            body.text(name)?;
            body.text(value)?;
        }
        body.u8(0);
        Ok(())
    })?;
    let length = out.len() - start;
    if length > STARTUP_LIMIT {
        out.truncate(start);
        return Err(WireError::TooLong { tag: 0, length, limit: STARTUP_LIMIT });
    }
    Ok(())
}

/// The bytes of an `SSLRequest`.
pub fn ssl_request() -> [u8; 8] {
    let [a, b, c, d] = SSL.to_be_bytes();
    [0, 0, 0, 8, a, b, c, d]
}

/// Appends a `CancelRequest` for the server.
///
/// # Errors
/// [`WireError::Count`] never in practice: a key has at most 256 bytes.
pub fn encode_cancel(key: &ServerKey, out: &mut Vec<u8>) -> Result<(), WireError> {
    untagged(out, |body| {
        body.u32(CANCEL);
        body.u32(key.process());
        body.bytes(key.secret());
        Ok(())
    })
}
