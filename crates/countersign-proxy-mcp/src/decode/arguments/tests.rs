use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::codec::scan;

fn flat(text: &str) -> Flat {
    let nodes = scan(text).unwrap();
    flatten(Some(View::root(text, &nodes)))
}

fn leaves(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.values().map(leaves).sum(),
        Value::Array(items) => items.iter().map(leaves).sum(),
        _ => 1,
    }
}

/// Values whose keys are made of what paths are made of.
fn values() -> impl Strategy<Value = Value> {
    let leaf = any::<u8>().prop_map(|number| json!(number));
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[ab.\\\\0-1]{0,3}", inner, 0..5)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

proptest! {
    #[test]
    fn every_leaf_has_a_path_of_its_own(value in values()) {
        let flat = flat(&value.to_string());
        prop_assert!(!flat.cut);
        prop_assert_eq!(flat.arguments.len(), leaves(&value));
    }

    #[test]
    fn what_is_shown_stays_bounded(key in "[a-z]{1,700}", text in "[a-z]{0,3000}", many in 0_usize..700) {
        let flat = flat(&json!({ key: { "of": vec![text; many] } }).to_string());
        let bytes: usize = flat.arguments.keys().map(String::len).sum();
        prop_assert!(bytes <= BYTES_MAX && flat.arguments.len() <= LEAVES_MAX);
        prop_assert!(flat.arguments.keys().all(|path| path.len() <= PATH_BYTES_MAX));
    }
}

#[test]
fn an_empty_key_is_not_the_root() {
    let flat = flat(r#"{"path":"secret","":{"path":"ok","":1},"a":{"":2}}"#);
    let paths: Vec<&str> = flat.arguments.keys().map(String::as_str).collect();
    assert_eq!((paths.as_slice(), flat.cut), ([".", ".path", "a.", "path"].as_slice(), false));
    assert_eq!(flat.arguments["path"], Scalar::Text("secret".to_owned()));
}

#[test]
fn what_can_be_read_in_two_ways_or_is_too_much_is_doubt() {
    let long = "k".repeat(400);
    for text in [
        r#"{"path":1,"Path":2}"#.to_owned(),
        r#"{"a":[{"key":1,"\u212aey":2}]}"#.to_owned(),
        r#"{"s":1,"ſ":2}"#.to_owned(),
        r#"{"σ":1,"ς":2}"#.to_owned(),
        format!(r#"{{"{long}{long}":1}}"#),
        format!(r#"{{"{long}":{{"{long}":1}}}}"#),
        format!(r#"{{"{long}":[{}0]}}"#, "0,".repeat(400)),
        format!(r#"{{"a":"{}"}}"#, "x".repeat(70_000)),
        format!(r#"{{"a":[{}0]}}"#, "0,".repeat(500)),
        format!(r#"[{}[]]"#, "[],".repeat(40_000)),
    ] {
        assert!(flat(&text).cut, "{text:.80}");
    }
    for text in ["7", "{}", "[]", r#"{"path":1,"paths":{"Path":2}}"#] {
        assert!(!flat(text).cut, "{text}");
    }
}
