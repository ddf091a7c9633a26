//! Number spelling, order, doubles, depth, size.

use super::{Member, Node, parse};

fn member(key: &str, value: Node, duplicate: bool) -> Member {
    Member { key: key.to_owned(), value, duplicate }
}

#[test]
fn numbers_order_and_duplicate_keys_are_kept_as_they_were_sent() {
    let tree = parse(r#"{"b":9007199254740993,"a":1.50e3,"b":"x","c":[true,null]}"#);
    let number = |text: &str| Node::Number(text.to_owned());
    let word = |text: &str| Node::Word(text.to_owned());
    assert_eq!(
        tree,
        Some(Node::Object(vec![
            member("b", number("9007199254740993"), true),
            member("a", number("1.50e3"), false),
            member("b", Node::Text("x".to_owned()), true),
            member("c", Node::Array(vec![word("true"), word("null")]), false),
        ]))
    );
}

#[test]
fn escapes_are_resolved_so_that_the_renderer_sees_the_characters() {
    assert_eq!(parse(r#""a\u202eb""#), Some(Node::Text("a\u{202E}b".to_owned())));
}

#[test]
fn a_string_that_is_not_text_stays_as_written() {
    assert_eq!(parse(r#"["\ud800"]"#), Some(Node::Array(vec![Node::Raw(r#""\ud800""#.to_owned())])));
}

#[test]
fn a_key_that_stands_twice_is_never_picked() {
    let tree = parse(r#"{"params":{"arguments":1},"params":{"arguments":2}}"#).unwrap();
    assert_eq!(tree.only("params"), None);
    assert!(tree.has_duplicates());
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let mut node = parse(&deep).unwrap();
    let mut levels = 0;
    while let Node::Array(mut items) = node {
        node = items.remove(0);
        levels += 1;
    }
    assert_eq!(levels, super::DEPTH_MAX + 1);
    assert!(matches!(node, Node::Raw(_)));
    assert_eq!(parse(&format!("[{}1]", "1,".repeat(6000))), None);
    assert_eq!(parse("{} x"), None);
}
