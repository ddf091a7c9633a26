//! Does a text still mean what it meant when it was judged? Paths, roles, temporary objects, catalogs, and what is
//! undone.

use std::time::Duration;

use super::site::{Plan, Site};
use super::wire::{b, brief, e, h, message, p, pbe, q, s, x};
use super::{approve, held};

/// Means `public.place`, which anybody may read, or `hidden.place`, which nobody may.
const PLACE: &str = "SELECT name FROM place";
const PUBLIC: &str = "T D:public C:SELECT 1 Z:";
const HIDDEN: &str = "SET search_path = hidden";

/// Executing somebody's function is seen by people.
const EXECUTE: &str = r#"
@id("execute") permit (principal, action == Action::"execute", resource);
@id("ask-execute") @review("dba") forbid (principal, action == Action::"execute", resource)
unless { resource.name == "pg_catalog.set_config()" };
"#;

async fn denied(site: &Site, prepare: &[&str], then: &[u8]) {
    let mut client = site.client().await;
    for text in prepare {
        let answer = client.query(text).await;
        assert!(!answer.contains("E:"), "{text}: {answer}");
    }
    client.send(then).await;
    let answer = brief(&client.until_ready().await);
    assert!(answer.contains("E:42501") && !answer.contains("D:hidden"), "{prepare:?}: {answer}");
}

#[tokio::test]
async fn what_is_bound_and_never_executed_is_judged_because_planning_runs_functions() {
    let site = Site::new().await;
    let bound = || [p("", "SELECT evil()"), b("", "", &[])].concat();
    for (end, expected) in [
        (s(), "E:42501 Z:I"),
        ([h(), s()].concat(), "E:42501 Z:I"),
        (q("SELECT 1"), "E:42501"),
        (message(b'F', &[0; 10]), "E:"),
        ([message(b'd', b"x"), s()].concat(), "E:42501 Z:I"),
    ] {
        let mut client = site.client().await;
        client.send(&[bound(), end, s()].concat()).await;
        let answer = brief(&client.until_ready().await);
        assert!(answer.contains(expected), "{answer}");
        assert_eq!(site.sql("SELECT is_called FROM deeds_seen"), "f", "{answer}");
    }
    let mut client = site.client().await;
    client.send(&[bound(), x()].concat()).await;
    client.until_the_end().await;
    assert_eq!(site.sql("SELECT is_called FROM deeds_seen"), "f");
}

#[tokio::test]
async fn a_path_that_was_set_counts_at_once() {
    let site = Site::new().await;
    denied(&site, &[HIDDEN], &q(PLACE)).await;
    denied(&site, &["BEGIN", "SET LOCAL search_path = hidden"], &q(PLACE)).await;
    // In one text, one series, and several series at once.
    denied(&site, &[], &q(&format!("{HIDDEN}; {PLACE}"))).await;
    denied(&site, &[], &[pbe(HIDDEN, &[]), pbe(PLACE, &[]), s()].concat()).await;
    let mut client = site.client().await;
    client.send(&[q(HIDDEN), q(PLACE)].concat()).await;
    assert_eq!(brief(&client.until_ready().await), "C:SET Z:I");
    assert_eq!(brief(&client.until_ready().await), "E:42501 Z:I");
    let mut client = site.client().await;
    client.send(&[pbe(HIDDEN, &[]), s(), pbe(PLACE, &[]), s()].concat()).await;
    assert_eq!(brief(&client.until_ready().await), "1 2 C:SET Z:I");
    assert_eq!(brief(&client.until_ready().await), "E:42501 Z:I");
    let mut client = site.client().await;
    client.send(&[pbe(HIDDEN, &[]), h(), pbe(PLACE, &[]), h()].concat()).await;
    assert_eq!(client.take(4).await, "1 2 C:SET E:42501");
}

#[tokio::test]
async fn a_statement_is_judged_by_what_it_means_when_it_runs() {
    let site = Site::new().await;
    let run = [b("", "x", &[]), e("", 0), s()].concat();
    let mut client = site.client().await;
    client.say(&[p("x", PLACE), s()].concat()).await;
    assert_eq!(client.say(&run).await, "2 D:public C:SELECT 1 Z:I");
    client.query(HIDDEN).await;
    assert_eq!(client.say(&run).await, "E:42501 Z:I");
    // Also in the series that sets the path.
    client.query("RESET search_path").await;
    assert_eq!(client.say(&[pbe(HIDDEN, &[]), run].concat()).await, "E:42501 Z:I");
}

#[tokio::test]
async fn a_path_that_was_undone_counts_no_more() {
    // `public` hides behind a path on which everything is permitted.
    let site =
        Site::with(Plan::and_tables("CREATE SCHEMA open; CREATE TABLE open.orders AS SELECT * FROM orders;"))
            .await;
    // Changes of the public table are seen by people, changes of the other one too: only the names differ.
    let delete = "DELETE FROM orders";
    let mut client = site.client().await;
    for undo in ["ROLLBACK TO a", "ROLLBACK", "RESET ALL", "DISCARD ALL", "RESET search_path", "COMMIT"] {
        let discard = undo == "DISCARD ALL";
        if discard {
            client.query("SET search_path = open").await;
        } else if undo == "COMMIT" {
            client.query("BEGIN; SET LOCAL search_path = open").await;
        } else {
            client.query("BEGIN; SAVEPOINT a; SET search_path = open").await;
        }
        let answer = client.query(undo).await;
        assert!(!answer.contains("E:"), "{undo}: {answer}");
        let review = held(&site, &mut client, &q(delete)).await;
        let record = site.world.gate.review(review.id).await.unwrap().unwrap();
        let effects: Vec<_> = record.action.effects().iter().map(|effect| effect.object.clone()).collect();
        assert!(effects.iter().any(|object| object == "public.orders"), "{undo}: {effects:?}");
        assert!(effects.iter().all(|object| object != "open.orders"), "{undo}: {effects:?}");
        site.world.vote("ada", &review, countersign_core::Answer::Deny).await.unwrap();
        client.until_ready().await;
        client.query("ROLLBACK").await;
        client.query("RESET search_path").await;
        site.world.clock.advance(Duration::from_secs(601));
    }
}

#[tokio::test]
async fn a_text_that_undoes_a_path_and_goes_on_is_not_trusted() {
    let site =
        Site::with(Plan::and_tables("CREATE SCHEMA open; CREATE TABLE open.place AS SELECT 'open' AS name;"))
            .await;
    // Here the public table is the one that must not be read by mistake: it stands behind the path.
    for (begin, undo) in [
        ("BEGIN; SAVEPOINT a; SET search_path = open", "ROLLBACK TO a"),
        ("BEGIN; SET search_path = open", "ROLLBACK"),
        ("BEGIN; SET LOCAL search_path = open", "COMMIT"),
    ] {
        denied(&site, &[HIDDEN, begin], &q(&format!("{undo}; {PLACE}"))).await;
        denied(&site, &[HIDDEN, begin], &[pbe(undo, &[]), pbe(PLACE, &[]), s()].concat()).await;
        denied(&site, &[HIDDEN, begin, undo], &q(PLACE)).await;
        denied(&site, &[HIDDEN, begin, undo], &[pbe(PLACE, &[]), s()].concat()).await;
    }
    // A path of the connection's start is what RESET goes back to.
    for text in ["RESET ALL", "DISCARD ALL"] {
        let mut client = site.client_with(&[("search_path", "hidden")]).await.unwrap();
        client.query("SET search_path = open").await;
        client.query(text).await;
        let answer = client.query(PLACE).await;
        assert!(answer == "E:42501 Z:I" || answer.contains("D:public"), "{text}: {answer}");
    }
}

#[tokio::test]
async fn a_text_after_an_error_is_judged_by_what_the_error_left() {
    let site = Site::new().await;
    let mut client = site.client().await;
    // The gateway can't ask what the path is now, because the transaction has failed already.
    let text = format!("BEGIN; {HIDDEN}; SAVEPOINT a; SET statement_timeout = nonsense");
    assert_eq!(client.query(&text).await, "C:BEGIN C:SET C:SAVEPOINT E:22023 Z:E");
    assert_eq!(client.query(&format!("ROLLBACK TO a; {PLACE}")).await, "E:42501 Z:E");
    client.query("ROLLBACK").await;
    assert_eq!(client.query(PLACE).await, format!("{PUBLIC}I"));
}

#[tokio::test]
async fn what_a_cursor_does_when_it_is_fetched_counts() {
    let unknown = r#"@id("unknown") permit (principal, action == Action::"unknown", resource);"#;
    let site = Site::with(Plan::and_policy(&format!("{EXECUTE}{unknown}"))).await;
    let lazily = "SELECT set_config('search_path', v, false) FROM (VALUES ('public'), ('hidden')) AS t (v)";
    denied(&site, &[&format!("BEGIN; DECLARE c CURSOR FOR {lazily}"), "FETCH c", "FETCH c"], &q(PLACE)).await;
    let mut client = site.client().await;
    client.query("BEGIN").await;
    let first = [p("", lazily), b("c", "", &[]), e("c", 1), s()].concat();
    assert_eq!(client.say(&first).await, "1 2 D:public s Z:T");
    assert_eq!(client.say(&[e("c", 1), s()].concat()).await, "D:hidden s Z:T");
    assert_eq!(client.query(PLACE).await, "E:42501 Z:E");
}

#[tokio::test]
async fn asking_what_names_mean_disturbs_nothing_of_the_client() {
    let site = Site::with(Plan::and_policy(EXECUTE)).await;
    let mut client = site.client().await;
    client.query("BEGIN").await;
    // An unnamed portal is fetched in parts though its statement made the gateway ask.
    let series = "SELECT set_config('search_path', 'public', false) FROM generate_series(1, 3)";
    assert_eq!(
        client.say(&[p("", series), b("", "", &[]), e("", 1), s()].concat()).await,
        "1 2 D:public s Z:T"
    );
    assert_eq!(client.say(&[e("", 1), s()].concat()).await, "D:public s Z:T");
    client.query("COMMIT").await;
    // An unnamed statement is bound twice.
    let bind = || [b("", "", &[]), e("", 0), s()].concat();
    assert_eq!(client.say(&[p("", "SET search_path = public"), bind()].concat()).await, "1 2 C:SET Z:I");
    assert_eq!(client.say(&bind()).await, "2 C:SET Z:I");
    // A series that is only flushed is still one transaction.
    client.send(&[pbe("CREATE TABLE undone ()", &[]), h()].concat()).await;
    assert_eq!(client.take(3).await, "1 2 C:CREATE TABLE");
    client.send(&[pbe("SELECT 1/0", &[]), s()].concat()).await;
    assert!(brief(&client.until_ready().await).starts_with("E:"));
    assert_eq!(site.sql("SELECT to_regclass('undone') IS NULL"), "t");
}

#[tokio::test]
async fn settings_of_the_start_are_judged_and_count() {
    let site = Site::new().await;
    for settings in [
        [("search_path", "hidden")],
        [("options", "-c search_path=hidden")],
        [("options", "--search-path=hidden")],
        [("options", "-csearch_path=hidden\\,public")],
        [("SEARCH_PATH", "hidden")],
    ] {
        let mut client = site.client_with(&settings).await.unwrap();
        assert_eq!(client.query(PLACE).await, "E:42501 Z:I", "{settings:?}");
    }
    for settings in [
        [("client_encoding", "LATIN1")],
        [("options", "-c client_encoding=sjis")],
        [("options", "-c Client-Encoding=sjis")],
        [("replication", "database")],
        [("replication", "true")],
        [("options", "-f")],
        [("options", "--search_path")],
        [("role", "nobody")],
        [("session_authorization", "postgres")],
        [("a;b", "c")],
    ] {
        let refused = site.client_with(&settings).await.err().unwrap();
        assert_eq!(refused.field(b'S'), "FATAL", "{settings:?}");
    }
    let mut client = site.client_with(&[("standard_conforming_strings", "off")]).await.unwrap();
    assert_eq!(client.query(PLACE).await, "E:42501 Z:I");
}

#[tokio::test]
async fn strings_of_another_kind_are_not_judged_by_us() {
    let site = Site::new().await;
    denied(&site, &["SET standard_conforming_strings = off"], &q(PLACE)).await;
    denied(&site, &["BEGIN; SET LOCAL standard_conforming_strings = off"], &q(PLACE)).await;
    let trick = r"SELECT '\', $q$ '; INSERT INTO orders VALUES (10) -- $q$";
    let mut client = site.client().await;
    client.send(&[q("SET standard_conforming_strings = off"), q(trick)].concat()).await;
    assert_eq!(brief(&client.until_ready().await), "C:SET Z:I");
    assert_eq!(brief(&client.until_ready().await), "E:42501 Z:I");
    assert_eq!(site.sql("SELECT count(*) FROM orders"), "9");
}

#[tokio::test]
async fn a_role_that_was_taken_is_a_fact_of_the_approval() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.query("SET ROLE other").await;
    let review = held(&site, &mut client, &q("DELETE FROM orders")).await;
    let record = site.world.gate.review(review.id).await.unwrap().unwrap();
    assert_eq!(record.action.facts()["role"], "other");
    // The same statement in another role is another question.
    let mut client = site.client().await;
    client.send(&q("DELETE FROM orders")).await;
    assert_eq!(client.next().await.brief(), "N:00000");
    assert_eq!(site.world.store.in_state(countersign_core::State::Pending).unwrap().len(), 2);
}

#[tokio::test]
async fn a_temporary_table_hides_the_real_one() {
    let site = Site::new().await;
    denied(&site, &["CREATE TEMP TABLE place AS SELECT 'temporary' AS name"], &q(PLACE)).await;
    denied(&site, &[], &[pbe("CREATE TEMP TABLE place (name text)", &[]), pbe(PLACE, &[]), s()].concat())
        .await;
}

#[tokio::test]
async fn a_change_by_another_session_counts_at_once() {
    let site = Site::with(Plan::and_policy(EXECUTE)).await;
    let (mut one, mut other) = (site.client().await, site.client().await);
    assert_eq!(other.query("SELECT count(*) FROM orders").await, "T D:9 C:SELECT 1 Z:I");
    assert_eq!(one.query("ALTER TABLE orders RENAME TO kept").await, "C:ALTER TABLE Z:I");
    let view = "CREATE VIEW orders AS SELECT deed() AS id, '' AS note";
    let review = held(&site, &mut one, &q(view)).await;
    approve(&site, &review).await;
    one.until_ready().await;
    // The first session is silent from now on.
    other.send(&q("SELECT count(id) FROM orders")).await;
    assert_eq!(other.next().await.brief(), "N:00000");
    assert_eq!(site.sql("SELECT count(*) FROM deeds"), "0");
}

#[tokio::test]
async fn a_change_by_somebody_else_counts_after_a_while() {
    let site = Site::with(Plan::and_policy(EXECUTE)).await;
    let mut client = site.client().await;
    assert_eq!(client.query("SELECT count(*) FROM orders").await, "T D:9 C:SELECT 1 Z:I");
    site.sql("ALTER TABLE orders RENAME TO kept; CREATE VIEW orders AS SELECT deed() AS id, '' AS note");
    site.world.clock.advance(Duration::from_secs(3600));
    client.send(&q("SELECT count(id) FROM orders")).await;
    assert_eq!(client.next().await.brief(), "N:00000");
    assert_eq!(site.sql("SELECT count(*) FROM deeds"), "0");
}

#[tokio::test]
async fn an_approval_of_a_statement_that_means_something_else_by_now_is_none() {
    let site = Site::with(Plan::and_tables("CREATE VIEW seen AS SELECT * FROM orders;")).await;
    let mut client = site.client().await;
    let delete = "DELETE FROM seen WHERE id = 1";
    let review = held(&site, &mut client, &q(delete)).await;
    site.world.clock.advance(Duration::from_secs(46));
    client.until_ready().await;
    approve(&site, &review).await;
    site.sql(
        "CREATE TABLE others AS SELECT * FROM orders; DROP VIEW seen; CREATE VIEW seen AS SELECT * FROM others",
    );
    // A new session knows what the view is now.
    site.world.clock.advance(Duration::from_secs(60));
    let mut client = site.client().await;
    client.send(&q(delete)).await;
    let answer = client.next().await.brief();
    assert!(answer == "N:00000" || answer == "E:42501", "{answer}");
    assert_eq!(site.sql("SELECT count(*) FROM others"), "9");
}
