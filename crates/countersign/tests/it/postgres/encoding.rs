//! Are texts only ever judged in the encoding in which the server reads them? Another one than UTF-8 is refused.

use super::site::{Plan, Site};
use super::wire::{b, brief, h, p, pbe, q, s};

const PLACE: &str = "SELECT name FROM place";
const PUBLIC: &str = "T D:public C:SELECT 1 Z:";

#[tokio::test]
async fn another_encoding_is_refused_and_the_session_goes_on() {
    let site = Site::new().await;
    for text in [
        "SET client_encoding = 'SJIS'",
        "SET SESSION Client_Encoding TO latin1",
        "SET NAMES 'sql_ascii'",
        "SELECT set_config('client_encoding', 'SJIS', false)",
        "SELECT name, set_config('CLIENT_ENCODING', 'LATIN1', true) FROM place",
    ] {
        for messages in
            [q(text), [pbe(text, &[]), s()].concat(), [p("x", text), b("", "x", &[]), s()].concat()]
        {
            let mut client = site.client().await;
            client.send(&[messages, q(PLACE)].concat()).await;
            let refused = client.until_ready().await;
            let error = refused.iter().find(|message| message.tag == b'E').unwrap();
            assert_eq!(error.field(b'C'), "0A000", "{text}");
            assert!(error.field(b'M').starts_with("not executed: the client encoding `"), "{text}");
            assert_eq!(brief(&client.until_ready().await), format!("{PUBLIC}I"));
            assert_eq!(client.query("SHOW client_encoding").await, "T D:UTF8 C:SHOW Z:I");
        }
    }
    // In a block it fails as any statement does.
    let mut client = site.client().await;
    client.query("BEGIN").await;
    assert_eq!(client.query("SET LOCAL client_encoding = 'SJIS'").await, "E:0A000 Z:E");
    client.query("ROLLBACK").await;
    for text in ["RESET client_encoding", "SET client_encoding TO DEFAULT", "SET NAMES 'UTF8'", "RESET ALL"] {
        assert!(!client.query(text).await.contains("E:"), "{text}");
        assert_eq!(client.query("SHOW client_encoding").await, "T D:UTF8 C:SHOW Z:I");
    }
}

#[tokio::test]
async fn another_encoding_that_no_text_tells_of_ends_the_session_with_a_reason() {
    let unknown = r#"@id("unknown") permit (principal, action == Action::"unknown", resource);"#;
    let site = Site::with(Plan::and_policy(unknown)).await;
    let computed = "SELECT set_config('client_' || 'encoding', 'SJIS', false)";
    let mut client = site.client().await;
    client.send(&[q(computed), q(PLACE)].concat()).await;
    let last = client.until_the_end().await;
    let told = last.last().unwrap();
    assert_eq!((told.field(b'S').as_str(), told.field(b'C').as_str()), ("FATAL", "0A000"), "{last:?}");
    assert!(told.field(b'M').contains("SJIS") && told.field(b'H').contains("UTF8"));
    assert!(last.iter().all(|message| message.brief() != "D:public"), "{last:?}");
    // A series that is not ended yet reports no setting, and goes no further either.
    let mut client = site.client().await;
    client.send(&[pbe(computed, &[]), h(), pbe("DELETE FROM orders", &[]), h()].concat()).await;
    while let Some(message) = client.try_next().await {
        if message.tag == b'N' || message.tag == b'E' {
            break;
        }
    }
    assert_eq!(site.sql("SELECT count(*) FROM orders"), "9");
}

#[tokio::test]
async fn psql_without_a_locale_works_and_gets_utf8() {
    let site = Site::new().await;
    for encoding in ["SQL_ASCII", "UTF8"] {
        let mut psql = site.psql(&["-A", "-t", "-c", "SHOW client_encoding", "-c", "SELECT 'Ä' FROM place"]);
        let output = psql.env("LC_ALL", "C").env("PGCLIENTENCODING", encoding).output().await.unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "UTF8\nÄ\n", "{encoding}");
    }
    let mut psql = site.psql(&["-c", "SELECT 1"]);
    let output = psql.env("PGCLIENTENCODING", "LATIN1").output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("the client encoding `LATIN1` is not supported") && said.contains("HINT"),
        "{said}"
    );
}
