//! Can a name be made to stand for another statement than the one that was judged?

use super::site::{Plan, Site};
use super::wire::{Raw, b, brief, close, describe, e, h, p, pbe, q, s};
use super::{approve, held};

const DELETE: &str = "DELETE FROM orders WHERE id = 1";

fn left(site: &Site) -> String {
    site.sql("SELECT count(*) FROM orders")
}

/// Runs the statement of this name.
fn run(name: &str) -> Vec<u8> {
    [b("", name, &[]), e("", 0), s()].concat()
}

#[tokio::test]
async fn a_definition_that_the_server_skipped_is_none() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.say(&[p("x", DELETE), s()].concat()).await;
    let skipped = [p("", "SELEKT"), close("x"), p("x", "SELECT 1"), s()].concat();
    assert_eq!(client.say(&skipped).await, "E:42601 Z:I");
    held(&site, &mut client, &run("x")).await;
    assert_eq!(left(&site), "9");
}

#[tokio::test]
async fn a_second_definition_of_a_name_does_not_replace_the_first() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.say(&[p("x", DELETE), s()].concat()).await;
    assert_eq!(client.say(&[p("x", "SELECT 1"), s()].concat()).await, "E:42P05 Z:I");
    held(&site, &mut client, &run("x")).await;
    assert_eq!(left(&site), "9");
}

#[tokio::test]
async fn a_name_that_is_redefined_in_flight_stands_for_the_new_statement() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.say(&[p("x", "SELECT 1"), s()].concat()).await;
    client.send(&[close("x"), p("x", DELETE), s(), run("x")].concat()).await;
    assert_eq!(brief(&client.until_ready().await), "3 1 Z:I");
    assert_eq!(client.next().await.brief(), "N:00000");
    assert_eq!(left(&site), "9");
    // The same with a definition that fails in flight.
    let mut client = site.client().await;
    client.say(&[p("x", DELETE), s()].concat()).await;
    client.send(&[p("", "SELEKT"), close("x"), p("x", "SELECT 1"), s(), run("x")].concat()).await;
    assert_eq!(brief(&client.until_ready().await), "E:42601 Z:I");
    assert_eq!(client.next().await.brief(), "N:00000");
    assert_eq!(left(&site), "9");
}

#[tokio::test]
async fn statements_prepared_by_sql_are_not_trusted() {
    let site = Site::new().await;
    let mut client = site.client().await;
    assert_eq!(client.query("PREPARE x AS SELECT name FROM place").await, "C:PREPARE Z:I");
    // Nobody follows what SQL prepares; that is unknown, and unknown is not permitted here.
    assert_eq!(client.query("EXECUTE x").await, "E:42501 Z:I");
    assert_eq!(client.say(&run("x")).await, "E:42501 Z:I");
    held(&site, &mut client, &q(&format!("PREPARE y AS {DELETE}"))).await;
}

#[tokio::test]
async fn sql_that_swaps_a_prepared_statement_makes_its_name_unknown() {
    let site = Site::new().await;
    let swap = |before: Vec<u8>| {
        [before, pbe("DEALLOCATE x", &[]), pbe(&format!("PREPARE x AS {DELETE}"), &[])].concat()
    };
    // The name was confirmed before, is confirmed in the same series, or both.
    for (before, series) in [
        (p("x", "SELECT 1"), swap(Vec::new())),
        (Vec::new(), swap(p("x", "SELECT 1"))),
        (p("x", "SELECT 1"), swap([close("x"), p("x", "SELECT 2")].concat())),
    ] {
        let mut client = site.client().await;
        client.say(&[before, s()].concat()).await;
        let review = held(&site, &mut client, &[series, s()].concat()).await;
        approve(&site, &review).await;
        assert!(brief(&client.until_ready().await).ends_with("C:PREPARE Z:I"));
        assert_eq!(client.say(&run("x")).await, "E:42501 Z:I");
        assert_eq!(left(&site), "9");
    }
}

#[tokio::test]
async fn sql_that_swaps_a_prepared_statement_is_seen_within_its_series() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.say(&[p("x", "SELECT 1"), s()].concat()).await;
    let series = [
        pbe("DEALLOCATE x", &[]),
        pbe(&format!("PREPARE x AS {DELETE}"), &[]),
        b("", "x", &[]),
        e("", 0),
        s(),
    ];
    // The use is of something unknown, so the series is not one that people may be asked about here.
    assert_eq!(client.say(&series.concat()).await, "E:42501 Z:I");
    assert_eq!(left(&site), "9");
}

#[tokio::test]
async fn discarding_everything_forgets_every_name() {
    for forget in ["DISCARD ALL", "DEALLOCATE ALL", "DEALLOCATE x"] {
        let site = Site::new().await;
        let mut client = site.client().await;
        client.say(&[p("x", "SELECT 1"), s()].concat()).await;
        client.query(forget).await;
        assert_eq!(client.say(&run("x")).await, "E:42501 Z:I");
        assert_eq!(client.say(&[p("x", "SELECT 2"), s(),].concat()).await, "1 Z:I");
        assert_eq!(client.say(&run("x")).await, "2 D:2 C:SELECT 1 Z:I");
    }
}

#[tokio::test]
async fn an_approval_is_for_its_parameters_only() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.query("BEGIN").await;
    client.say(&[p("d", "DELETE FROM orders WHERE id = $1"), s()].concat()).await;
    let review = held(&site, &mut client, &[b("c", "d", &["1"]), e("c", 0), s()].concat()).await;
    approve(&site, &review).await;
    assert_eq!(brief(&client.until_ready().await), "2 C:DELETE 1 Z:T");
    let other = [super::wire::close_portal("c"), b("c", "d", &["2"]), e("c", 0), s()].concat();
    held(&site, &mut client, &other).await;
}

#[tokio::test]
async fn an_approved_portal_runs_once() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.query("BEGIN").await;
    let text = "DELETE FROM orders WHERE id = (SELECT min(id) FROM orders)";
    let review = held(&site, &mut client, &[p("", text), b("c", "", &[]), e("c", 0), s()].concat()).await;
    approve(&site, &review).await;
    assert_eq!(brief(&client.until_ready().await), "1 2 C:DELETE 1 Z:T");
    assert_eq!(client.say(&[e("c", 0), s()].concat()).await, "E:55000 Z:E");
    client.query("ROLLBACK").await;
    assert_eq!(client.say(&[e("c", 0), s()].concat()).await, "E:42501 Z:I");
    assert_eq!(left(&site), "9");
}

#[tokio::test]
async fn a_portal_that_is_bound_and_flushed_is_asked_about_at_once() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let review = held(&site, &mut client, &[p("", DELETE), b("", "", &[]), h()].concat()).await;
    approve(&site, &review).await;
    assert_eq!(client.take(2).await, "1 2");
    assert_eq!(client.say(&[e("", 0), s()].concat()).await, "C:DELETE 1 Z:I");
}

#[tokio::test]
async fn the_portal_of_a_cursor_is_not_trusted() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.query("BEGIN; DECLARE c CURSOR FOR SELECT name FROM place").await;
    assert_eq!(client.say(&[e("c", 0), s()].concat()).await, "E:42501 Z:E");
    client.query("ROLLBACK; BEGIN; DECLARE c CURSOR FOR SELECT name FROM place").await;
    assert_eq!(client.query("FETCH c").await, "T D:public C:FETCH 1 Z:T");
}

#[tokio::test]
async fn names_that_the_server_takes_for_one_are_not_two() {
    let site = Site::new().await;
    // The server cuts both to the same 63 bytes: closing one closes the other, and so does defining it anew.
    let (one, other) = (format!("{}x", "n".repeat(63)), format!("{}y", "n".repeat(63)));
    let mut direct = site.direct().await;
    let swap =
        [p(&one, "SELECT 1"), close(&other), p(&other, "SELECT 2"), b("", &one, &[]), e("", 0), s()].concat();
    assert_eq!(direct.say(&swap).await, "1 3 1 2 D:2 C:SELECT 1 Z:I");
    for messages in
        [p(&one, "SELECT 1"), close(&one), describe(&one), b("", &one, &[]), b(&one, "", &[]), e(&one, 0)]
    {
        let mut client = site.client().await;
        client.send(&[messages, s()].concat()).await;
        let last = client.until_the_end().await;
        assert_eq!(brief(&last), "E:08P01");
    }
}

/// `swaps(text)` runs whatever it is given, and whoever may call it may do that.
const SWAPS: &str = "
CREATE FUNCTION swaps(what text) RETURNS text LANGUAGE plpgsql AS 'BEGIN EXECUTE what; RETURN what; END';
CREATE FUNCTION reopens(c refcursor) RETURNS text LANGUAGE plpgsql AS
    'BEGIN CLOSE c; OPEN c FOR SELECT name FROM hidden.place; RETURN ''done''; END';
";

async fn site_with_functions() -> Site {
    let policy = r#"@id("execute") permit (principal, action == Action::"execute", resource);"#;
    Site::with(Plan { policy: Plan::and_policy(policy).policy, ..Plan::and_tables(SWAPS) }).await
}

async fn calls(client: &mut Raw, text: &str) {
    let answer = client.query(text).await;
    assert!(answer.contains("C:SELECT 1"), "{text}: {answer}");
}

#[tokio::test]
async fn a_function_that_swaps_a_prepared_statement_makes_its_name_unknown() {
    let site = site_with_functions().await;
    let swap = format!("SELECT swaps('DEALLOCATE x; PREPARE x AS {DELETE}')");
    for block in [false, true] {
        let mut client = site.client().await;
        client.say(&[p("x", "SELECT 1"), p("y", "SELECT 2"), s()].concat()).await;
        if block {
            client.query("BEGIN").await;
        }
        calls(&mut client, &swap).await;
        if block {
            client.query("COMMIT").await;
        }
        assert_eq!(client.say(&run("x")).await, "E:42501 Z:I");
        // Another name of the same session is what it was.
        assert_eq!(client.say(&run("y")).await, "2 D:2 C:SELECT 1 Z:I");
        assert_eq!(left(&site), "9");
        // So is this one, once it is defined anew.
        client.say(&[close("x"), p("x", "SELECT 3"), s()].concat()).await;
        assert_eq!(client.say(&run("x")).await, "2 D:3 C:SELECT 1 Z:I");
    }
}

#[tokio::test]
async fn more_statements_of_sql_than_anybody_tells_make_every_name_unknown() {
    let site = site_with_functions().await;
    let mut client = site.client().await;
    client.say(&[p("x", "SELECT 1"), s()].concat()).await;
    let many: String = (0..101).map(|at| format!("PREPARE n{at} AS SELECT 1; ")).collect();
    calls(&mut client, &format!("SELECT swaps('{many}')")).await;
    assert_eq!(client.say(&run("x")).await, "E:42501 Z:I");
}

#[tokio::test]
async fn a_function_that_swaps_a_portal_makes_its_name_unknown() {
    let site = site_with_functions().await;
    let mut client = site.client().await;
    client.query("BEGIN").await;
    let first = [p("", "SELECT id FROM orders ORDER BY id"), b("c", "", &[]), e("c", 1), s()].concat();
    assert_eq!(client.say(&first).await, "1 2 D:1 s Z:T");
    calls(&mut client, "SELECT deed()").await;
    // Nothing has happened to it so far.
    assert_eq!(client.say(&[e("c", 1), s()].concat()).await, "D:2 s Z:T");
    calls(&mut client, "SELECT reopens('c')").await;
    let answer = client.say(&[e("c", 0), s()].concat()).await;
    assert!(answer.contains("E:42501") && !answer.contains("D:hidden"), "{answer}");
}
