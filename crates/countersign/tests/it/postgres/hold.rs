//! What hears a client whose statement waits for people? Hold, then a ticket, and nothing runs before the vote.

use std::process::Stdio;
use std::time::Duration;

use countersign_core::{Answer, Review, State};
use countersign_proxy_postgres::codec::Format;
use countersign_proxy_postgres::codec::front::{self, BindValues};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::site::{Plan, Site};
use super::wire::{Raw, b, brief, e, h, p, pbe, q, s};
use super::{approve, held};

const DELETE: &str = "DELETE FROM orders WHERE id = 1";

fn left(site: &Site) -> String {
    site.sql("SELECT count(*) FROM orders")
}

/// Asks the gateway to cancel, and waits until it has read that.
async fn cancel(site: &Site, key: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", site.port)).await.unwrap();
    let request = [16_u32.to_be_bytes(), 80_877_102_u32.to_be_bytes()].concat();
    stream.write_all(&[request.as_slice(), key].concat()).await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "nobody answers a cancel request");
}

#[tokio::test]
async fn a_held_statement_shows_a_notice_and_runs_by_itself_after_the_vote() {
    for statement in [q(DELETE), [pbe("DELETE FROM orders WHERE id = $1", &["1"]), s()].concat()] {
        let site = Site::new().await;
        let mut client = site.client().await;
        client.send(&statement).await;
        let notice = client.next().await;
        let review = site.world.the_review(State::Pending).await;
        assert_eq!(notice.tag, b'N');
        let link = format!("waiting for approval: http://localhost:8811/reviews/{}", review.id);
        assert_eq!(notice.field(b'M'), link);
        assert_eq!(left(&site), "9");
        approve(&site, &review).await;
        assert!(brief(&client.until_ready().await).ends_with("C:DELETE 1 Z:I"));
        assert_eq!(left(&site), "8");
        site.world.until(review.id, State::Executed).await;
    }
}

#[tokio::test]
async fn a_person_at_psql_sees_the_notice_and_the_answer() {
    let site = Site::new().await;
    let mut psql = site.psql(&["-c", DELETE, "-c", "SELECT 'goes on'"]);
    let mut child = psql.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    let notice = errors.next_line().await.unwrap().unwrap();
    assert!(notice.starts_with("NOTICE:  waiting for approval: http://localhost:8811/"), "{notice}");
    let review = site.world.the_review(State::Pending).await;
    approve(&site, &review).await;
    let output = child.wait_with_output().await.unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.starts_with("DELETE 1\n") && shown.contains("goes on"), "{shown}");
}

#[tokio::test]
async fn a_denied_statement_tells_who_and_why() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let review = held(&site, &mut client, &q(DELETE)).await;
    site.world.vote("bob", &review, Answer::Deny).await.unwrap();
    let answer = client.until_ready().await;
    assert_eq!(brief(&answer), "E:42501 Z:I");
    assert_eq!(answer[0].field(b'M'), "not executed: bob denied it: bob says deny");
    assert_eq!(client.query("SELECT 1").await, "T D:1 C:SELECT 1 Z:I");
    assert_eq!(left(&site), "9");
}

#[tokio::test]
async fn when_the_hold_is_over_the_client_gets_a_ticket_and_its_next_call_runs_once() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let review = held(&site, &mut client, &q(DELETE)).await;
    site.world.clock.advance(Duration::from_secs(46));
    let mut answer = client.until_ready().await;
    answer.retain(|message| message.tag != b'N');
    assert_eq!(brief(&answer), "E:42501 Z:I");
    let text = answer[0].field(b'M');
    assert_eq!(text, format!("not executed: still waiting for approval ({})", review.id));
    assert!(answer[0].field(b'H').starts_with("Run the same statement again"));
    approve(&site, &review).await;
    assert_eq!(left(&site), "9");
    assert_eq!(client.query(DELETE).await, "C:DELETE 1 Z:I");
    assert_eq!(left(&site), "8");
    // Once more is another question.
    let again = held(&site, &mut client, &q(DELETE)).await;
    assert_ne!(again.id, review.id);
}

#[tokio::test]
async fn other_parameters_or_another_text_are_another_question() {
    let site = Site::new().await;
    let mut clients = Vec::new();
    for (text, params) in [
        ("DELETE FROM orders WHERE id = $1", ["1"]),
        ("DELETE FROM orders WHERE id = $1", ["2"]),
        ("DELETE FROM orders WHERE id = $1 ", ["1"]),
        ("DELETE FROM orders WHERE $1 <> ''", ["1"]),
    ] {
        let mut client = site.client().await;
        client.send(&[pbe(text, &params), s()].concat()).await;
        assert_eq!(client.next().await.brief(), "N:00000");
        clients.push(client);
    }
    assert_eq!(site.world.store.in_state(State::Pending).unwrap().len(), 4);
}

#[tokio::test]
async fn a_cancel_ends_the_hold_and_the_review_stays() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let review = held(&site, &mut client, &q(DELETE)).await;
    cancel(&site, &client.key.clone()).await;
    let answer = client.until_ready().await;
    assert_eq!(brief(&answer), "E:57014 Z:I");
    assert!(answer[0].field(b'D').contains(&review.id.to_string()));
    assert_eq!(site.world.the_review(State::Pending).await.id, review.id);
    approve(&site, &review).await;
    assert_eq!(left(&site), "9", "nobody asks for it any more");
    assert_eq!(client.query(DELETE).await, "C:DELETE 1 Z:I");
}

#[tokio::test]
async fn a_cancel_in_a_transaction_aborts_it() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.query("BEGIN; INSERT INTO orders VALUES (10)").await;
    held(&site, &mut client, &[pbe(DELETE, &[]), s()].concat()).await;
    cancel(&site, &client.key.clone()).await;
    assert_eq!(brief(&client.until_ready().await), "E:57014 Z:E");
    assert_eq!(client.query("COMMIT").await, "C:ROLLBACK Z:I");
    assert_eq!(left(&site), "9");
}

#[tokio::test]
async fn a_cancel_of_what_runs_reaches_the_server() {
    let site = Site::new().await;
    let mut blocker = site.direct().await;
    blocker.query("BEGIN; LOCK TABLE orders").await;
    let mut client = site.client().await;
    client.send(&q("UPDATE orders SET note = ''")).await;
    site.until_blocked(1).await;
    cancel(&site, &client.key.clone()).await;
    assert_eq!(brief(&client.until_ready().await), "E:57014 Z:I");
}

#[tokio::test]
async fn a_wrong_key_does_nothing() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let other = site.client().await;
    let review = held(&site, &mut client, &q(DELETE)).await;
    let mut wrong = client.key.clone();
    wrong[7] ^= 1;
    cancel(&site, &wrong).await;
    cancel(&site, &other.key).await;
    approve(&site, &review).await;
    assert_eq!(brief(&client.until_ready().await), "C:DELETE 1 Z:I");
}

/// Leaves behind a held statement and so many bytes more, and waits until the gateway has noticed.
async fn leave_while_held(site: &Site, ahead: usize) -> Review {
    let mut client = site.client().await;
    let review = held(site, &mut client, &q(DELETE)).await;
    client.send(&q(&format!("SELECT '{}'", "x".repeat(ahead)))).await;
    drop(client);
    let others = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' AND datname = \
        current_database() AND pid <> pg_backend_pid()";
    // It is looked at every second; the first sign of life tells where the operating system has not got its end.
    let mut seconds = 0;
    while site.sql(others) != "0" {
        assert!(seconds < 15, "the gateway has not noticed that its client left");
        site.world.clock.advance(Duration::from_secs(1));
        seconds += 1;
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(site.world.the_review(State::Pending).await.id, review.id);
    review
}

#[tokio::test]
async fn a_client_that_leaves_while_held_is_noticed_behind_whatever_it_has_sent_ahead() {
    // A little more than is read ahead, and more than the operating system takes in.
    for ahead in [70_000, 300_000, 1_000_000] {
        let site = Site::new().await;
        leave_while_held(&site, ahead).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_held_runs_nothing_and_its_review_stays() {
    let site = Site::new().await;
    let review = leave_while_held(&site, 0).await;
    approve(&site, &review).await;
    assert_eq!(left(&site), "9");
    assert_eq!(site.client().await.query(DELETE).await, "C:DELETE 1 Z:I");
}

#[tokio::test]
async fn a_held_client_sees_signs_of_life() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let review = held(&site, &mut client, &q(DELETE)).await;
    for _ in 0..3 {
        site.world.clock.advance(Duration::from_secs(10));
        assert_eq!(client.next().await.brief(), "N:00000");
    }
    approve(&site, &review).await;
    assert_eq!(brief(&client.until_ready().await), "C:DELETE 1 Z:I");
}

#[tokio::test]
async fn in_a_transaction_the_other_hold_time_counts() {
    let tune = |config: &mut countersign_proxy_postgres::ResourceConfig| {
        config.hold_in_transaction = Duration::ZERO;
    };
    let site = Site::with(Plan { tune, ..Plan::default() }).await;
    let mut client = site.client().await;
    client.query("BEGIN; UPDATE orders SET note = '' WHERE id = 2").await;
    client.send(&q(DELETE)).await;
    let mut answer = client.until_ready().await;
    let notice = answer.remove(0);
    assert!(notice.field(b'D').contains("keeps its locks"), "{}", notice.field(b'D'));
    assert_eq!(brief(&answer), "E:42501 Z:E");
    client.query("ROLLBACK").await;
    let review = site.world.the_review(State::Pending).await;
    approve(&site, &review).await;
    client.query("BEGIN").await;
    assert_eq!(client.query(DELETE).await, "C:DELETE 1 Z:T");
}

#[tokio::test]
async fn two_clients_with_the_same_statement_run_it_once_and_both_hear() {
    let site = Site::new().await;
    let (mut first, mut second) = (site.client().await, site.client().await);
    let review = held(&site, &mut first, &q(DELETE)).await;
    held(&site, &mut second, &q(DELETE)).await;
    assert_eq!(site.world.store.in_state(State::Pending).unwrap().len(), 1);
    approve(&site, &review).await;
    let mut answers = [brief(&first.until_ready().await), brief(&second.until_ready().await)];
    answers.sort();
    assert_eq!(answers, ["C:DELETE 1 Z:I", "E:42501 Z:I"]);
    assert_eq!(left(&site), "8");
}

#[tokio::test]
async fn when_the_server_goes_while_a_statement_is_held_the_client_hears_it_and_the_review_stays() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let review = held(&site, &mut client, &q(DELETE)).await;
    site.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND datname = \
        current_database() AND pid <> pg_backend_pid()",
    );
    let last = client.until_the_end().await;
    assert!(brief(&last).starts_with("E:57P01"), "{last:?}");
    approve(&site, &review).await;
    assert_eq!(left(&site), "9");
    assert_eq!(site.client().await.query(DELETE).await, "C:DELETE 1 Z:I");
}

#[tokio::test]
async fn an_approval_at_the_very_end_of_the_hold_runs_the_statement_once_or_leaves_it_approved() {
    for vote_first in [true, false] {
        let site = Site::new().await;
        let mut client = site.client().await;
        let review = held(&site, &mut client, &q(DELETE)).await;
        if vote_first {
            approve(&site, &review).await;
            site.world.clock.advance(Duration::from_secs(45));
        } else {
            site.world.clock.advance(Duration::from_secs(45));
            approve(&site, &review).await;
        }
        let mut answer = client.until_ready().await;
        answer.retain(|message| message.tag != b'N');
        match brief(&answer).as_str() {
            "C:DELETE 1 Z:I" => {}
            "E:42501 Z:I" => assert_eq!(client.query(DELETE).await, "C:DELETE 1 Z:I"),
            other => panic!("{other}"),
        }
        assert_eq!(left(&site), "8");
        site.world.until(review.id, State::Executed).await;
    }
}

#[tokio::test]
async fn nothing_of_a_series_runs_before_its_held_statement_may() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let first = [pbe("INSERT INTO orders VALUES (10)", &[]), pbe(DELETE, &[]), s()].concat();
    let second = [pbe("INSERT INTO orders VALUES (11)", &[]), s()].concat();
    let review = held(&site, &mut client, &[first, second].concat()).await;
    assert_eq!(site.sql("SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass"), "0");
    assert_eq!(left(&site), "9");
    approve(&site, &review).await;
    assert_eq!(brief(&client.until_ready().await), "1 2 C:INSERT 0 1 1 2 C:DELETE 1 Z:I");
    assert_eq!(brief(&client.until_ready().await), "1 2 C:INSERT 0 1 Z:I");
    assert_eq!(left(&site), "10");
}

#[tokio::test]
async fn what_a_client_sends_while_it_is_held_changes_nothing_of_what_runs() {
    let site = Site::new().await;
    let mut client: Raw = site.client().await;
    client.say(&[p("d", "DELETE FROM orders WHERE id = $1"), s()].concat()).await;
    let review = held(&site, &mut client, &[b("", "d", &["1"]), e("", 0), s()].concat()).await;
    let swap = [super::wire::close("d"), p("d", "DELETE FROM orders"), b("", "d", &[]), h()].concat();
    client.send(&swap).await;
    approve(&site, &review).await;
    assert_eq!(brief(&client.until_ready().await), "2 C:DELETE 1 Z:I");
    // What was sent meanwhile is a question of its own.
    assert_eq!(client.next().await.brief(), "N:00000");
    let next = site.world.the_review(State::Pending).await;
    assert_ne!(next.id, review.id);
    assert_eq!(left(&site), "8");
}

#[tokio::test]
async fn people_read_parameters_that_came_as_bytes() {
    let site = Site::new().await;
    let mut client = site.client().await;
    // The client states no type, and asks the server.
    let text = "DELETE FROM orders WHERE note = $1 AND id = $2";
    let defined = client.say(&[p("d", text), super::wire::describe("d"), s()].concat()).await;
    assert_eq!(defined, "1 t n Z:I");
    let values = BindValues {
        param_formats: &[Format::Binary],
        params: &[Some(b"note 3"), Some(&[0, 0, 0, 3])],
        ..BindValues::default()
    };
    let mut bound = Vec::new();
    front::bind(&mut bound, "", "d", &values).unwrap();
    let review = held(&site, &mut client, &[bound, e("", 0), s()].concat()).await;
    let record = site.world.gate.review(review.id).await.unwrap().unwrap();
    let payload: serde_json::Value = serde_json::from_slice(record.action.payload()).unwrap();
    let parameters = serde_json::json!([
        { "value": "note 3", "binary": "6e6f74652033" },
        { "value": "3", "binary": "00000003" },
    ]);
    assert_eq!(payload["statements"][0]["parameters"], parameters);
    let seen = record.action.arguments().get("statements.0.parameters.0");
    assert_eq!(seen, Some(&countersign_core::Scalar::Text("note 3".to_owned())));
    approve(&site, &review).await;
    assert_eq!(brief(&client.until_ready().await), "2 C:DELETE 1 Z:I");
}
