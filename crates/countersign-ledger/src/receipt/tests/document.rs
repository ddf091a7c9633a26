//! A receipt is one document, read in one way.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_receipt_goes_through_json_in_the_form_of_the_documents() {
    let receipt = receipt_of(&approved_story());
    let text = receipt.to_json().unwrap();
    assert!(text.starts_with(r#"{"v":1,"type":"countersign-receipt","action":"act_"#), "{text}");
    assert_eq!(Receipt::parse(text.as_bytes()).unwrap(), receipt);
    let value: Value = serde_json::from_str(&text).unwrap();
    let first = &value["entries"][0];
    assert_eq!(first["content"]["resource"][1], "orders");
    assert_eq!(first["content"]["resource"][0].as_str().unwrap().len(), 32);
    assert_eq!(first["payload"][0].as_str().unwrap().len(), 64);
    assert_eq!(first["payload"][1], "eyJ0YWJsZSI6Im9yZGVycyJ9");
    // What is not there is left out.
    let released = value["entries"][5].as_object().unwrap();
    assert!(!released.contains_key("content") && !released.contains_key("payload"));
}

#[test]
fn a_receipt_that_two_readers_could_read_differently_is_refused() {
    let text = receipt_of(&approved_story()[..2]).to_json().unwrap();
    for (from, to) in [
        ("{\"v\":1,", "{\"v\":2,"),
        ("{\"v\":1,", "{"),
        ("{\"v\":1,", "{\"v\":1,\"v\":1,"),
        ("{\"v\":1,", "{\"v\":1,\"more\":1,"),
        ("countersign-receipt", "countersign-receipts"),
        ("\"index\":", "\"index\":-"),
        ("\"index\":", "\"index\":1,\"index\":"),
        ("\"index\":", "\"note\":\"\",\"index\":"),
        ("\"proof\":[\"", "\"proof\":[\"A"),
        ("\"content\":{", "\"content\":{\"digest\":[\"00\",\"x\"],"),
        ("\"content\":{", "\"content\":{\"digest\":[\"00000000000000000000000000000000\",\"x\"],"),
        ("\"content\":{", "\"content\":{\"more\":[\"00000000000000000000000000000000\",null],"),
        ("\"content\":{", "\"content\":{\"more\":[\"0000000000000000000000000000000G\",\"x\"],"),
        ("\"content\":{", "\"content\":{\"more\":[\"00000000000000000000000000000000\",\"x\",\"y\"],"),
        ("\"payload\":[\"", "\"payload\":[\"0"),
        ("eyJ0", "eyJ0 "),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert!(Receipt::parse(changed.as_bytes()).is_err(), "{from} → {to}");
    }
    assert!(matches!(Receipt::parse(b""), Err(ReceiptError::Form(_))));
    assert!(matches!(Receipt::parse(b"[]"), Err(ReceiptError::Form(_))));
    // A list of an object's values is no object.
    let honest: Value = serde_json::from_str(&text).unwrap();
    let listed =
        json!([honest["v"], honest["type"], honest["action"], honest["checkpoint"], honest["entries"]]);
    Receipt::parse(listed.to_string().as_bytes()).unwrap_err();
    let mut listed = honest;
    for entry in listed["entries"].as_array_mut().unwrap() {
        *entry = json!([entry["index"], entry["leaf"], entry["proof"], entry["content"], entry["payload"]]);
        entry.as_array_mut().unwrap().retain(|part| !part.is_null());
    }
    Receipt::parse(listed.to_string().as_bytes()).unwrap_err();
    let long = vec![b' '; RECEIPT_MAX_BYTES + 1];
    assert!(matches!(Receipt::parse(&long), Err(ReceiptError::TooLong(_))));
    let entry = json!({"index": 0, "leaf": "", "proof": []});
    let many = json!({"v": 1, "type": TYPE, "action": "", "checkpoint": "", "entries": vec![entry; RECEIPT_ENTRIES_MAX + 1]});
    assert!(matches!(Receipt::parse(many.to_string().as_bytes()), Err(ReceiptError::TooMany(_))));
}

#[test]
fn code_words_are_stable_and_different() {
    let words: Vec<&str> = Code::ALL.iter().map(|code| code.word()).collect();
    let mut unique = words.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), words.len());
    // Each is in the document, so that nobody meets an unknown one.
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ERRORS.md");
    let document = std::fs::read_to_string(document).unwrap();
    for word in words {
        assert!(document.contains(&format!("| `{word}` |")), "`{word}` is not in docs/ERRORS.md");
    }
}
