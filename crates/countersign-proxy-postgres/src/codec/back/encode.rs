//! What does the gateway itself say to a client? The server's messages, written.
//!
//! Each function appends to `out`. Those that can fail leave it as it was: [`WireError::Nul`] for text with a zero
//! byte, [`WireError::Count`] for more than the protocol can count. Errors and notices are a
//! [`Complaint`](super::Complaint), rows are [`data_row`](super::data_row).

use crate::codec::put::message;
use crate::codec::startup::ProtocolVersion;
use crate::codec::{ClientKey, TransactionStatus, WireError};

/// Appends `AuthenticationOk`.
pub fn authentication_ok(out: &mut Vec<u8>) {
    out.extend(*b"R\0\0\0\x08\0\0\0\0");
}

/// Appends `AuthenticationCleartextPassword`.
pub fn authentication_cleartext(out: &mut Vec<u8>) {
    out.extend(*b"R\0\0\0\x08\0\0\0\x03");
}

/// Appends a `ParameterStatus`.
///
/// # Errors
/// [`WireError::Nul`] or [`WireError::Count`].
pub fn parameter_status(out: &mut Vec<u8>, name: &str, value: &str) -> Result<(), WireError> {
    message(out, b'S', |body| {
        body.text(name)?;
        body.text(value)
    })
}

/// Appends `BackendKeyData` with a key of the gateway's own; a server's key does not fit here.
///
/// # Errors
/// [`WireError::Count`] never in practice: a key has at most 256 bytes.
pub fn backend_key_data(out: &mut Vec<u8>, key: &ClientKey) -> Result<(), WireError> {
    message(out, b'K', |body| {
        body.u32(key.process());
        body.bytes(key.secret());
        Ok(())
    })
}

/// Appends `ReadyForQuery`.
pub fn ready(out: &mut Vec<u8>, status: TransactionStatus) {
    out.extend([b'Z', 0, 0, 0, 5, status.byte()]);
}

/// Appends `CommandComplete` with this tag.
///
/// # Errors
/// [`WireError::Nul`] or [`WireError::Count`].
pub fn command_complete(out: &mut Vec<u8>, tag: &str) -> Result<(), WireError> {
    message(out, b'C', |body| body.text(tag))
}

/// Appends `EmptyQueryResponse`.
pub fn empty_query(out: &mut Vec<u8>) {
    out.extend(*b"I\0\0\0\x04");
}

/// Appends `ParseComplete`.
pub fn parse_complete(out: &mut Vec<u8>) {
    out.extend(*b"1\0\0\0\x04");
}

/// Appends `BindComplete`.
pub fn bind_complete(out: &mut Vec<u8>) {
    out.extend(*b"2\0\0\0\x04");
}

/// Appends `CloseComplete`.
pub fn close_complete(out: &mut Vec<u8>) {
    out.extend(*b"3\0\0\0\x04");
}

/// Appends `NoData`.
pub fn no_data(out: &mut Vec<u8>) {
    out.extend(*b"n\0\0\0\x04");
}

/// Appends `NegotiateProtocolVersion`: the newest version that we speak, and the extensions that we don't.
///
/// # Errors
/// [`WireError::Nul`] or [`WireError::Count`].
pub fn negotiate_protocol_version<'a>(
    out: &mut Vec<u8>,
    newest: ProtocolVersion,
    unknown: impl IntoIterator<Item = &'a str>,
) -> Result<(), WireError> {
    let unknown: Vec<&str> = unknown.into_iter().collect();
    message(out, b'v', |body| {
        body.u32(newest.number());
        body.u32(u32::try_from(unknown.len()).ok().ok_or(WireError::Count(unknown.len()))?);
        unknown.iter().try_for_each(|name| body.text(name))
    })
}
