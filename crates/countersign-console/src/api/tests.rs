//! The review API over a real gate: votes that count, votes that don't, and input that is nonsense.

use std::time::Duration;

use countersign_core::{State, Verb};
use countersign_gate::Clock;
use countersign_ledger::checkpoint::TrustedLog;
use countersign_ledger::note::Sign as _;
use countersign_ledger::receipt::Receipt;
use countersign_testkit::LogKey;
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::json;

use crate::testing::{Bench, vote};

mod audit;
mod passed;
mod preview;

#[tokio::test]
async fn an_approval_lets_the_held_action_run() {
    let bench = Bench::new().await;
    let review = bench.pending().await;
    let ada = bench.sign_in("ada").await;
    let path = format!("/api/v1/reviews/{}", review.id);

    let list = bench.get("/api/v1/reviews").bearer(&ada.token).send().await.json();
    assert_eq!(list["items"][0]["id"], review.id.to_string());
    assert_eq!(list["items"][0]["you"]["may_approve"], true);
    let one = bench.get(&path).bearer(&ada.token).send().await.json();
    assert_eq!(one["action"]["payload"]["data"], r#"{"delete":"customers"}"#);
    assert_eq!(one["missing"], 1);

    let answer = bench
        .post(&format!("{path}/votes"))
        .bearer(&ada.token)
        .json(
            &json!({"answer": "approve", "reason": "ok", "digest": one["digest"], "version": one["version"]}),
        )
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json()["votes"][0]["name"], "ada");
    assert_eq!(answer.json()["votes"][0]["channel"], "api");
    bench.world.until(review.id, State::Executed).await;
    let done = bench.get(&path).bearer(&ada.token).send().await.json();
    assert_eq!(done["state"], "executed");
    assert_eq!(done["action"]["outcome"]["status"], "executed");
    let timeline = format!("/api/v1/actions/{}/timeline", review.action);
    let entries = bench.get(&timeline).bearer(&ada.token).send().await.json();
    assert!(entries["items"].as_array().unwrap().len() >= 4, "{entries}");
    let path = format!("/api/v1/actions/{}/receipt", review.action);
    let receipt = bench.get(&path).bearer(&ada.token).send().await;
    let receipt = Receipt::parse(receipt.text.as_bytes()).unwrap();
    let log = TrustedLog::new(&[LogKey::new().key().clone()]).unwrap();
    let report = receipt.verify(&log).unwrap();
    assert_eq!(report.conclusion(), "approved by 1 of 1 people, released, executed");
    assert!(report.undisclosed.is_empty(), "{:?}", report.undisclosed);
    let entries = bench.get(&timeline).bearer(&ada.token).send().await.json();
    let last = entries["items"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["kind"], &last["content"]["name"]), (&json!("audit.read"), &json!("ada")));
    assert_eq!(bench.upstream.received().len(), 1);
}

#[tokio::test]
async fn a_vote_that_does_not_count_says_why_and_changes_nothing() {
    let bench = Bench::new().await;
    let review = bench.held(bench.world.draft(Verb::Privilege, "admins")).await;
    let path = format!("/api/v1/reviews/{}/votes", review.id);
    let (ada, bob) = (bench.sign_in("ada").await, bench.sign_in("bob").await);
    let (olaf, carl) = (bench.sign_in("olaf").await, bench.sign_in("carl").await);
    let good = vote(&review, "approve");
    let with = |key: &str, value: serde_json::Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    let other = format!("sha256:{}", "0".repeat(64));
    let table = [
        (&olaf, good.clone(), "forbidden_requester"),
        (&carl, good.clone(), "not_asked"),
        (&ada, with("digest", json!(other)), "other_digest"),
        (&ada, with("version", json!(7)), "review_changed"),
        (&ada, with("reason", json!("a".repeat(4097))), "reason_too_long"),
        (&ada, with("answer", json!("perhaps")), "invalid_body"),
        (&ada, with("digest", json!("abc")), "invalid_body"),
        (&ada, with("version", json!(-1)), "invalid_body"),
        (&ada, with("version", json!("1")), "invalid_body"),
        (&ada, with("version", json!(1.5)), "invalid_body"),
        (&ada, with("version", json!(7.0)), "review_changed"),
        (&ada, with("extra", json!(1)), "invalid_body"),
        (&ada, json!([]), "invalid_body"),
    ];
    for (who, body, code) in table {
        let answer = bench.post(&path).bearer(&who.token).json(&body).send().await;
        assert_eq!(answer.code(), code, "{body}");
    }
    let first = bench.post(&path).bearer(&ada.token).json(&good).send().await;
    assert_eq!(first.status, StatusCode::OK);
    let again = bench.post(&path).bearer(&ada.token).json(&with("version", json!(2))).send().await;
    assert_eq!(again.code(), "voted_already");
    let stale = bench.post(&path).bearer(&bob.token).json(&good).send().await;
    assert_eq!(stale.code(), "review_changed");
    assert_eq!(bench.upstream.received().len(), 0);
}

#[tokio::test]
async fn a_vote_after_the_end_is_refused() {
    let bench = Bench::new().await;
    let review = bench.pending().await;
    let ada = bench.sign_in("ada").await;
    bench.world.clock.advance(Duration::from_secs(3600));
    let path = format!("/api/v1/reviews/{}/votes", review.id);
    let answer = bench.post(&path).bearer(&ada.token).json(&vote(&review, "approve")).send().await;
    assert_eq!(answer.code(), "review_expired");
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_another_body_is_refused() {
    let bench = Bench::new().await;
    let review = bench.held(bench.world.draft(Verb::Privilege, "admins")).await;
    let path = format!("/api/v1/reviews/{}/votes", review.id);
    let ada = bench.sign_in("ada").await;
    let send = async |key: &str, answer: &str| {
        let ask = bench.post(&path).bearer(&ada.token).header("idempotency-key", key);
        ask.json(&vote(&review, answer)).send().await
    };
    let first = send("k1", "approve").await;
    let second = send("k1", "approve").await;
    assert_eq!((first.status, &first.text), (second.status, &second.text));
    assert_eq!(second.json()["votes"].as_array().unwrap().len(), 1);
    assert_eq!(send("k1", "deny").await.code(), "idempotency_key_reused");
    let refused = send("k2", "approve").await;
    assert_eq!(refused.code(), "voted_already");
    assert_eq!(send("k2", "approve").await.code(), "voted_already");
    for bad in ["", "with space", &"x".repeat(129)] {
        assert_eq!(send(bad, "approve").await.code(), "invalid_parameter", "{bad}");
    }
}

#[tokio::test]
async fn nonsense_is_answered_with_a_problem_and_never_with_a_failure() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let table = [
        ("/api/v1/reviews/rev_x", "invalid_parameter"),
        ("/api/v1/reviews/%FF", "invalid_parameter"),
        ("/api/v1/reviews/rev_ABCDEFABCDEFABCDEFABCDEFABCDEFAB", "invalid_parameter"),
        ("/api/v1/reviews/rev_00000000000070008000000000000000", "not_found"),
        ("/api/v1/actions/act_00000000000070008000000000000000", "not_found"),
        ("/api/v1/actions/act_00000000000070008000000000000000/timeline", "not_found"),
        ("/api/v1/actions/act_00000000000070008000000000000000/receipt", "not_found"),
        ("/api/v1/actions/rev_00000000000070008000000000000000", "invalid_parameter"),
        ("/api/v1/reviews?limit=0", "invalid_parameter"),
        ("/api/v1/reviews?verb=read", "invalid_parameter"),
        ("/api/v1/actions?state=pending&state=nonsense", "invalid_parameter"),
        ("/api/v1/actions?%FF=%00", "invalid_parameter"),
        ("/api/v1/passed/act_00000000000070008000000000000000", "not_found"),
        ("/api/v1/passed/nonsense", "invalid_parameter"),
        ("/api/v1/passed?state=pending", "invalid_parameter"),
        ("/api/v1/passed?decision=allow", "invalid_parameter"),
        ("/api/v1/events?after=1", "invalid_parameter"),
        ("/api/v1/nothing", "not_found"),
        ("/api/", "not_found"),
    ];
    for (path, code) in table {
        assert_eq!(bench.get(path).bearer(&ada.token).send().await.code(), code, "{path}");
    }
    let session = "/api/v1/session";
    let text = bench.post(session).raw("text/plain", b"{}".to_vec()).send().await;
    assert_eq!(text.code(), "unsupported_media_type");
    let large = bench.post(session).raw("application/json", vec![b' '; 70_000]).send().await;
    assert_eq!(large.code(), "body_too_large");
    for body in
        ["", "{", "[]", "null", r#"{"invitation":1}"#, r#"{"invitation":"a","invitation":"b"}"#, "\u{FEFF}{}"]
    {
        let answer = bench.post(session).raw("application/json", body.as_bytes().to_vec()).send().await;
        assert_eq!(answer.code(), "invalid_body", "{body}");
    }
    let deep = "[".repeat(60_000);
    let answer = bench.post(session).raw("application/json", deep.into_bytes()).send().await;
    assert_eq!(answer.code(), "invalid_body");
}

#[tokio::test]
async fn filters_that_match_nothing_give_an_empty_page() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    bench.pending().await;
    for query in [
        "resource=nowhere",
        "q=%00",
        "q=%25_%27%22",
        "agent=%F0%9F%A6%80",
        "cursor=0",
        "from=9999-01-01T00:00:00Z",
    ] {
        let answer = bench.get(&format!("/api/v1/actions?{query}")).bearer(&ada.token).send().await;
        assert_eq!(answer.status, StatusCode::OK, "{query} {}", answer.text);
        assert_eq!(answer.json()["items"].as_array().unwrap().len(), 0, "{query}");
    }
    let found = bench.get("/api/v1/actions?q=CUSTOMERS&limit=200").bearer(&ada.token).send().await.json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_program_begins_a_session_once_with_a_link_and_ends_it() {
    let bench = Bench::new().await;
    let invitation = bench.invitation("ada").await;
    let body = json!({"invitation": invitation});
    let begun = bench.post("/api/v1/session").json(&body).send().await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text);
    assert_eq!(begun.header("set-cookie"), "");
    let token = begun.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(bench.post("/api/v1/session").json(&body).send().await.code(), "invitation_not_valid");

    let me = bench.get("/api/v1/session").bearer(&token).send().await.json();
    assert_eq!((&me["name"], &me["assurance"]), (&json!("ada"), &json!("session")));
    let ended = bench.ask(http::Method::DELETE, "/api/v1/session").bearer(&token).send().await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(bench.get("/api/v1/session").bearer(&token).send().await.code(), "unauthenticated");
}

#[tokio::test]
async fn a_session_that_expired_is_no_session() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let me = bench.get("/api/v1/session").bearer(&ada.token).send().await;
    assert_eq!(me.status, StatusCode::OK);
    bench.world.clock.advance(Duration::from_secs(60 * 24 * 3600));
    assert_eq!(bench.get("/api/v1/session").bearer(&ada.token).send().await.code(), "unauthenticated");
}

#[tokio::test]
async fn watchers_hear_of_a_review_and_after_a_break_what_they_missed() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let review = bench.pending().await;
    let replay = bench.get("/api/v1/events").bearer(&ada.token).header("last-event-id", "0");
    let response = replay.open().await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let mut heard = String::new();
    while !heard.contains("data:") {
        let frame = body.frame().await.unwrap().unwrap();
        heard.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
    }
    assert!(heard.contains("event: review"), "{heard}");
    assert!(heard.contains(&format!("\"review\":\"{}\"", review.id)), "{heard}");
    assert!(heard.contains("\"state\":\"pending\""), "{heard}");
    assert!(heard.contains("id: "), "{heard}");
    let bad = bench.get("/api/v1/events").bearer(&ada.token).header("last-event-id", "x").send().await;
    assert_eq!(bad.code(), "invalid_parameter");
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let response = bench.get("/api/v1/events").bearer(&ada.token).open().await;
    let now = bench.world.clock.now();
    bench.world.identity.end_session(&ada.token, now).await.unwrap();
    bench.pending().await;
    // Reading to the end only returns because the stream ends, and nothing of the review was said.
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    assert!(!String::from_utf8_lossy(&bytes).contains("data:"));
}

#[tokio::test]
async fn nonsense_instead_of_a_passkey_is_refused_as_such() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let options = bench.post("/api/v1/passkeys/options").bearer(&ada.token).send().await;
    assert_eq!(options.status, StatusCode::OK, "{}", options.text);
    assert_eq!(options.json()["rp"]["id"], "localhost");
    let body = json!({"label": "key", "response": {}});
    let answer = bench.post("/api/v1/passkeys").bearer(&ada.token).json(&body).send().await;
    assert_eq!(answer.code(), "passkey_refused");
    let unnamed = json!({"label": "  ", "response": {}});
    let answer = bench.post("/api/v1/passkeys").bearer(&ada.token).json(&unnamed).send().await;
    assert_eq!(answer.code(), "invalid_body");
    assert_eq!(bench.post("/api/v1/sign-in/options").send().await.status, StatusCode::OK);
    let answer = bench.post("/api/v1/sign-in").json(&json!({"response": {"id": "x"}})).send().await;
    assert_eq!(answer.code(), "passkey_refused");
    let none = bench.ask(http::Method::DELETE, "/api/v1/passkeys/x").bearer(&ada.token).send().await;
    assert_eq!(none.code(), "not_found");
}
