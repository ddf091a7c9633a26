use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn parse(text: &str) -> Result<Message, Malformed> {
    Message::parse(text.as_bytes().to_vec())
}

fn request(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
}

#[test]
fn what_parsers_could_read_differently_is_refused() {
    let deep = |levels: usize| request(&format!(r#"{{"x":{}1{}}}"#, "[".repeat(levels), "]".repeat(levels)));
    let refused = [
        ("", -32700),
        ("{", -32700),
        ("nul", -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a"} x"#, -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a",}"#, -32700),
        (r#"{"jsonrpc":"2.0","id":01,"method":"a"}"#, -32700),
        (r#"{"jsonrpc":"2.0","id":1.,"method":"a"}"#, -32700),
        (r#"{"jsonrpc":"2.0","id":+1,"method":"a"}"#, -32700),
        (r#"{"jsonrpc":"2.0","id":NaN,"method":"a"}"#, -32700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\nb\"}", -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#, -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"\ud800\u0041"}"#, -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"\udc00"}"#, -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"\x"}"#, -32700),
        (r#"{'jsonrpc':"2.0"}"#, -32700),
        ("\u{feff}{}", -32700),
        ("[]", -32600),
        ("1", -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"a"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"a"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[]}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","result":{}}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
        (r#"{"jsonrpc":"2.0","result":{}}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","METHOD":"b"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","param\u017f":{}}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"a":{"b":[{"c":1,"\u0063":2}]}}}"#, -32600),
        (&deep(63), -32600),
    ];
    for (text, code) in refused {
        let refusal = parse(text).expect_err(text);
        assert_eq!(refusal.code(), code, "{text}: {refusal}");
    }
    assert_eq!(
        Message::parse(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}".to_vec()).unwrap_err().code(),
        -32700
    );
    parse(&deep(62)).unwrap();
}

#[test]
fn messages_are_read_without_changing_them() {
    let text = " {\"jsonrpc\" : \"2.0\", \"method\":\"tools/call\", \"id\":\"x\\u0041\", \"params\":{\"name\":\"a\\\"b\",\
                \"_meta\":{\"progressToken\":9}} }\r\n";
    let message = parse(text).unwrap();
    assert_eq!(message.shape(), Shape::Request);
    assert_eq!(message.id(), Some(r#""x\u0041""#));
    assert_eq!(message.token(), Some("9"));
    assert_eq!(message.name().as_deref(), Some("a\"b"));
    assert_eq!(message.text(), text);
    assert_eq!(
        message.spliced("77"),
        " {\"jsonrpc\" : \"2.0\", \"method\":\"tools/call\", \"id\":77, \"params\":{\"name\":\"a\\\"b\",\
         \"_meta\":{\"progressToken\":77}} }  "
    );
    assert_eq!(parse(r#"{"jsonrpc":"2.0","method":"n"}"#).unwrap().shape(), Shape::Notification);
    assert_eq!(parse(r#"{"jsonrpc":"2.0","id":1,"error":{}}"#).unwrap().shape(), Shape::Response);
}

#[test]
fn only_correlators_and_trace_position_leave_a_request_the_same() {
    let sameness = |id: &str, params: &str| {
        parse(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#))
            .unwrap()
            .sameness()
    };
    let base = sameness(
        "1",
        r#"{"name":"t","_meta":{"progressToken":1,"traceparent":"00-a","tracestate":"x","baggage":"b"}}"#,
    );
    for (id, params) in [
        (
            "\"other\"",
            r#"{"name":"t","_meta":{"progressToken":"zz","traceparent":"00-b","tracestate":"y","baggage":"b"}}"#,
        ),
        (
            "99999",
            r#"{"name":"t","_meta":{"progressToken":1.5,"traceparent":"","tracestate":"","baggage":"b"}}"#,
        ),
    ] {
        assert_eq!(sameness(id, params), base);
    }
    for params in [
        r#"{"name":"t","_meta":{"progressToken":1,"traceparent":"00-a","tracestate":"x","baggage":"c"}}"#,
        r#"{"name":"t" ,"_meta":{"progressToken":1,"traceparent":"00-a","tracestate":"x","baggage":"b"}}"#,
        r#"{"_meta":{"progressToken":1,"traceparent":"00-a","tracestate":"x","baggage":"b"},"name":"t"}"#,
        r#"{"name":"\u0074","_meta":{"progressToken":1,"traceparent":"00-a","tracestate":"x","baggage":"b"}}"#,
    ] {
        assert_ne!(sameness("1", params), base, "{params}");
    }
    // A value can't be moved from a blanked place to one that counts.
    let moved =
        |a: &str, b: &str| sameness("1", &format!(r#"{{"_meta":{{"progressToken":"{a}"}},"x":"{b}"}}"#));
    assert_ne!(moved("p", "q"), moved("q", "p"));
}

#[test]
fn an_answer_is_relayed_as_it_was_written() {
    let text =
        r#"{"jsonrpc":"2.0","result": {"isError":true, "n":1.50,"resultType":"input_required"} ,"id":"4"}"#;
    let incoming = Incoming::parse(text.as_bytes().to_vec()).unwrap();
    assert_eq!(incoming.id().and_then(Incoming::correlator), Some(4));
    let answer = incoming.into_answer().unwrap();
    assert!(answer.is_tool_error() && !answer.is_error());
    assert!(Kept::read(&answer.keepable()).unwrap().wants_input());
    let kept = answer.keepable();
    assert_eq!(
        reframe("\"mine\"", &kept).unwrap(),
        r#"{"jsonrpc":"2.0","id":"mine","result":{"isError":true, "n":1.50,"resultType":"input_required"}}"#
    );
    assert_eq!(reframe("1", b""), None);
    assert_eq!(reframe("1", b"{\"other\":1}"), None);
}

#[test]
fn an_event_survives_line_breaks_and_cuts_at_every_byte() {
    let stream = b": hi\r\nid: 7\r\ndata: {\"a\":\r\ndata:1}\r\n\r\nretry: 5\ndata: x\rdata: y\r\rdata\n\n";
    let whole = SseReader::new(1000).feed(stream).unwrap();
    let seen: Vec<(Option<&str>, &[u8])> =
        whole.iter().map(|event| (event.id.as_deref(), event.data.as_slice())).collect();
    assert_eq!(seen, [(Some("7"), b"{\"a\":\n1}".as_slice()), (None, b"x\ny"), (None, b"")]);
    for cut in 0..stream.len() {
        let mut reader = SseReader::new(1000);
        let mut events = reader.feed(&stream[..cut]).unwrap();
        events.extend(reader.feed(&stream[cut..]).unwrap());
        assert_eq!(events, whole, "cut at {cut}");
    }
    SseReader::new(10).feed(b"data: 0123456789").unwrap_err();
}

#[test]
fn a_message_with_line_breaks_comes_out_of_its_event_as_it_went_in() {
    let text = "{\n \"a\": 1\r}";
    let events = SseReader::new(100).feed(event(Some(3), text).as_bytes()).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].id.as_deref(), Some("3"));
    assert_eq!(String::from_utf8(events[0].data.clone()).unwrap(), text.replace('\r', "\n"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(Message::parse(bytes.clone()));
        drop(Incoming::parse(bytes.clone()));
        drop(SseReader::new(100).feed(&bytes));
    }

    #[test]
    fn no_text_like_json_makes_a_reader_panic(text in r#"[{}\[\]":,0-9a-z\\ \n.+eE-]{0,200}"#) {
        drop(Message::parse(text.clone().into_bytes()));
        drop(Incoming::parse(text.into_bytes()));
    }

    #[test]
    fn whatever_serde_writes_is_read_and_means_the_same_after_splicing(arguments in any_json(), pretty in any::<bool>()) {
        let value = json!({ "jsonrpc": "2.0", "id": 5, "method": "m",
            "params": { "arguments": arguments, "_meta": { "progressToken": "tok" } } });
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let message = parse(&text).unwrap();
        prop_assert_eq!(message.text(), &text);
        let spliced = message.spliced("8");
        prop_assert!(!spliced.contains(['\n', '\r']));
        let mut expected: Value = serde_json::from_str(&text).unwrap();
        expected["id"] = json!(8);
        expected["params"]["_meta"]["progressToken"] = json!(8);
        prop_assert_eq!(serde_json::from_str::<Value>(&spliced).unwrap(), expected);
        prop_assert_eq!(parse(&spliced).unwrap().sameness(), parse(&message.spliced("\"x\"")).unwrap().sameness());
    }

    #[test]
    fn what_is_accepted_is_accepted_by_serde_as_well(text in r#"[{}\[\]":,0-9tf\\ u.eE-]{0,60}"#) {
        if scan(&text).is_ok() {
            serde_json::from_str::<serde::de::IgnoredAny>(&text).unwrap();
        }
    }
}

#[test]
fn grafted_members_leave_everything_else_as_it_was_written() {
    let graft = |text: &str, members: Value| graft(text, members.as_object().unwrap()).unwrap();
    let tasks = json!({ "capabilities": { "tasks": { "list": {} } } });
    for (before, after) in [
        (r#"{"a":1.50}"#, r#"{"capabilities":{"tasks":{"list":{}}},"a":1.50}"#),
        ("{}", r#"{"capabilities":{"tasks":{"list":{}}}}"#),
        (r#"{ "capabilities" : { } }"#, r#"{ "capabilities" : {"tasks":{"list":{}} } }"#),
        (
            r#"{"capabilities":{"tasks":{"list":{"x":[1e5]}}}}"#,
            r#"{"capabilities":{"tasks":{"list":{"x":[1e5]}}}}"#,
        ),
        (r#"{"capabilities":7}"#, r#"{"capabilities":{"tasks":{"list":{}}}}"#),
    ] {
        assert_eq!(graft(before, tasks.clone()), after);
    }
    let mine = json!({ "_meta": { "related": { "taskId": "mine" } } });
    let theirs = r#"{"x":{"_meta":0},"_meta":{"related":{"taskId":"theirs"},"k":"ü"}}"#;
    assert_eq!(graft(theirs, mine), theirs.replace("theirs", "mine"));
}

#[test]
fn a_member_is_cut_out_and_nothing_else() {
    for (params, left) in [
        (r#"{"task":{"ttl":1},"name":"a"}"#, r#"{"name":"a"}"#),
        (r#"{ "task":{} }"#, "{  }"),
        (r#"{"name":"a" , "task" : {"x":[1]} }"#, r#"{"name":"a" }"#),
        (r#"{"name":"a","task":1,"arguments":{"task":2}}"#, r#"{"name":"a","arguments":{"task":2}}"#),
    ] {
        let text =
            |params: &str| format!("{{\"jsonrpc\":\"2.0\",\n\"id\":1,\"method\":\"m\",\"params\":{params}}}");
        let message = parse(&text(params)).unwrap();
        let cut = message.without("task").unwrap().unwrap();
        assert_eq!(cut.text(), text(left));
        assert!(cut.without("task").is_none());
    }
}
