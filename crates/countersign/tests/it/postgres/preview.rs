//! Do people see what a held change would touch, and is that what they approve? Counts, cascades and rows, as the store
//! and the review API give them.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use countersign_console::Console;
use countersign_core::{Answer, Preview, Review, Rows, SampleRow, State};
use countersign_proxy_postgres::ResourceConfig;
use countersign_proxy_postgres::login::Secret;
use countersign_proxy_postgres::login::upstream::Place;
use http_body_util::BodyExt as _;
use hyper::service::Service as _;

use super::site::{Plan, Site};
use super::wire::{Raw, brief, pbe, q, s};
use super::{approve, held};
use crate::sealed;

const CUSTOMERS: &str = "
CREATE TABLE customers (id int PRIMARY KEY, name text, email text);
INSERT INTO customers VALUES (1, 'Ada', 'ada@example.com'), (2, 'Bo', NULL), (3, 'Cy', 'cy@example.com');
CREATE TABLE invoices (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO invoices VALUES (10, 1), (11, 1), (12, 2), (13, 3);
CREATE TABLE lines (invoice int REFERENCES invoices ON DELETE CASCADE);
INSERT INTO lines VALUES (10), (10), (11), (12), (13);
CREATE TABLE remarks (customer int REFERENCES customers ON DELETE SET NULL);
INSERT INTO remarks VALUES (1), (3);
CREATE TABLE untouched (customer int REFERENCES customers ON DELETE CASCADE);
";

/// Writes are seen by people as well, and so is somebody's function.
const ASK: &str = r#"
@id("ask-write") @review("dba") forbid (principal, action == Action::"write", resource == Object::"orders/public.customers");
@id("execute") permit (principal, action == Action::"execute", resource);
@id("ask-execute") @review("dba") forbid (principal, action == Action::"execute", resource);
"#;

async fn shop(tune: fn(&mut ResourceConfig)) -> Site {
    let plan = Plan { tune, ..Plan::and_tables(CUSTOMERS) };
    Site::with(Plan { policy: Plan::and_policy(ASK).policy, ..plan }).await
}

async fn stored(site: &Site, review: &Review) -> Preview {
    let record = site.world.gate.review(review.id).await.unwrap().unwrap();
    assert_eq!(record.action.digest(), record.action.recomputed());
    record.action.preview().unwrap().clone()
}

/// What `GET /api/v1/reviews/{id}` tells.
async fn told(site: &Site, review: &Review) -> Preview {
    let console = Console {
        gate: site.world.gate.clone(),
        identity: Arc::clone(&site.world.identity),
        public_url: "http://localhost:8811".to_owned(),
        auditors: countersign_console::Auditors::default(),
    };
    let life = Duration::from_secs(3600);
    let link = site.world.identity.invite("ada", BTreeSet::new(), life, site.now()).await.unwrap();
    let token = link.token.to_string();
    let session = site.world.identity.accept_invitation(&token, site.now()).await.unwrap().unwrap();
    let request = http::Request::get(format!("/api/v1/reviews/{}", review.id))
        .header("host", "localhost:8811")
        .header("authorization", format!("Bearer {}", session.token))
        .body(axum::body::Body::empty())
        .unwrap();
    let router = countersign_console::router(Arc::new(console));
    let answer = hyper_util::service::TowerToHyperService::new(router).call(request).await.unwrap();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let mut body: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    serde_json::from_value(body["action"]["preview"].take()).unwrap()
}

/// Holds it in each way that a client can send it, and gives what people see.
async fn previews(site: &Site, text: &str, with_parameters: (&str, &[&str])) -> Vec<(Raw, Review, Preview)> {
    let mut seen = Vec::new();
    for messages in [q(text), [pbe(with_parameters.0, with_parameters.1), s()].concat()] {
        let mut client = site.client().await;
        client.send(&messages).await;
        assert_eq!(client.next().await.brief(), "N:00000");
        let review = site.world.the_review(State::Pending).await;
        let preview = stored(site, &review).await;
        assert_eq!(told(site, &review).await, preview);
        site.world.vote("bob", &review, Answer::Deny).await.unwrap();
        client.until_ready().await;
        seen.push((client, review, preview));
    }
    seen
}

fn cells<'a>(row: &'a [Option<String>]) -> Vec<&'a str> {
    row.iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect::<Vec<&'a str>>()
}

fn before(rows: &[SampleRow]) -> Vec<Vec<&str>> {
    rows.iter().map(|row| cells(&row.before)).collect()
}

#[tokio::test]
async fn a_held_delete_shows_its_rows_masked_and_all_that_goes_with_them() {
    let site = shop(|_| {}).await;
    let parameters = ("DELETE FROM customers WHERE id <= $1", ["2"].as_slice());
    for (_, _, preview) in previews(&site, "DELETE FROM customers WHERE id <= 2", parameters).await {
        assert_eq!(preview.rows, Rows::Exact(2));
        let cascades: Vec<_> = preview.cascades.iter().map(|c| (&*c.object, &*c.what, c.rows)).collect();
        assert_eq!(
            cascades,
            [
                ("public.invoices", "delete", Rows::Exact(3)),
                ("public.lines", "delete", Rows::Exact(4)),
                ("public.remarks", "set null", Rows::Exact(1)),
            ]
        );
        let sample = preview.sample.unwrap();
        assert_eq!(sample.columns, ["id", "name", "email"]);
        let rows = before(&sample.rows);
        assert_eq!(
            (rows.len(), &rows[0][..2], &rows[1][..]),
            (2, &["1", "Ada"][..], &["2", "Bo", "NULL"][..])
        );
        assert!(!rows[0][2].contains("ada@example.com") && rows[0][2] != "NULL", "{rows:?}");
        assert!(sample.rows.iter().all(|row| row.after.is_none()));
        assert_eq!(preview.notes, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_held_update_shows_old_and_new_values_masked() {
    let site = shop(|_| {}).await;
    let text =
        "UPDATE customers SET name = upper(name), email = 'new@example.com', id = id + 100 WHERE id = 1";
    let parameters = "UPDATE customers SET name = upper(name), email = $2, id = id + 100 WHERE id = $1";
    let parameters = (parameters, ["1", "new@example.com"].as_slice());
    for (_, _, preview) in previews(&site, text, parameters).await {
        assert_eq!(preview.rows, Rows::Exact(1));
        let followed: Vec<_> = preview.cascades.iter().map(|c| (&*c.object, &*c.what, c.rows)).collect();
        assert_eq!(followed, [("public.invoices", "update", Rows::Exact(2))]);
        let sample = preview.sample.unwrap();
        assert_eq!(sample.columns, ["id", "name", "email"]);
        let [row] = sample.rows.as_slice() else { panic!("{sample:?}") };
        let (before, after) = (cells(&row.before), cells(row.after.as_ref().unwrap()));
        assert_eq!((&before[..2], &after[..2]), (&["1", "Ada"][..], &["101", "ADA"][..]));
        assert_ne!(before[2], after[2]);
        for address in [before[2], after[2]] {
            assert!(!address.contains("ada@") && !address.contains("new@"), "{row:?}");
        }
    }
}

#[tokio::test]
async fn other_rows_make_another_digest_and_no_vote_on_one_counts_for_the_other() {
    let site = shop(|_| {}).await;
    let mut client = site.client().await;
    let delete = q("DELETE FROM customers");
    let first = held(&site, &mut client, &delete).await;
    site.world.vote("bob", &first, Answer::Deny).await.unwrap();
    client.until_ready().await;
    // A denial stands until the question would have expired.
    site.world.clock.advance(Duration::from_secs(601));
    site.sql("INSERT INTO customers VALUES (4, 'Di', NULL)");
    let second = held(&site, &mut client, &delete).await;
    assert_eq!(stored(&site, &first).await.rows, Rows::Exact(3));
    assert_eq!(stored(&site, &second).await.rows, Rows::Exact(4));
    assert_ne!(first.digest, second.digest);
    let vote = Review { digest: first.digest, ..second.clone() };
    site.world.vote("ada", &vote, Answer::Approve).await.unwrap_err();
    assert_eq!(site.sql("SELECT count(*) FROM customers"), "4");
}

#[tokio::test]
async fn an_approval_is_held_to_the_rows_that_people_saw_whenever_it_is_claimed() {
    let site = shop(|_| {}).await;
    let mut client = site.client().await;
    let delete = q("DELETE FROM customers");
    let review = held(&site, &mut client, &delete).await;
    site.world.clock.advance(Duration::from_secs(46));
    client.until_ready().await;
    approve(&site, &review).await;
    // The same statement now counts twice as many, and claims what was approved for half of them.
    site.sql("INSERT INTO customers SELECT i, 'more', NULL FROM generate_series(4, 6) i");
    let said = client.say(&delete).await;
    assert_eq!(said, "E:42501 Z:I");
    assert_eq!(site.sql("SELECT count(*) FROM customers"), "6");
    site.world.until(review.id, State::Failed).await;
}

#[tokio::test]
async fn a_preview_that_was_changed_in_the_store_is_no_approved_one() {
    let site = shop(|_| {}).await;
    let mut client = site.client().await;
    let (before, after) = (q("DELETE FROM customers WHERE id = 1"), q("DELETE FROM customers WHERE id = 2"));
    let tamper = |review: &Review| {
        let body = "UPDATE actions SET body = (
            SELECT sealed(owner, wrapped, 'actions.body', json_set(
                CAST(opened(owner, wrapped, 'actions.body', body) AS TEXT), '$.preview.rows.rows', 0))
            FROM keys WHERE owner = id) WHERE id = ?1";
        let file = sealed::file(&site.world.folder());
        let changed = file.execute(body, [review.action.to_string()]).unwrap();
        assert_eq!(changed, 1);
    };
    // Before anybody has voted, and between vote and claim.
    let review = held(&site, &mut client, &before).await;
    tamper(&review);
    site.world.vote("ada", &review, Answer::Approve).await.unwrap_err();
    site.world.clock.advance(Duration::from_secs(601));
    client.until_ready().await;
    let mut client = site.client().await;
    let review = held(&site, &mut client, &after).await;
    site.world.clock.advance(Duration::from_secs(46));
    client.until_ready().await;
    approve(&site, &review).await;
    tamper(&review);
    assert_eq!(client.say(&after).await, "E:57P03 Z:I");
    assert_eq!(site.sql("SELECT count(*) FROM customers"), "3");
}

#[tokio::test]
async fn what_calls_somebodys_function_is_estimated_and_says_so() {
    let site = shop(|_| {}).await;
    site.sql("ANALYZE customers");
    let mut client = site.client().await;
    let review = held(&site, &mut client, &q("DELETE FROM customers WHERE id > evil()")).await;
    let preview = stored(&site, &review).await;
    assert_eq!((preview.rows, preview.sample), (Rows::Estimate(3), None));
    let why = "No exact count: counting would run code or change something; the estimate is of all rows of the table.";
    assert_eq!(preview.notes, [why]);
    assert_eq!(site.sql("SELECT is_called FROM deeds_seen"), "f", "looking ran the function");
}

#[tokio::test]
async fn what_gives_another_value_each_time_is_estimated_and_says_so() {
    let site = shop(|_| {}).await;
    let mut client = site.client().await;
    let review = held(&site, &mut client, &q("DELETE FROM customers WHERE random() < 2")).await;
    let preview = stored(&site, &review).await;
    assert!(matches!(preview.rows, Rows::Estimate(_)), "{preview:?}");
    assert_eq!(preview.notes, ["No exact count: a function in it gives another value each time."]);
}

#[tokio::test]
async fn a_table_that_is_locked_leaves_the_statement_held_with_an_estimate() {
    let site = shop(|_| {}).await;
    let mut other = site.direct().await;
    other.query("BEGIN; LOCK TABLE customers").await;
    let mut client = site.client().await;
    let review = held(&site, &mut client, &q("DELETE FROM customers")).await;
    let preview = stored(&site, &review).await;
    assert_eq!((preview.rows, &preview.sample), (Rows::Unknown, &None));
    assert!(
        preview.notes[0].starts_with("No exact count: canceling statement due to lock timeout"),
        "{preview:?}"
    );
}

/// Somebody who takes connections and never says a word.
fn silence() -> SocketAddr {
    static SILENT: OnceLock<TcpListener> = OnceLock::new();
    SILENT.get_or_init(|| TcpListener::bind("127.0.0.1:0").unwrap()).local_addr().unwrap()
}

#[tokio::test]
async fn a_preview_that_takes_too_long_leaves_the_statement_held_and_says_so() {
    let site = shop(|config| {
        let place = Place::new("127.0.0.1", silence().port());
        config.preview = Some(countersign_proxy_postgres::login::upstream::UpstreamAddress {
            place,
            ..config.upstream.clone()
        });
    })
    .await;
    let mut client = site.client().await;
    client.send(&q("DELETE FROM customers")).await;
    assert!(site.world.store.in_state(State::Pending).unwrap().is_empty());
    // Whatever the gateway is doing by now, it gives up when the time is over.
    let heard = loop {
        site.world.clock.advance(Duration::from_secs(1));
        if let Ok(heard) = tokio::time::timeout(Duration::from_millis(50), client.next()).await {
            break heard;
        }
    };
    assert_eq!(heard.brief(), "N:00000");
    let review = site.world.the_review(State::Pending).await;
    let preview = stored(&site, &review).await;
    assert_eq!((preview.rows, preview.sample), (Rows::Unknown, None));
    assert_eq!(preview.notes, ["What it would touch could not be found out."]);
    approve(&site, &review).await;
    assert!(brief(&client.until_ready().await).ends_with("C:DELETE 3 Z:I"));
}

/// Previews as `peek`, who may read `customers` and nothing else.
fn as_peek(config: &mut ResourceConfig) {
    config.preview = Some(countersign_proxy_postgres::login::upstream::UpstreamAddress {
        user: "peek".to_owned(),
        password: Some(Secret::new("peek".to_owned())),
        ..config.upstream.clone()
    });
}

#[tokio::test]
async fn previews_are_made_with_the_role_that_is_named_for_them() {
    let site = shop(as_peek).await;
    site.sql("GRANT SELECT ON customers TO peek");
    let mut client = site.client().await;
    let review = held(&site, &mut client, &q("DELETE FROM customers WHERE id = 3")).await;
    let preview = stored(&site, &review).await;
    assert_eq!(preview.rows, Rows::Exact(1));
    // What that role may not read is not counted, and people are asked all the same.
    assert!(preview.cascades.iter().all(|cascade| cascade.rows == Rows::Unknown), "{preview:?}");
    site.world.vote("bob", &review, Answer::Deny).await.unwrap();
    client.until_ready().await;
    let review = held(&site, &mut client, &q("DELETE FROM orders")).await;
    let preview = stored(&site, &review).await;
    assert_eq!(preview.rows, Rows::Unknown);
    assert_eq!(preview.notes, ["No exact count: permission denied for table orders."]);
    // An estimate needs no more than reading.
    site.world.vote("bob", &review, Answer::Deny).await.unwrap();
    client.until_ready().await;
    let review = held(&site, &mut client, &q("DELETE FROM customers WHERE random() < 2")).await;
    assert!(matches!(stored(&site, &review).await.rows, Rows::Estimate(_)));
}

#[tokio::test]
async fn a_role_for_previews_that_can_not_log_in_leaves_the_statement_held() {
    let site = shop(|config| {
        as_peek(config);
        if let Some(preview) = &mut config.preview {
            preview.password = Some(Secret::new("another".to_owned()));
        }
    })
    .await;
    let mut client = site.client().await;
    let review = held(&site, &mut client, &q("DELETE FROM customers")).await;
    let preview = stored(&site, &review).await;
    assert_eq!(preview.notes, ["What it would touch could not be found out."]);
}
