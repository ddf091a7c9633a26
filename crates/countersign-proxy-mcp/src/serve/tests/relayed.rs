use http::StatusCode;
use serde_json::Value;

use crate::testing::{Mark, Rig};

#[tokio::test]
async fn an_allowed_call_reaches_the_upstream_byte_for_byte_except_for_its_correlators() {
    let rig = Rig::http().await;
    let session = rig.initialize().await;
    let call = "{ \"jsonrpc\":\"2.0\",\n \"id\":\"a\\u0062\", \"method\":\"tools/call\",\"params\":{\"name\":\"read_rows\",\
        \"arguments\":{\"z\":1.0,\"a\":1e30,\"n\":123456789012345678901234567890,\"u\":\"\\u00fc\"},\
        \"_meta\":{\"progressToken\":\"p\",\"x\":null}}}";
    let reply = rig.in_session(&session, call).await;
    assert_eq!(reply.headers["content-type"], "application/json");
    let answer = reply.json().await;
    assert_eq!(answer["id"], "ab");
    assert_eq!(answer["result"]["content"][0]["text"], "done");
    let sent = rig.recorder.calls().pop().unwrap();
    let ours: Value = serde_json::from_str::<Value>(&sent).unwrap()["id"].clone();
    let expected = call
        .replace('\n', " ")
        .replace("\"a\\u0062\"", &ours.to_string())
        .replace("\"p\"", &ours.to_string());
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn tools_that_can_never_run_are_hidden_and_ours_are_added_while_the_rest_of_the_result_stays() {
    let rig = Rig::http().await;
    let session = rig.initialize().await;
    let text =
        rig.in_session(&session, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await.text().await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> = answer["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["read_rows", "delete_rows", "approval_wait", "approval_status", "approval_cancel"]);
    assert!(text.contains(r#""x-kept":[1.5,"ü"]"#), "{text}");
}

#[tokio::test]
async fn a_tool_without_a_rule_is_not_permitted() {
    let rig = Rig::http().await;
    let session = rig.initialize().await;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mystery"}}"#;
    let answer = rig.in_session(&session, call).await.json().await;
    assert_eq!(answer["result"]["isError"], true);
    let details = &answer["result"]["_meta"]["countersign/details"];
    assert_eq!(details["code"], "not_permitted", "{answer}");
    assert_eq!(rig.recorder.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_message_that_two_parsers_could_read_differently_reaches_nobody() {
    let rig = Rig::http().await;
    let session = rig.initialize().await;
    for call in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_rows","name":"delete_rows"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_rows","n\u0061me":"delete_rows"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_rows","Name":"delete_rows"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_rows","arguments":{"a":1,"a":2}}}"#,
        r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_rows"}}]"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_rows"}} {}"#,
    ] {
        let reply = rig.in_session(&session, call).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{call}");
    }
    assert_eq!(rig.recorder.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn an_upstream_that_refuses_breaks_or_answers_garbage_is_told_apart() {
    let rig = Rig::http().await;
    let session = rig.initialize().await;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_rows"}}"#;
    let cases = [
        (403, "no", "upstream_refused"),
        (500, "oh", "outcome_unknown"),
        (200, "garbage", "outcome_unknown"),
        (200, r#"{"jsonrpc":"2.0","id":$ID}"#, "outcome_unknown"),
        (200, r#"data: {"jsonrpc":"2.0","method":"notifications/message"}"#, "outcome_unknown"),
    ];
    for (status, body, code) in cases {
        rig.recorder.answers.lock().unwrap().push((status, body.to_owned()));
        let text = rig.in_session(&session, call).await.text().await;
        assert!(text.contains(code), "{status} {body}: {text}");
    }
}

#[tokio::test]
async fn an_upstream_that_streams_is_answered_as_a_stream_with_the_callers_own_correlators() {
    let rig = Rig::http().await;
    let session = rig.initialize().await;
    let body = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\ndata: \"params\":{\"progressToken\":$ID,\
                \"progress\":1}}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"content\":[]}}\n\n";
    rig.recorder.answers.lock().unwrap().push((200, body.to_owned()));
    let call = r#"{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read_rows","_meta":{"progressToken":"mine"}}}"#;
    let reply = rig.in_session(&session, call).await;
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    let text = reply.text().await;
    assert!(text.contains("\"progressToken\":\"mine\""), "{text}");
    assert!(text.contains("data: {\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"content\":[]}}"), "{text}");
}

const CHILD: &str = r#"
while read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case "$line" in
    *'"initialize"'*) echo "starting up" ; echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-11-25","capabilities":{}}}' ;;
    *'"tools/list"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"tools":[{"name":"read_rows"},{"name":"read_env"},{"name":"read_die"},{"name":"read_junk"}]}}' ;;
    *read_rows*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"content":[]}}' ;;
    *read_env*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"env":"'$(env | cut -d= -f1 | sort | tr '\n' ' ')'"}}' ;;
    *read_die*) exit 3 ;;
    *read_junk*) echo '{"jsonrpc": nonsense' ;;
  esac
done
"#;

fn call(tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{{"name":"{tool}"}}}}"#)
}

#[tokio::test]
async fn a_child_process_is_an_upstream_with_no_environment_but_its_own() {
    let rig = Rig::stdio(CHILD).await;
    let session = rig.initialize().await;
    let answer = rig.in_session(&session, &call("read_rows")).await.json().await;
    assert_eq!(answer, serde_json::json!({ "jsonrpc": "2.0", "id": 5, "result": { "content": [] } }));
    let answer = rig.in_session(&session, &call("read_env")).await.json().await;
    let env = answer["result"]["env"].as_str().unwrap();
    assert!(
        env.split(' ').all(|name| ["HOME", "PATH", "PWD", "OLDPWD", "SHLVL", "_", ""].contains(&name)),
        "{env}"
    );
}

#[tokio::test]
async fn a_child_that_dies_or_talks_nonsense_leaves_an_unknown_outcome_and_ends_the_session() {
    for tool in ["read_die", "read_junk"] {
        let rig = Rig::stdio(CHILD).await;
        let session = rig.initialize().await;
        let answer = rig.in_session(&session, &call(tool)).await.json().await;
        let meta = &answer["result"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/tool-approval-disposition"], "outcome-unknown", "{answer}");
        let again = rig.in_session(&session, &call("read_rows")).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND, "{tool}");
    }
}

#[tokio::test]
async fn a_child_that_can_not_be_started_is_said_to_be_so() {
    let rig = Rig::stdio("exit 0").await;
    let text = rig.post(&[], crate::testing::INITIALIZE).await.text().await;
    assert!(text.contains("upstream_lost") || text.contains("upstream_unreachable"), "{text}");
}

const ASKING: &str = r#"
while read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case "$line" in
    *'"initialize"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-11-25","capabilities":{}}}' ;;
    *'"tools/list"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"tools":[{"name":"read_roots"},{"name":"read_secret"}]}}' ;;
    *read_roots*) call=$id; echo '{"jsonrpc":"2.0","id":"ask-1","method":"roots/list"}' ;;
    *read_secret*) call=$id; echo '{"jsonrpc":"2.0","id":"ask-2","method":"elicitation/create","params":{"message":"password?"}}' ;;
    *ask-*) echo '{"jsonrpc":"2.0","id":'$call',"result":{"heard":'"$line"'}}' ;;
  esac
done
"#;

#[tokio::test]
async fn what_the_upstream_asks_in_the_middle_of_a_call_is_judged_and_its_answer_comes_back() {
    let rig = Rig::stdio(ASKING).await;
    let session = rig.initialize().await;
    let mut reply = rig.in_session(&session, &call("read_roots")).await;
    let asked = reply.piece().await;
    assert_eq!(asked, "data: {\"jsonrpc\":\"2.0\",\"id\":\"ask-1\",\"method\":\"roots/list\"}\n\n");
    let answer = r#"{"jsonrpc":"2.0","id":"ask-1","result":{"roots":[{"uri":"file:///r"}]}}"#;
    assert_eq!(rig.in_session(&session, answer).await.status, StatusCode::ACCEPTED);
    let text = reply.text().await;
    assert!(
        text.contains(r#""heard":{"jsonrpc":"2.0","id":"ask-1","result":{"roots":[{"uri":"file:///r"}]}}"#),
        "{text}"
    );

    let text = rig.in_session(&session, &call("read_secret")).await.text().await;
    assert!(text.contains("forbidden") && text.contains("ask-2") && !text.contains("password"), "{text}");
}

#[tokio::test]
async fn a_call_without_an_id_is_not_taken_for_a_notification() {
    let rig = Rig::http().await;
    let session = rig.initialize().await;
    let sneaky = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"delete_rows"}}"#;
    assert_eq!(rig.in_session(&session, sneaky).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(rig.recorder.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_listening_stream_ends_with_its_token() {
    let rig = Rig::http().await;
    let session = rig.initialize().await;
    let mut stream = rig.send("GET", &[("mcp-session-id", &session)], "").await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    rig.world.clock.advance(std::time::Duration::from_secs(15));
    assert_eq!(stream.piece().await, ":\n\n");
    rig.world.clock.advance(std::time::Duration::from_secs(400 * 24 * 3600));
    assert_eq!(stream.text().await, "");
}

#[tokio::test]
async fn an_upstream_that_hangs_is_given_up_by_the_clock() {
    let mark = Mark::new("hangs");
    let hanging = format!("read_rows*) echo >'{}'; : echo", mark.path.display());
    let rig = Rig::stdio(&CHILD.replace("read_rows*) echo", &hanging)).await;
    let session = rig.initialize().await;
    // Listed before the clock runs, so that only the call itself can run out of time.
    rig.in_session(&session, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await.text().await;
    let mut reply = {
        let body = call("read_rows");
        let waiting = rig.in_session(&session, &body);
        tokio::pin!(waiting);
        tokio::select! {
            reply = &mut waiting => panic!("nobody answers, {}", reply.text().await),
            () = mark.reached() => rig.world.clock.advance(std::time::Duration::from_secs(4)),
        }
        waiting.await
    };
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    assert_eq!(reply.piece().await, ":\n\n");
    rig.world.clock.advance(std::time::Duration::from_secs(301));
    let text = reply.text().await;
    assert!(text.contains("outcome-unknown") && text.contains("did not answer within 300 seconds"), "{text}");
}
