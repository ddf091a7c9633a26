//! What passed on a standing answer, as programs read it.

use countersign_core::{Outcome, Status};
use http::StatusCode;
use serde_json::json;

use crate::testing::Bench;

#[tokio::test]
async fn what_passed_is_listed_page_by_page_and_read_one_by_one() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let ran = Outcome { status: Status::Executed, result: None, rows: Some(3), duration_us: 5, note: None };
    let ids = [
        bench.passed(r#"{"statements":[{"text":"SELECT 1"}]}"#, Some(ran)),
        bench.passed(r#"{"statements":[{"text":"SELECT 2"}]}"#, None),
        bench.passed(r#"{"statements":[{"text":"SELECT 3"}]}"#, None),
    ];
    let get = async |path: &str| bench.get(path).bearer(&ada.token).send().await.json();
    let first = get("/api/v1/passed?limit=2&agent=batch&resource=orders&verb=read").await;
    assert_eq!(first["items"][0]["id"], ids[2].to_string());
    assert_eq!(first["items"][1]["id"], ids[1].to_string());
    assert_eq!(first["items"][1]["head"], r#"{"statements":[{"text":"SELECT 2"}]}"#);
    let next = first["next"].as_str().unwrap();
    let second = get(&format!("/api/v1/passed?limit=2&agent=batch&cursor={next}")).await;
    assert_eq!(second["items"][0]["id"], ids[0].to_string());
    assert_eq!((&second["next"], &second["looked_at"]), (&json!(null), &json!(1)));

    let one = get(&format!("/api/v1/passed/{}", ids[0])).await;
    assert_eq!(one["payload"]["data"], r#"{"statements":[{"text":"SELECT 1"}]}"#);
    assert_eq!((&one["outcome"]["status"], &one["outcome"]["rows"]), (&json!("executed"), &json!(3)));
    assert_eq!((&one["principal"]["name"], &one["policies"]), (&json!("batch"), &json!(["everyday"])));
    assert!(one["entry"].is_u64());

    for nothing in ["agent=other", "resource=other", "q=SELECT%204", "until=2020-01-01", "verb=delete"] {
        let page = get(&format!("/api/v1/passed?{nothing}")).await;
        assert_eq!(page["items"], json!([]), "{nothing}");
    }
    let listed = get("/api/v1/actions").await;
    assert_eq!(listed["items"], json!([]), "they are listed in one place only");
}

#[tokio::test]
async fn nobody_reads_what_passed_without_a_session() {
    let bench = Bench::new().await;
    let id = bench.passed("{}", None);
    for path in ["/api/v1/passed".to_owned(), format!("/api/v1/passed/{id}")] {
        assert_eq!(bench.get(&path).send().await.status, StatusCode::UNAUTHORIZED);
    }
}
