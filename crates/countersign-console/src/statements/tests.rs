//! What is read, and what is left to the bytes.

use super::{Parameter, Sql, Statement, Statements};

fn read(message: &str) -> Option<Statements> {
    Statements::of("postgres", message.as_bytes())
}

#[test]
fn texts_and_parameters_are_read_with_null_text_and_bytes_apart() {
    let read = read(
        r#"{"protocol":"extended","statements":[
            {"text":"DELETE FROM orders WHERE id = $1","parameters":["42",null,"NULL",{"binary":"00ff"},7,{"a":[1],"b":"x"}],"types":[23]},
            {"text":"SELECT 1"}]}"#,
    )
    .unwrap();
    assert_eq!(read.other, [("protocol".to_owned(), "\"extended\"".to_owned())]);
    let [delete, select] = read.list.as_slice() else { panic!("{read:?}") };
    assert_eq!(delete.sql, Sql::Text("DELETE FROM orders WHERE id = $1".to_owned()));
    assert_eq!(
        delete.parameters,
        [
            Parameter::Text("42".to_owned()),
            Parameter::Null,
            Parameter::Text("NULL".to_owned()),
            Parameter::Binary("00ff".to_owned()),
            Parameter::Json("7".to_owned()),
            Parameter::Json(r#"{"a":[1],"b":"x"}"#.to_owned()),
        ]
    );
    assert_eq!(delete.other, [("types".to_owned(), "[23]".to_owned())]);
    let plain =
        Statement { sql: Sql::Text("SELECT 1".to_owned()), parameters: Vec::new(), other: Vec::new() };
    assert_eq!(*select, plain);
}

#[test]
fn a_statement_that_only_has_a_name_is_told_by_it() {
    let read = read(r#"{"statements":[{"prepared":"cleanup","parameters":["1"]}]}"#).unwrap();
    assert_eq!(read.list[0].sql, Sql::Prepared("cleanup".to_owned()));
}

#[test]
fn very_many_parameters_do_not_hide_the_text() {
    let values = vec!["\"1\""; 20_000].join(",");
    let read =
        read(&format!(r#"{{"statements":[{{"text":"DELETE FROM a","parameters":[{values}]}}]}}"#)).unwrap();
    assert_eq!(read.list[0].parameters.len(), 20_000);
}

#[test]
fn a_message_that_could_be_read_in_two_ways_is_not_read() {
    for doubtful in [
        r#"{"statements":[{"text":"SELECT 1"}],"statements":[{"text":"DROP TABLE a"}]}"#,
        r#"{"statements":[{"text":"SELECT 1","text":"DROP TABLE a"}]}"#,
        r#"{"statements":[{"text":"SELECT 1","parameters":["a"],"parameters":["b"]}]}"#,
        r#"{"statements":[{"text":7}]}"#,
        r#"{"statements":[{"text":"SELECT 1","prepared":"p"}]}"#,
        r#"{"statements":[{"text":"SELECT 1"},null]}"#,
        r#"{"statements":[{"sql":"SELECT 1"}]}"#,
        r#"{"statements":[{"text":"SELECT 1","parameters":{"1":"a"}}]}"#,
        r#"{"statements":[]}"#,
        r#"{"statements":"SELECT 1"}"#,
        r#"[{"text":"SELECT 1"}]"#,
        "SELECT 1",
    ] {
        assert_eq!(read(doubtful), None, "{doubtful}");
    }
    assert_eq!(Statements::of("postgres", b"\xff"), None);
}

#[test]
fn a_tool_call_can_not_pose_as_a_harmless_statement() {
    let posing = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drop_everything"},"statements":[{"text":"SELECT 1"}]}"#;
    assert_eq!(Statements::of("mcp", posing), None);
}

#[test]
fn bytes_that_the_gateway_could_read_are_shown_as_what_they_say() {
    let read = read(
        r#"{"statements":[{"text":"SELECT $1","parameters":[
            {"binary":"61","value":"a"},{"binary":"00","value":["a",null]},{"binary":"61","value":"a","more":1},{"binary":7,"value":"a"}]}]}"#,
    )
    .unwrap();
    let [statement] = read.list.as_slice() else { panic!("{read:?}") };
    assert_eq!(
        statement.parameters,
        [
            Parameter::Text("a".to_owned()),
            Parameter::Json("[\"a\",null]".to_owned()),
            Parameter::Json("{\"binary\":\"61\",\"value\":\"a\",\"more\":1}".to_owned()),
            Parameter::Json("{\"binary\":7,\"value\":\"a\"}".to_owned()),
        ]
    );
}
