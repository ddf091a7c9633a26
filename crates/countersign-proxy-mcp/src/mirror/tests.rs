use super::*;
use crate::catalog;
use crate::codec::{View, scan};

fn tool(definition: &str) -> Tool {
    let listing = format!(r#"{{"tools":[{definition}]}}"#);
    let nodes = scan(&listing).unwrap();
    catalog::read(View::root(&listing, &nodes)).unwrap().tools.remove(0).0
}

#[test]
fn headers_that_repeat_arguments_must_repeat_them() {
    let tool = tool(
        r#"{"name":"t","inputSchema":{"properties":{"r":{"type":"string","x-mcp-header":"Region"},
            "o":{"properties":{"n":{"type":"integer","x-mcp-header":"N"}}}}}}"#,
    );
    let check = |arguments: &str, headers: &[(&'static str, &'static str)]| {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t","arguments":{arguments}}}}}"#
        );
        let message = Message::parse(text.into_bytes()).unwrap();
        let map = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), http::HeaderValue::from_static(value)));
        parameters(&map.collect(), &message, &tool).is_none()
    };
    assert!(check("{}", &[]));
    assert!(check(r#"{"r":"eu"}"#, &[("mcp-param-region", "eu")]));
    assert!(check(r#"{"r":"ü"}"#, &[("mcp-param-region", "=?base64?w7w=?=")]));
    assert!(check(r#"{"o":{"n":42}}"#, &[("mcp-param-n", "42.0")]));
    assert!(check(r#"{"r":null}"#, &[]));
    assert!(!check(r#"{"r":"eu"}"#, &[]));
    assert!(!check(r#"{"r":"eu"}"#, &[("mcp-param-region", "us")]));
    assert!(!check("{}", &[("mcp-param-region", "us")]));
    assert!(!check(r#"{"o":{"n":42}}"#, &[("mcp-param-n", "43")]));
}

#[test]
fn a_definition_is_the_same_in_another_key_order_and_raises_only_what_it_says() {
    let a =
        tool(r#"{"name":"t","description":"x","annotations":{"destructiveHint":true,"readOnlyHint":true}}"#);
    let b = tool(
        r#"{"annotations":{"readOnlyHint":true,"destructiveHint":true},"description":"\u0078","name":"t"}"#,
    );
    assert_eq!(a.pin, b.pin);
    assert_eq!(a.raised, [countersign_core::Verb::Delete]);
    assert_ne!(a.pin.digest, tool(r#"{"name":"t","description":"y"}"#).pin.digest);
}
