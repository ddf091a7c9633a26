//! What happens with any bytes at all? Entry points for a fuzzer; the normal tests run them on fixed seeds.
//!
//! None of these may panic or loop for ever, whatever they are given.

use crate::codec::back::Back;
use crate::codec::frame::{Rule, Rules, Scan, Scanner};
use crate::codec::front::Front;
use crate::codec::startup;

#[cfg(test)]
mod tests;

/// Everything a client could send after login: as a stream, and each message as it is.
pub fn fuzz_front(bytes: &[u8]) {
    stream(&Rules::client(), bytes);
    for tag in *b"QPBEDCSHdcfFXp" {
        if let Ok(message) = Front::from_parts(tag, bytes) {
            walk_front(&message);
        }
    }
}

fn walk_front(message: &Front<'_>) {
    match message {
        Front::Bind(bind) => assert_eq!(bind.params().count(), bind.param_count()),
        Front::Parse(parse) => drop(parse.param_types().count()),
        Front::FunctionCall(call) => drop(call.arguments().count()),
        _ => {}
    }
}

/// Everything a server could send: as a stream, and each message as it is.
pub fn fuzz_back(bytes: &[u8]) {
    stream(&Rules::server().with(b"DdV", Rule::Whole { limit: 1 << 20 }), bytes);
    for tag in *b"RKSZTDCEN1t23nsIcGHWdAVv" {
        if let Ok(message) = Back::from_parts(tag, bytes) {
            walk_back(&message);
        }
    }
}

fn walk_back(message: &Back<'_>) {
    match message {
        Back::RowDescription(columns) => assert_eq!(columns.fields().count(), columns.len()),
        Back::DataRow(row) => {
            assert_eq!(row.cells().count(), row.len());
            assert_eq!(row.cell_ranges().count(), row.len());
        }
        Back::Error(fault) | Back::Notice(fault) => drop((fault.fields().count(), fault.severity())),
        Back::CommandComplete(tag) => drop(tag.rows()),
        _ => {}
    }
}

/// Everything a client could send first.
pub fn fuzz_startup(bytes: &[u8]) {
    if let Ok(Some((_, length))) = startup::decode(bytes) {
        assert!(length <= bytes.len());
    }
}

fn stream(rules: &Rules, bytes: &[u8]) {
    let mut scanner = Scanner::default();
    let mut rest = bytes;
    loop {
        let taken = match scanner.scan(rules, rest) {
            Ok(Scan::Whole(frame)) => frame.whole.len(),
            Ok(Scan::Piece { bytes, .. }) => bytes.len(),
            Ok(Scan::Wait { .. }) | Err(_) => return,
        };
        assert!(taken > 0);
        rest = rest.get(taken..).unwrap_or_default();
    }
}
