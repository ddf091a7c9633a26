//! The ledger's entries as programs take them away.

use http::StatusCode;

use crate::testing::Bench;

#[tokio::test]
async fn leaves_come_as_they_were_hashed_so_many_at_a_time() {
    let bench = Bench::new().await;
    let review = bench.pending().await;
    let ada = bench.sign_in("ada").await;
    let receipt =
        bench.get(&format!("/api/v1/actions/{}/receipt", review.action)).cookie(&ada).send().await.json();
    let whole = bench.get("/api/v1/audit.jsonl").cookie(&ada).send().await;
    assert_eq!((whole.status, whole.header("content-type")), (StatusCode::OK, "application/jsonl"));
    assert_eq!(whole.header("x-next"), "");
    for entry in receipt["entries"].as_array().unwrap() {
        assert!(whole.text.lines().any(|line| line == entry["leaf"]), "{}", whole.text);
    }
    let (mut pages, mut path) = (String::new(), "/api/v1/audit.jsonl?limit=2".to_owned());
    loop {
        let page = bench.get(&path).cookie(&ada).send().await;
        assert!(page.text.lines().count() <= 2);
        pages.push_str(&page.text);
        let next = page.header("x-next");
        if next.is_empty() {
            break;
        }
        path = format!("/api/v1/audit.jsonl?limit=2&cursor={next}");
    }
    assert_eq!(pages, whole.text);
    for bad in ["limit=10001", "limit=0", "kind=destroy", "kind=action&kind=action", "q=x"] {
        let answer = bench.get(&format!("/api/v1/audit.jsonl?{bad}")).cookie(&ada).send().await;
        assert_eq!(answer.code(), "invalid_parameter", "{bad}");
    }
}
