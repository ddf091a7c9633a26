//! Does a denial leave the transaction as the server would? The server itself fails, and only its words are changed.

use super::site::Site;
use super::wire::{b, brief, close, describe, e, h, message, p, pbe, q, s};

/// Read from a table that policy keeps from everybody.
const DENIED: &str = "SELECT name FROM hidden.place";

#[tokio::test]
async fn a_denied_statement_says_why_and_the_session_goes_on() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.send(&q(DENIED)).await;
    let answer = client.until_ready().await;
    assert_eq!(brief(&answer), "E:42501 Z:I");
    assert!(answer[0].field(b'M').starts_with("not executed: "), "{}", answer[0].field(b'M'));
    assert!(answer[0].field(b'D').contains("Nothing of it was executed"), "{}", answer[0].field(b'D'));
    assert_eq!(client.query("SELECT 1").await, "T D:1 C:SELECT 1 Z:I");
    assert_eq!(client.say(&[pbe(DENIED, &[]), s()].concat()).await, "E:42501 Z:I");
    assert_eq!(client.say(&[pbe("SELECT 2", &[]), s()].concat()).await, "1 2 D:2 C:SELECT 1 Z:I");
}

#[tokio::test]
async fn a_denial_aborts_the_transaction_in_the_server() {
    for denied in [q(DENIED), [pbe(DENIED, &[]), s()].concat()] {
        let site = Site::new().await;
        let mut client = site.client().await;
        assert_eq!(client.query("BEGIN; INSERT INTO orders VALUES (10)").await, "C:BEGIN C:INSERT 0 1 Z:T");
        assert_eq!(client.say(&denied).await, "E:42501 Z:E");
        assert_eq!(client.query("SELECT 1").await, "E:25P02 Z:E");
        assert_eq!(client.say(&denied).await, "E:42501 Z:E");
        assert_eq!(client.query("COMMIT").await, "C:ROLLBACK Z:I");
        assert_eq!(site.sql("SELECT count(*) FROM orders"), "9");
    }
}

#[tokio::test]
async fn a_savepoint_survives_a_denial() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.query("BEGIN; INSERT INTO orders VALUES (10); SAVEPOINT a").await;
    assert_eq!(client.query(DENIED).await, "E:42501 Z:E");
    assert_eq!(client.query("ROLLBACK TO a; COMMIT").await, "C:ROLLBACK C:COMMIT Z:I");
    assert_eq!(site.sql("SELECT count(*) FROM orders"), "10");
}

#[tokio::test]
async fn a_denial_in_a_pipeline_undoes_what_its_series_did() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let insert = |id: &str| pbe("INSERT INTO orders VALUES ($1)", &[id]);
    let pipeline = [insert("10"), s(), insert("11"), pbe(DENIED, &[]), insert("12"), s(), insert("13"), s()];
    client.send(&pipeline.concat()).await;
    assert_eq!(brief(&client.until_ready().await), "1 2 C:INSERT 0 1 Z:I");
    assert!(brief(&client.until_ready().await).ends_with("E:42501 Z:I"));
    assert_eq!(brief(&client.until_ready().await), "1 2 C:INSERT 0 1 Z:I");
    assert_eq!(site.sql("SELECT string_agg(id::text, ',' ORDER BY id) FROM orders WHERE id > 9"), "10,13");
}

#[tokio::test]
async fn a_simple_query_is_denied_as_a_whole() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let mixed = format!("INSERT INTO orders VALUES (10); {DENIED}; INSERT INTO orders VALUES (11)");
    assert_eq!(client.query(&mixed).await, "E:42501 Z:I");
    assert_eq!(client.query(&format!("BEGIN; {DENIED}")).await, "E:42501 Z:I");
    assert_eq!(site.sql("SELECT count(*) FROM orders"), "9");
}

#[tokio::test]
async fn a_denied_copy_takes_no_data() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let data = [message(b'd', b"stolen\n"), message(b'c', b"")].concat();
    let copy = "COPY hidden.place FROM STDIN";
    assert_eq!(client.say(&[q(copy), data.clone()].concat()).await, "E:42501 Z:I");
    assert_eq!(client.say(&[pbe(copy, &[]), data.clone(), s()].concat()).await, "E:42501 Z:I");
    assert_eq!(client.say(&[q("COPY hidden.place TO STDOUT"), data].concat()).await, "E:42501 Z:I");
    assert_eq!(client.query("SELECT 1").await, "T D:1 C:SELECT 1 Z:I");
    assert_eq!(site.sql("SELECT count(*) FROM hidden.place"), "1");
}

#[tokio::test]
async fn a_client_that_only_flushes_hears_its_denial_at_once() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.send(&[pbe("INSERT INTO orders VALUES (10)", &[]), h()].concat()).await;
    assert_eq!(client.take(3).await, "1 2 C:INSERT 0 1");
    client.send(&[pbe(DENIED, &[]), h()].concat()).await;
    assert_eq!(client.take(1).await, "E:42501");
    // Everything up to the end of the series is skipped, as after every error.
    client.send(&[pbe("INSERT INTO orders VALUES (11)", &[]), h(), q("SELECT 1")].concat()).await;
    assert_eq!(client.say(&s()).await, "Z:I");
    assert_eq!(client.query("SELECT count(*) FROM orders").await, "T D:9 C:SELECT 1 Z:I");
}

#[tokio::test]
async fn what_comes_before_a_denied_statement_fails_first_when_it_fails() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let series = [p("broken", "SELEKT"), pbe(DENIED, &[]), s()].concat();
    assert_eq!(client.say(&series).await, "E:42601 Z:I");
    let series = [p("fine", "SELECT 1"), describe("fine"), pbe(DENIED, &[]), close("fine"), s()].concat();
    assert_eq!(client.say(&series).await, "1 t T E:42501 Z:I");
    assert_eq!(client.say(&[b("", "fine", &[]), e("", 0), s()].concat()).await, "2 D:1 C:SELECT 1 Z:I");
}

#[tokio::test]
async fn a_denial_in_a_failed_transaction_changes_nothing() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.query("BEGIN").await;
    assert_eq!(client.query("SELECT 1/0").await, "E:22012 Z:E");
    assert_eq!(client.say(&[pbe(DENIED, &[]), s()].concat()).await, "E:42501 Z:E");
    assert_eq!(client.query("ROLLBACK").await, "C:ROLLBACK Z:I");
}

#[tokio::test]
async fn calls_of_functions_by_number_are_denied() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let number: u32 = site.sql("SELECT 'deed'::regproc::oid").parse().unwrap();
    let call = [number.to_be_bytes().as_slice(), &[0; 6]].concat();
    assert_eq!(client.say(&message(b'F', &call)).await, "E:0A000 Z:I");
    client.query("BEGIN").await;
    assert_eq!(client.say(&message(b'F', &call)).await, "E:0A000 Z:E");
    client.query("ROLLBACK").await;
    assert_eq!(site.sql("SELECT count(*) FROM deeds"), "0");
}

#[tokio::test]
async fn a_client_that_leaves_with_a_denied_statement_leaves_nothing_behind() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let series = [pbe("INSERT INTO orders VALUES (10)", &[]), pbe(DENIED, &[]), super::wire::x()].concat();
    client.send(&series).await;
    let answer = brief(&client.until_the_end().await);
    assert!(answer.contains("E:42501"), "{answer}");
    assert_eq!(site.sql("SELECT count(*) FROM orders"), "9");
}
