//! Whole or not, text or hex, arguments or doubt.

use super::{Bytes, HexRow, SHOWN_MAX_BYTES, Shown};
use crate::json_tree::Node;

#[test]
fn everything_up_to_the_limit_is_shown_and_one_byte_more_is_counted() {
    let whole = Shown::of(&vec![b'a'; SHOWN_MAX_BYTES]);
    assert_eq!((whole.total, whole.hidden), (SHOWN_MAX_BYTES, 0));
    let cut = Shown::of(&vec![b'a'; SHOWN_MAX_BYTES + 1]);
    assert_eq!((cut.total, cut.hidden), (SHOWN_MAX_BYTES + 1, 1));
}

#[test]
fn a_cut_never_splits_a_character() {
    let text = format!("a{}", "é".repeat(SHOWN_MAX_BYTES));
    let shown = Shown::of(text.as_bytes());
    assert_eq!(shown.hidden, text.len() - (SHOWN_MAX_BYTES - 1));
}

#[test]
fn bytes_that_are_not_text_are_shown_as_hex() {
    let shown = Shown::of(b"\xffAB\x00");
    let Bytes::Hex(rows) = shown.bytes else { panic!("not hex") };
    assert_eq!(rows, [HexRow { offset: 0, hex: "ff 41 42 00 ".to_owned(), ascii: ".AB.".to_owned() }]);
}

#[test]
fn the_arguments_are_found_unless_two_places_could_be_meant() {
    let one = Shown::of(br#"{"params":{"name":"x","arguments":{"id":1}}}"#);
    assert!(matches!(one.arguments(), Some(Node::Object(_))));
    assert!(!one.ambiguous());
    let two = Shown::of(br#"{"params":{"arguments":{"id":1},"arguments":{"id":2}}}"#);
    assert!(two.arguments().is_none());
    assert!(two.ambiguous());
}

#[test]
fn what_json_escapes_hide_is_counted_too() {
    assert_eq!(Shown::of(br#"{"a":"\u202e\u200b"}"#).chips(), 2);
    assert_eq!(Shown::of(br#"{"a":"plain"}"#).chips(), 0);
}
