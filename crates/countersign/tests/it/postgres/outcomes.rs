//! Is what became of each statement recorded as it was? Rows, failures, what was undone, and what nobody knows.

use countersign_core::{Outcome, Query, Review, State, Status, Timestamp};

use super::site::{Plan, Site};
use super::wire::{Raw, brief, e, h, p, pbe, q, s};
use super::{approve, held};

/// Outcome of the reviewed action.
async fn outcome(site: &Site, review: &Review, state: State) -> Outcome {
    site.world.until(review.id, state).await;
    site.world.gate.review(review.id).await.unwrap().unwrap().outcome.unwrap()
}

/// What passed unasked, oldest first, as `operation status rows`, once every outcome is there.
async fn passed(site: &Site) -> Vec<String> {
    for _ in 0..1000 {
        let lines = recorded(site).await;
        if lines.iter().all(|line| !line.ends_with('-')) {
            return lines;
        }
        tokio::task::yield_now().await;
    }
    recorded(site).await
}

async fn recorded(site: &Site) -> Vec<String> {
    // Outcomes are written soon, in order: what is written now comes after them.
    site.world.store.sweep(Timestamp::from_micros(0)).await.unwrap();
    let query = Query { limit: 100, decision: Some("allow".to_owned()), ..Query::default() };
    let standing = site.world.gate.passed_records(query.clone()).await.unwrap().items;
    let mut lines: Vec<_> =
        standing.iter().map(|record| line(&record.operation, record.outcome.as_ref())).collect();
    let judged = site.world.gate.records(query).await.unwrap().items;
    lines.extend(judged.iter().map(|record| line(record.action.operation(), record.outcome.as_ref())));
    lines.reverse();
    lines
}

fn line(operation: &str, outcome: Option<&Outcome>) -> String {
    let Some(outcome) = outcome else { return format!("{operation} -") };
    let rows = outcome.rows.map_or_else(String::new, |rows| format!(" {rows}"));
    format!("{operation} {}{rows}", outcome.status.word())
}

/// A held statement, approved.
async fn approved(site: &Site, client: &mut Raw, messages: &[u8]) -> Review {
    let review = held(site, client, messages).await;
    approve(site, &review).await;
    review
}

#[tokio::test]
async fn rows_are_recorded() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let review = approved(&site, &mut client, &q("DELETE FROM orders WHERE id < 4")).await;
    assert_eq!(brief(&client.until_ready().await), "C:DELETE 3 Z:I");
    let outcome = outcome(&site, &review, State::Executed).await;
    assert_eq!((outcome.status, outcome.rows, outcome.note), (Status::Executed, Some(3), None));
}

#[tokio::test]
async fn what_fails_is_recorded_with_the_servers_words() {
    let site = Site::with(Plan::and_tables(
        "CREATE TABLE lines (id int REFERENCES orders); INSERT INTO lines VALUES (1);",
    ))
    .await;
    let mut client = site.client().await;
    let review = approved(&site, &mut client, &q("DELETE FROM orders WHERE id = 1")).await;
    assert_eq!(brief(&client.until_ready().await), "E:23503 Z:I");
    let outcome = outcome(&site, &review, State::Failed).await;
    assert_eq!(outcome.status, Status::Failed);
    assert!(outcome.note.unwrap().contains("violates foreign key constraint"));
}

#[tokio::test]
async fn what_the_end_of_a_series_undoes_has_failed() {
    let late =
        "CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO late VALUES (1);";
    let site = Site::with(Plan::and_tables(late)).await;
    let mut client = site.client().await;
    let series = [pbe("DELETE FROM orders WHERE id = 1", &[]), pbe("SELECT 1/0", &[]), s()].concat();
    let review = approved(&site, &mut client, &series).await;
    assert!(brief(&client.until_ready().await).ends_with("E:22012 Z:I"));
    assert_eq!(outcome(&site, &review, State::Failed).await.status, Status::Failed);
    // Over several flights of one series as well, also when only its end fails.
    let mut client = site.client().await;
    client.send(&[pbe("INSERT INTO late VALUES (1)", &[]), h()].concat()).await;
    assert_eq!(client.take(3).await, "1 2 C:INSERT 0 1");
    client.send(&[pbe("SELECT 1", &[]), s()].concat()).await;
    assert_eq!(brief(&client.until_ready().await), "1 2 D:1 C:SELECT 1 E:23505 Z:I");
    assert_eq!(passed(&site).await, ["INSERT failed 1", "SELECT failed 1"]);
}

#[tokio::test]
async fn each_statement_of_a_flushed_series_has_its_own_rows() {
    let site = Site::new().await;
    let mut client = site.client().await;
    for text in ["SELECT id FROM orders WHERE id < 3", "UPDATE orders SET note = '' WHERE id < 6"] {
        client.send(&[pbe(text, &[]), h()].concat()).await;
        let mut last = client.next().await;
        while last.tag != b'C' {
            last = client.next().await;
        }
    }
    assert_eq!(client.say(&s()).await, "Z:I");
    assert_eq!(passed(&site).await, ["SELECT executed 2", "UPDATE executed 5"]);
    // The same where people were asked.
    client.send(&[pbe("SELECT id FROM orders WHERE id < 3", &[]), h()].concat()).await;
    assert_eq!(client.take(5).await, "1 2 D:1 D:2 C:SELECT 2");
    let review =
        approved(&site, &mut client, &[pbe("DELETE FROM orders WHERE id < 5", &[]), h()].concat()).await;
    assert_eq!(client.take(3).await, "1 2 C:DELETE 4");
    client.say(&s()).await;
    assert_eq!(outcome(&site, &review, State::Executed).await.rows, Some(4));
}

#[tokio::test]
async fn what_was_committed_before_an_error_of_the_same_series_has_not_failed() {
    let site = Site::new().await;
    let mut client = site.client().await;
    for text in ["BEGIN", "INSERT INTO orders VALUES (10)", "COMMIT"] {
        client.send(&[pbe(text, &[]), h()].concat()).await;
        client.take(3).await;
    }
    client.send(&[pbe("SELECT 1/0", &[]), s()].concat()).await;
    client.until_ready().await;
    let expected = ["BEGIN executed", "INSERT executed 1", "COMMIT executed", "SELECT failed"];
    assert_eq!(passed(&site).await, expected);
    assert_eq!(site.sql("SELECT count(*) FROM orders"), "10");
}

#[tokio::test]
async fn portals_that_are_fetched_in_parts_count_their_rows() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.query("BEGIN").await;
    let all = [p("", "SELECT id FROM orders"), super::wire::b("c", "", &[]), e("c", 4), e("c", 0), s()];
    let answer = client.say(&all.concat()).await;
    assert!(answer.ends_with("s D:5 D:6 D:7 D:8 D:9 C:SELECT 5 Z:T"), "{answer}");
    let passed = passed(&site).await;
    assert!(passed[1].starts_with("SELECT executed"), "{passed:?}");
}

#[tokio::test]
async fn a_connection_that_is_lost_in_the_middle_leaves_the_outcome_unknown() {
    let site = Site::new().await;
    let mut blocker = site.direct().await;
    blocker.query("BEGIN; LOCK TABLE orders").await;
    // A held one and one that passes unasked.
    let (mut held_client, mut free_client) = (site.client().await, site.client().await);
    let review = approved(&site, &mut held_client, &q("DELETE FROM orders")).await;
    free_client.send(&q("UPDATE orders SET note = ''")).await;
    site.until_blocked(2).await;
    site.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass",
    );
    for client in [&mut held_client, &mut free_client] {
        let last = brief(&client.until_the_end().await);
        assert!(last.starts_with("E:57P01"), "{last}");
    }
    let outcome = outcome(&site, &review, State::Unknown).await;
    assert_eq!(outcome.status, Status::Unknown);
    assert_eq!(passed(&site).await, ["UPDATE unknown"]);
}

#[tokio::test]
async fn a_server_that_is_killed_leaves_the_outcome_unknown_and_says_so() {
    let site = Site::with(Plan { own_server: true, ..Plan::default() }).await;
    let mut blocker = site.direct().await;
    blocker.query("BEGIN; LOCK TABLE orders").await;
    let mut client = site.client().await;
    let review = approved(&site, &mut client, &q("DELETE FROM orders")).await;
    site.until_blocked(1).await;
    let backend = site.sql("SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass");
    // SIGKILL of a backend makes the server end all of them and recover, as after a crash.
    assert!(std::process::Command::new("kill").args(["-9", &backend]).status().unwrap().success());
    let last = client.until_the_end().await;
    assert!(brief(&last).ends_with("E:08006"), "{last:?}");
    assert!(last.last().unwrap().field(b'H').contains("is not known"), "{last:?}");
    assert_eq!(outcome(&site, &review, State::Unknown).await.status, Status::Unknown);
}

#[tokio::test]
async fn a_client_that_leaves_while_its_statement_runs_leaves_an_honest_record() {
    let site = Site::new().await;
    let mut blocker = site.direct().await;
    blocker.query("BEGIN; LOCK TABLE orders").await;
    let mut client = site.client().await;
    let review = approved(&site, &mut client, &q("DELETE FROM orders WHERE id = 1")).await;
    site.until_blocked(1).await;
    drop(client);
    assert_eq!(outcome(&site, &review, State::Unknown).await.status, Status::Unknown);
    blocker.query("ROLLBACK").await;
}
