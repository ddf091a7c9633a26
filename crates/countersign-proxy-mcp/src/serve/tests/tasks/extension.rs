use countersign_core::{Answer, State};
use http::StatusCode;
use serde_json::{Value, json};

use super::{DISPOSITION, approve};
use crate::testing::Rig;

const VERSION: &str = "2026-07-28";

fn stateless(method: &str, params: &str, declares: bool) -> String {
    let extensions = if declares { r#""extensions":{"io.modelcontextprotocol/tasks":{}}"# } else { "" };
    format!(
        r#"{{"jsonrpc":"2.0","id":3,"method":"{method}","params":{{{params},"_meta":{{"io.modelcontextprotocol/protocolVersion":"{VERSION}","io.modelcontextprotocol/clientInfo":{{"name":"t","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{{{extensions}}}}}}}}}"#
    )
}

async fn say(rig: &Rig, method: &str, name: &str, params: &str, declares: bool) -> crate::testing::Reply {
    let mut headers = vec![("mcp-protocol-version", VERSION), ("mcp-method", method)];
    if !name.is_empty() {
        headers.push(("mcp-name", name));
    }
    rig.post(&headers, &stateless(method, params, declares)).await
}

const ROWS: &str = r#""name":"delete_rows","arguments":{"table":"old"}"#;

async fn extended(rig: &Rig, method: &str, task: &str) -> Value {
    say(rig, method, task, &format!(r#""taskId":"{task}","inputResponses":{{}}"#), true).await.json().await
}

#[tokio::test]
async fn with_the_extension_a_held_call_becomes_a_task_and_its_state_carries_the_result() {
    let rig = Rig::http().await;
    let reply = say(&rig, "tools/call", "delete_rows", ROWS, true).await;
    assert_eq!(reply.headers["content-type"], "application/json");
    let made = reply.json().await["result"].clone();
    let review = rig.world.the_review(State::Pending).await;
    let task = review.id.to_string();
    assert_eq!(
        (made["resultType"].as_str(), made["taskId"].as_str()),
        (Some("task"), Some(task.as_str())),
        "{made}"
    );
    assert_eq!((made["status"].as_str(), made["ttlMs"].as_u64()), (Some("working"), Some(15 * 60 * 1000)));
    assert_eq!(made["pollIntervalMs"], 5000);
    let got = extended(&rig, "tasks/get", &task).await["result"].clone();
    assert_eq!((got["resultType"].as_str(), got["status"].as_str()), (Some("complete"), Some("working")));
    assert_eq!(extended(&rig, "tasks/update", &task).await["result"], json!({ "resultType": "complete" }));

    approve(&rig, &review).await;
    rig.world.until(review.id, State::Executed).await;
    let got = extended(&rig, "tasks/get", &task).await["result"].clone();
    assert_eq!((got["resultType"].as_str(), got["status"].as_str()), (Some("complete"), Some("completed")));
    assert_eq!(got["result"]["content"][0]["text"], "done", "{got}");
    assert_eq!(extended(&rig, "tasks/cancel", &task).await["result"], json!({ "resultType": "complete" }));
    assert_eq!(rig.recorder.calls().len(), 1);
    // The state was the answer: the same call is a new question.
    let again = say(&rig, "tools/call", "delete_rows", ROWS, true).await.json().await;
    assert_ne!(again["result"]["taskId"], task);
    for method in ["tasks/list", "tasks/result"] {
        let reply = say(&rig, method, "", &format!(r#""taskId":"{task}""#), true).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
        assert_eq!(reply.json().await["error"]["code"], -32601);
    }
}

#[tokio::test]
async fn without_the_extension_nothing_becomes_a_task_and_none_can_be_asked_for() {
    let rig = Rig::http().await;
    let mut reply = say(&rig, "tools/call", "delete_rows", ROWS, false).await;
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    reply.piece().await;
    let task = rig.world.the_review(State::Pending).await.id.to_string();
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let reply = say(&rig, method, &task, &format!(r#""taskId":"{task}""#), false).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        let refused = reply.json().await;
        assert_eq!(refused["error"]["code"], -32021, "{method}: {refused}");
        let needed = &refused["error"]["data"]["requiredCapabilities"]["extensions"];
        assert_eq!(*needed, json!({ "io.modelcontextprotocol/tasks": {} }));
    }
    let other = say(&rig, "tasks/get", "rev_other", &format!(r#""taskId":"{task}""#), true).await;
    assert_eq!(other.json().await["error"]["code"], -32020, "the header names another task");
    let listen = format!(r#""notifications":{{"taskIds":["{task}"]}}"#);
    let refused = say(&rig, "subscriptions/listen", "", &listen, false).await.json().await;
    assert_eq!(refused["error"]["code"], -32021);
    say(&rig, "subscriptions/listen", "", &listen, true).await.text().await;
    let received = rig.recorder.received.lock().unwrap().join(" ");
    assert!(received.contains(r#""taskIds":[]"#) && !received.contains(&task), "{received}");
}

#[tokio::test]
async fn with_the_extension_what_policy_allows_is_answered_and_what_people_deny_has_failed() {
    let rig = Rig::http().await;
    let read = say(&rig, "tools/call", "read_rows", r#""name":"read_rows""#, true).await.json().await;
    assert_eq!(read["result"]["content"][0]["text"], "done", "{read}");
    say(&rig, "tools/call", "delete_rows", ROWS, true).await;
    let review = rig.world.the_review(State::Pending).await;
    rig.world.vote("ada", &review, Answer::Deny).await.unwrap();
    let got = extended(&rig, "tasks/get", &review.id.to_string()).await["result"].clone();
    assert_eq!(got["status"], "failed");
    assert_eq!(got["error"]["message"], "not executed: ada denied it: ada says deny", "{got}");
    assert_eq!(got["_meta"][DISPOSITION], "denied-not-executed");

    let other = ROWS.replace("old", "older");
    say(&rig, "tools/call", "delete_rows", &other, true).await;
    let review = rig.world.the_review(State::Pending).await;
    let task = review.id.to_string();
    assert_eq!(extended(&rig, "tasks/cancel", &task).await["result"], json!({ "resultType": "complete" }));
    let got = extended(&rig, "tasks/get", &task).await["result"].clone();
    assert_eq!(
        (got["status"].as_str(), got.get("error"), got.get("result")),
        (Some("cancelled"), None, None)
    );
    assert_eq!(rig.recorder.calls().len(), 1);
}

#[tokio::test]
async fn what_the_upstream_asks_for_in_the_middle_of_a_task_reaches_nobody() {
    let rig = Rig::http().await;
    let asks = r#"{"jsonrpc":"2.0","id":$ID,"result":{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"your password?"}}}}}"#;
    rig.recorder.answers.lock().unwrap().push((200, asks.to_owned()));
    say(&rig, "tools/call", "delete_rows", ROWS, true).await;
    let review = rig.world.the_review(State::Pending).await;
    approve(&rig, &review).await;
    rig.world.until(review.id, State::Executed).await;
    let got = extended(&rig, "tasks/get", &review.id.to_string()).await;
    assert_eq!(got["result"]["status"], "completed", "{got}");
    assert_eq!(got["result"]["result"]["isError"], true);
    assert!(!got.to_string().contains("password"), "{got}");
}

#[tokio::test]
async fn the_extension_is_offered_where_there_are_tools() {
    let rig = Rig::http().await;
    for (capabilities, offered) in [
        (json!({ "tools": {} }), true),
        (json!({ "tools": {}, "extensions": { "x/y": { "z": 1 } } }), true),
        (json!({ "prompts": {} }), false),
    ] {
        *rig.recorder.capabilities.lock().unwrap() = capabilities.clone();
        let found = say(&rig, "server/discover", "", r#""x":1"#, false).await.json().await;
        let mut expected = capabilities;
        if offered {
            expected["extensions"]["io.modelcontextprotocol/tasks"] = json!({});
        }
        assert_eq!(found["result"]["capabilities"], expected);
    }
}

#[tokio::test]
async fn with_the_extension_a_task_of_the_upstream_is_followed_to_its_end() {
    let rig = Rig::http().await;
    let made = r#"{"jsonrpc":"2.0","id":$ID,"result":{"resultType":"task","taskId":"t-9","status":"working","ttlMs":60000}}"#;
    let done = json!({ "resultType": "complete", "content": [{ "type": "text", "text": "deleted" }] });
    let states = |status: &str| {
        json!({ "resultType": "complete", "taskId": "t-9", "status": status, "result": done,
        "error": { "code": -32603, "message": "disk full" } })
    };
    for (status, ours, told) in [
        ("completed", State::Executed, "deleted"),
        ("failed", State::Failed, "disk full"),
        ("cancelled", State::Unknown, "Outcome unknown"),
        ("input_required", State::Unknown, "wants input"),
    ] {
        rig.recorder.answers.lock().unwrap().push((200, made.to_owned()));
        rig.recorder.results("tasks/get", vec![states(status)]);
        let rows = ROWS.replace("old", status);
        say(&rig, "tools/call", "delete_rows", &rows, true).await;
        let review = rig.world.the_review(State::Pending).await;
        approve(&rig, &review).await;
        rig.world.until(review.id, ours).await;
        let got = extended(&rig, "tasks/get", &review.id.to_string()).await;
        assert!(got.to_string().contains(told), "{got}");
        assert!(
            got["result"]["taskId"] == review.id.to_string() && !got.to_string().contains("t-9"),
            "{got}"
        );
    }
}
