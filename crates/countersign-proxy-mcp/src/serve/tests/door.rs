use http::StatusCode;

use crate::testing::{INITIALIZE, Rig};

#[tokio::test]
async fn without_a_good_token_nothing_is_said_about_anything() {
    let rig = Rig::http().await;
    for method in ["POST", "GET", "DELETE", "PUT"] {
        for bearer in ["", "Bearer", "Bearer wrong", "Basic d3Jvbmc="] {
            let reply = rig.send(method, &[("authorization", bearer)], "not even JSON").await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{method} {bearer}");
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
            assert_eq!(reply.text().await, "");
        }
    }
    assert!(rig.recorder.received.lock().unwrap().is_empty());
}

#[tokio::test]
async fn another_agents_session_does_not_exist() {
    let rig = Rig::http().await;
    let session = rig.initialize().await;
    let other = rig.world.add_agent("other", "bob").await;
    let bearer = format!("Bearer {other}");
    for method in ["POST", "GET", "DELETE"] {
        let headers = [("authorization", bearer.as_str()), ("mcp-session-id", session.as_str())];
        let reply = rig.send(method, &headers, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{method}");
    }
    let reply = rig.in_session(&session, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn an_ended_session_is_gone() {
    let rig = Rig::http().await;
    let session = rig.initialize().await;
    let reply = rig.send("DELETE", &[("mcp-session-id", &session)], "").await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    let reply = rig.in_session(&session, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_idle_session_ends_by_the_clock() {
    let rig = Rig::http().await;
    let session = rig.initialize().await;
    rig.world.clock.advance(std::time::Duration::from_secs(29 * 60));
    rig.mcp.sweep(countersign_gate::Clock::now(&rig.world.clock));
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(rig.in_session(&session, ping).await.status, StatusCode::OK);
    rig.world.clock.advance(std::time::Duration::from_secs(31 * 60));
    rig.mcp.sweep(countersign_gate::Clock::now(&rig.world.clock));
    assert_eq!(rig.in_session(&session, ping).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn too_long_a_message_is_cut_off_whether_announced_or_not() {
    let rig = Rig::http().await;
    let session = rig.initialize().await;
    let long =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#, "a".repeat(70_000));
    assert_eq!(rig.in_session(&session, &long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let rig = Rig::http().await;
    for (origin, status) in [
        ("https://evil.example", StatusCode::FORBIDDEN),
        ("http://localhost.evil.example", StatusCode::FORBIDDEN),
        ("http://localhost:9", StatusCode::OK),
    ] {
        assert_eq!(rig.post(&[("origin", origin)], INITIALIZE).await.status, status, "{origin}");
    }
}

#[tokio::test]
async fn sessions_are_bounded_per_agent() {
    let rig = Rig::http().await;
    for _ in 0..256 {
        rig.initialize().await;
    }
    let reply = rig.post(&[], INITIALIZE).await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    rig.world.clock.advance(std::time::Duration::from_secs(61));
    rig.initialize().await;
}
