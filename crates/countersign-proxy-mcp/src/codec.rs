//! What does this JSON-RPC message say, byte for byte? Sans-IO: bytes in, spans out, no sockets, no clock.
//!
//! Nothing here rebuilds a message from parsed values. A message is its received text plus spans into it, so what
//! is digested, shown and forwarded is always the same text, except for the correlators that [`splice`] replaces.

mod answer;
mod frame;
mod graft;
mod message;
mod scan;
mod sse;

pub(crate) use answer::{Answer, Incoming, Kept};
pub(crate) use frame::{error, one_line, reframe, result, splice};
pub(crate) use graft::graft;
pub(crate) use message::{Message, Shape};
pub(crate) use scan::{DEPTH_MAX, Kind, Malformed, View};
pub(crate) use sse::{SseReader, event};

/// Scans a whole text strictly.
pub(crate) fn scan(text: &str) -> Result<Vec<scan::Node>, Malformed> {
    scan::scan(text, DEPTH_MAX)
}

#[cfg(test)]
mod tests;
