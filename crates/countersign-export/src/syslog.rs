//! How does a line travel by syslog? As the message of RFC 5424, behind its length in octets (RFC 6587), so that nothing
//! within it can begin another message.

use crate::Entry;
use crate::meaning::{self, Severity};

/// Log audit.
const FACILITY: u8 = 13;

pub(crate) fn frame(entry: &Entry, line: &str) -> Vec<u8> {
    let severity = match meaning::severity(entry) {
        Severity::Informational => 6,
        Severity::Low => 5,
        Severity::Medium => 4,
    };
    let leaf = &entry.leaf;
    let (time, host, kind) = (&leaf.time, host(&leaf.node), leaf.kind.word());
    let message = format!("<{}>1 {time} {host} countersign - {kind} - {line}", FACILITY * 8 + severity);
    format!("{} {message}", message.len()).into_bytes()
}

/// A name as the header can hold it: printable ASCII without blanks, at most 255 letters.
fn host(node: &str) -> String {
    let printable = |letter: char| if letter.is_ascii_graphic() { letter } else { '_' };
    let host: String = node.chars().map(printable).take(255).collect();
    if host.is_empty() { "-".to_owned() } else { host }
}

#[cfg(test)]
mod tests;
