use http::StatusCode;

use crate::testing::Rig;

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

fn call(tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{{"name":"{tool}",{META}}}}}"#)
}

fn headers<'a>(version: &'a str, method: &'a str, name: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("mcp-protocol-version", version), ("mcp-method", method), ("mcp-name", name)]
}

#[tokio::test]
async fn headers_that_differ_from_the_body_are_refused() {
    let rig = Rig::http().await;
    let good = ("2026-07-28", "tools/call", "read_rows");
    for (version, method, name) in [
        ("2026-07-28", "tools/call", "delete_rows"),
        ("2026-07-28", "tools/call", ""),
        ("2026-07-28", "tools/list", "read_rows"),
        ("2026-07-28", "", "read_rows"),
        ("2025-11-25", "tools/call", "read_rows"),
        ("", "tools/call", "read_rows"),
        ("2026-07-28", "tools/call", "=?base64?!!?="),
    ] {
        let reply = rig.post(&headers(version, method, name), &call("read_rows")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{version} {method} {name}");
        let body = reply.json().await;
        assert_eq!((body["error"]["code"].as_i64(), body["id"].as_i64()), (Some(-32020), Some(3)), "{body}");
    }
    assert!(rig.recorder.calls().is_empty());
    for name in [good.2, "=?base64?cmVhZF9yb3dz?="] {
        let reply = rig.post(&headers(good.0, good.1, name), &call("read_rows")).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert!(reply.text().await.contains("done"));
    }
}

#[tokio::test]
async fn an_unknown_version_is_refused_with_the_ones_that_are_known() {
    let rig = Rig::http().await;
    let body = call("read_rows").replace("2026-07-28", "2099-01-01");
    let reply = rig.post(&headers("2099-01-01", "tools/call", "read_rows"), &body).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let body = reply.json().await;
    assert_eq!(body["error"]["code"], -32022);
    assert_eq!(body["error"]["data"]["supported"][0], "2026-07-28");
}

#[tokio::test]
async fn closing_the_stream_cancels_the_call() {
    let rig = Rig::http().await;
    let held = call("delete_rows").replace("\"_meta\"", "\"arguments\":{\"table\":\"t\"},\"_meta\"");
    let mut reply = rig.post(&headers("2026-07-28", "tools/call", "delete_rows"), &held).await;
    assert_eq!(reply.headers["x-accel-buffering"], "no");
    reply.piece().await;
    drop(reply);
    let review = rig.world.the_review(countersign_core::State::Pending).await;
    rig.world.vote("ada", &review, countersign_core::Answer::Approve).await.unwrap();
    assert!(rig.recorder.calls().is_empty());
}

#[tokio::test]
async fn a_child_that_only_knows_sessions_makes_the_client_fall_back() {
    let rig = Rig::stdio("while read -r line; do id=${line#*\\\"id\\\":}; id=${id%%,*}; echo '{\"jsonrpc\":\"2.0\",\"id\":'$id',\"error\":{\"code\":-32601,\"message\":\"no\"}}'; done").await;
    let discover = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{{{META}}}}}"#);
    let reply = rig.post(&headers("2026-07-28", "server/discover", ""), &discover).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let body = reply.json().await;
    assert_eq!(body["error"]["code"], -32600, "{body}");
}

#[tokio::test]
async fn what_the_upstream_asks_the_agent_for_is_judged_before_the_agent_sees_it() {
    let rig = Rig::http().await;
    let asks = |method: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":$ID,"result":{{"resultType":"input_required","inputRequests":{{"a":{{"method":"{method}","params":{{"message":"your password?"}}}}}}}}}}"#
        )
    };
    // The policy lets everybody read and forbids every export.
    rig.recorder.answers.lock().unwrap().push((200, asks("elicitation/create")));
    let text =
        rig.post(&headers("2026-07-28", "tools/call", "read_rows"), &call("read_rows")).await.text().await;
    assert!(text.contains("forbidden") && !text.contains("password"), "{text}");
    rig.recorder.answers.lock().unwrap().push((200, asks("roots/list")));
    let text =
        rig.post(&headers("2026-07-28", "tools/call", "read_rows"), &call("read_rows")).await.text().await;
    assert!(text.contains("inputRequests"), "{text}");
}

#[tokio::test]
async fn a_body_that_lacks_what_the_version_demands_is_refused() {
    let rig = Rig::http().await;
    for lacking in ["io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities"] {
        let body = call("read_rows").replace(lacking, "other");
        let reply = rig.post(&headers("2026-07-28", "tools/call", "read_rows"), &body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert_eq!(reply.json().await["error"]["code"], -32602, "{lacking}");
    }
    assert!(rig.recorder.calls().is_empty());
}
