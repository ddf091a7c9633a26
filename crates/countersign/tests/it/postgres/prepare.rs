//! Does preparing a statement, which executes nothing, run somebody's code? The server reads constants as it parses.

use super::site::{Plan, Site};
use super::wire::{b, describe, e, h, p, s, x};

/// A domain whose check acts, and types and tables in which it hides.
const DOMAINS: &str = "
CREATE DOMAIN acting AS text CHECK (deed() > 0 OR VALUE IS NULL);
CREATE TYPE pair AS (a acting, b int);
CREATE TABLE boxes (id int, content acting[]);
";

#[tokio::test]
async fn what_runs_code_by_being_prepared_is_judged_before_it_is_prepared() {
    let site = Site::with(Plan::and_tables(DOMAINS)).await;
    for text in [
        "SELECT '{x}'::acting[]",
        "SELECT '(x,1)'::pair",
        "SELECT id FROM boxes WHERE content = '{x}'",
        "INSERT INTO boxes VALUES (1, '{x}')",
        "SELECT CAST('{\"(x,1)\"}' AS pair[])",
    ] {
        // The server itself runs the check as soon as it parses such a text.
        let mut direct = site.direct().await;
        direct.say(&[p("", text), s()].concat()).await;
        assert_eq!(site.sql("SELECT is_called FROM deeds_seen"), "t", "{text}");
        site.sql("ALTER SEQUENCE deeds_seen RESTART");
        for messages in [
            [p("", text), s()].concat(),
            [p("x", text), h(), s()].concat(),
            [p("x", text), describe("x"), s()].concat(),
            [p("", text), p("", "SELECT 1"), b("", "", &[]), e("", 0), s()].concat(),
            [p("", text), x()].concat(),
        ] {
            let mut client = site.client().await;
            client.send(&messages).await;
            let answer = match client.try_next().await {
                Some(first) => first.brief(),
                None => "nothing".to_owned(),
            };
            assert!(matches!(answer.as_str(), "E:42501" | "nothing"), "{text}: {answer}");
            assert_eq!(site.sql("SELECT is_called FROM deeds_seen"), "f", "{text}");
        }
    }
    // What reads no constant of such a type is prepared as ever.
    let mut client = site.client().await;
    assert_eq!(client.say(&[p("", "SELECT id FROM orders"), s()].concat()).await, "1 Z:I");
}

#[tokio::test]
async fn a_parameter_whose_type_runs_code_is_judged_when_it_gets_a_value() {
    let site = Site::with(Plan::and_tables(DOMAINS)).await;
    let oid = site.sql("SELECT 'acting'::regtype::oid").parse().unwrap();
    let mut parse = Vec::new();
    countersign_proxy_postgres::codec::front::parse(&mut parse, "x", "SELECT $1", &[oid]).unwrap();
    let mut client = site.client().await;
    // Declaring and describing it runs nothing.
    let answer = client.say(&[parse, describe("x"), s()].concat()).await;
    assert_eq!(answer, "1 t T Z:I");
    assert_eq!(site.sql("SELECT is_called FROM deeds_seen"), "f");
    assert_eq!(client.say(&[b("", "x", &["v"]), e("", 0), s()].concat()).await, "E:42501 Z:I");
    assert_eq!(client.say(&[b("", "x", &["v"]), s()].concat()).await, "E:42501 Z:I");
    assert_eq!(site.sql("SELECT is_called FROM deeds_seen"), "f");
}
