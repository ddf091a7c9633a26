//! How does the gateway itself speak to a server? The client's messages, written.
//!
//! Each function appends to `out`, or leaves it as it was and says why it can't: [`WireError::Nul`] for text with a
//! zero byte, [`WireError::Count`] for more than the protocol can count.

use super::{Execute, Target};
use crate::codec::put::message;
use crate::codec::{Format, WireError};

/// Appends a `Query`.
///
/// # Errors
/// [`WireError::Nul`] or [`WireError::Count`].
pub fn query(out: &mut Vec<u8>, text: &str) -> Result<(), WireError> {
    message(out, b'Q', |body| body.text(text))
}

/// Appends a `Parse`: `text` under `name`, with the OIDs of the first parameters' types.
///
/// # Errors
/// [`WireError::Nul`] or [`WireError::Count`].
pub fn parse(out: &mut Vec<u8>, name: &str, text: &str, param_types: &[u32]) -> Result<(), WireError> {
    message(out, b'P', |body| {
        body.text(name)?;
        body.text(text)?;
        body.counted(param_types, |body, oid| {
            body.u32(*oid);
            Ok(())
        })
    })
}

/// What a `Bind` says besides its names.
#[derive(Debug, Clone, Copy, Default)]
pub struct BindValues<'a> {
    /// None for all text, one for all, or one for each parameter.
    pub param_formats: &'a [Format],
    /// `None` is NULL.
    pub params: &'a [Option<&'a [u8]>],
    /// None for all text, one for all, or one for each column.
    pub result_formats: &'a [Format],
}

/// Appends a `Bind` of a portal to a statement.
///
/// # Errors
/// [`WireError::Nul`] or [`WireError::Count`].
pub fn bind(
    out: &mut Vec<u8>,
    portal: &str,
    statement: &str,
    values: &BindValues<'_>,
) -> Result<(), WireError> {
    message(out, b'B', |body| {
        body.text(portal)?;
        body.text(statement)?;
        body.formats(values.param_formats)?;
        body.counted(values.params, |body, cell| body.cell(*cell))?;
        body.formats(values.result_formats)
    })
}

/// Appends an `Execute`.
///
/// # Errors
/// [`WireError::Nul`] or [`WireError::Count`].
pub fn execute(out: &mut Vec<u8>, execute: Execute<'_>) -> Result<(), WireError> {
    message(out, b'E', |body| {
        body.text(execute.portal)?;
        body.i32(execute.max_rows);
        Ok(())
    })
}

/// Appends a `Describe`.
///
/// # Errors
/// [`WireError::Nul`] or [`WireError::Count`].
pub fn describe(out: &mut Vec<u8>, target: Target<'_>) -> Result<(), WireError> {
    pointed(out, b'D', target)
}

/// Appends a `Close`.
///
/// # Errors
/// [`WireError::Nul`] or [`WireError::Count`].
pub fn close(out: &mut Vec<u8>, target: Target<'_>) -> Result<(), WireError> {
    pointed(out, b'C', target)
}

fn pointed(out: &mut Vec<u8>, tag: u8, target: Target<'_>) -> Result<(), WireError> {
    message(out, tag, |body| {
        body.u8(target.kind());
        body.text(target.name())
    })
}

/// Appends a `Sync`.
pub fn sync(out: &mut Vec<u8>) {
    out.extend(*b"S\0\0\0\x04");
}

/// Appends a `Flush`.
pub fn flush(out: &mut Vec<u8>) {
    out.extend(*b"H\0\0\0\x04");
}

/// Appends a `Terminate`.
pub fn terminate(out: &mut Vec<u8>) {
    out.extend(*b"X\0\0\0\x04");
}
