//! Does a receiver find each message whole, and no message within another?

use countersign_ledger::{Kind, Place};

use crate::fixtures::{self, ATTACKS};
use crate::{Disclosure, Entry, LineFormat};

/// As a receiver reads a stream: a length, a blank, so many octets.
fn read(mut stream: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    while !stream.is_empty() {
        let blank = stream.iter().position(|byte| *byte == b' ').unwrap();
        let length: usize = std::str::from_utf8(&stream[..blank]).unwrap().parse().unwrap();
        let (message, rest) = stream[blank + 1..].split_at(length);
        messages.push(String::from_utf8(message.to_vec()).unwrap());
        stream = rest;
    }
    messages
}

#[test]
fn a_message_has_the_header_of_rfc_5424() {
    let entry = fixtures::entry(&fixtures::record(Kind::ActionUnknown), &[]);
    let [message] = read(&entry.syslog(LineFormat::Cef).unwrap()).try_into().unwrap();
    let head = "<108>1 2026-11-22T05:03:14.123456Z node-1 countersign - action.unknown - CEF:0|";
    assert!(message.starts_with(head), "{message}");
}

#[test]
fn nothing_in_a_name_makes_a_message_of_its_own() {
    for attack in ATTACKS {
        for format in [LineFormat::Json, LineFormat::Ocsf, LineFormat::Cef] {
            let frames = [fixtures::requested(attack), fixtures::requested("plain")]
                .map(|entry| entry.syslog(format).unwrap())
                .concat();
            let messages = read(&frames);
            assert_eq!(messages.len(), 2, "{messages:?}");
            for message in messages {
                assert!(message.starts_with("<110>1 2026-11-22T05:03:14.123456Z node-1 countersign - "));
                // Receivers that write to files go by lines.
                assert!(!message.contains(['\n', '\r', '\0']), "{message:?}");
            }
        }
    }
}

#[test]
fn a_nodes_name_stays_within_its_field() {
    let place = Place { tenant: "default", node: "a b\n<110>1 ä", nseq: 1, prev: None };
    let leaf = fixtures::record(Kind::LogHeartbeat).encode(place, &mut |bytes| bytes.fill(7)).unwrap().leaf;
    let entry = Entry::open("x", 1, &leaf, [].into(), &Disclosure::default()).unwrap();
    let [message] = read(&entry.syslog(LineFormat::Cef).unwrap()).try_into().unwrap();
    assert!(message.contains("Z a_b_<110>1__ countersign - log.heartbeat - CEF"), "{message}");
}
