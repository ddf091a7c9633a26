//! Is what an open transaction has made or changed judged by what it is there, and by nothing else?

use countersign_core::{Answer, Rows};

use super::site::{Plan, Site};
use super::wire::{Raw, brief, e, h, p, pbe, q, s};
use super::{approve, held};

/// `does(text)` runs whatever it is given; executing it is permitted, as is a function that only reads.
const FUNCTIONS: &str = "
CREATE FUNCTION does(what text) RETURNS text LANGUAGE plpgsql AS 'BEGIN EXECUTE what; RETURN what; END';
CREATE FUNCTION looks() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.orders';
CREATE VIEW seen AS SELECT name FROM hidden.place;
";
const EXECUTE: &str = r#"
@id("execute") permit (principal, action == Action::"execute", resource);
@id("ask-execute") @review("dba") forbid (principal, action == Action::"execute", resource)
unless { resource.name == "public.does()" || resource.name == "public.looks()" };
"#;
/// Makes `seen` a view of what everybody may read.
const OPEN_VIEW: &str = "CREATE OR REPLACE VIEW seen AS SELECT name FROM public.place";
const SEEN: &str = "SELECT name FROM seen";

async fn site() -> Site {
    Site::with(Plan { policy: Plan::and_policy(EXECUTE).policy, ..Plan::and_tables(FUNCTIONS) }).await
}

async fn does(client: &mut Raw, texts: &[&str]) {
    for text in texts {
        let answer = client.query(text).await;
        assert!(!answer.contains("E:"), "{text}: {answer}");
    }
}

async fn denied(client: &mut Raw, text: &str) {
    let answer = client.query(text).await;
    assert!(answer.starts_with("E:42501"), "{text}: {answer}");
    client.query("ROLLBACK").await;
}

#[tokio::test]
async fn what_a_transaction_made_is_judged_by_what_it_is() {
    let site = site().await;
    let mut client = site.client().await;
    // A migration as it is written everywhere.
    does(
        &mut client,
        &[
            "BEGIN",
            "CREATE TABLE fresh (id int PRIMARY KEY, note text)",
            "INSERT INTO fresh SELECT id, note FROM orders",
            "ALTER TABLE fresh ADD COLUMN more int DEFAULT 1",
            "UPDATE fresh SET more = 2 WHERE id = 1",
            "CREATE INDEX ON fresh (more)",
            "ALTER TABLE place RENAME TO gone",
        ],
    )
    .await;
    assert_eq!(client.query("SELECT count(*) FROM fresh WHERE more = 2").await, "T D:1 C:SELECT 1 Z:T");
    assert_eq!(
        client.say(&[pbe("SELECT name FROM gone", &[]), s()].concat()).await,
        "1 2 D:public C:SELECT 1 Z:T"
    );
    does(&mut client, &["COMMIT"]).await;
    assert_eq!(site.sql("SELECT count(*) FROM fresh"), "9");
    // It is no way around: what may not be read may not be read through it, and a function is somebody's.
    for (made, used) in [
        ("SELECT does('CREATE VIEW through AS SELECT name FROM hidden.place')", "SELECT name FROM through"),
        ("ALTER VIEW seen RENAME TO other", "SELECT name FROM other"),
        ("CREATE TABLE fresh2 ()", "SELECT name FROM seen"),
    ] {
        does(&mut client, &["BEGIN", made]).await;
        denied(&mut client, used).await;
    }
    does(&mut client, &["BEGIN", "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'"]).await;
    let review = held(&site, &mut client, &q("SELECT mine()")).await;
    approve(&site, &review).await;
    assert!(brief(&client.until_ready().await).ends_with("D:1 C:SELECT 1 Z:T"));
    does(&mut client, &["ROLLBACK"]).await;
}

#[tokio::test]
async fn what_is_undone_counts_no_more() {
    let site = site().await;
    for undo in ["ROLLBACK TO a", "ROLLBACK AND CHAIN", "ROLLBACK TO a; RELEASE a"] {
        let mut client = site.client().await;
        does(&mut client, &["BEGIN", "SAVEPOINT a", OPEN_VIEW]).await;
        assert_eq!(client.query(SEEN).await, "T D:public C:SELECT 1 Z:T");
        does(&mut client, &[undo]).await;
        denied(&mut client, SEEN).await;
        // In one text with it.
        does(&mut client, &["BEGIN", "SAVEPOINT a", OPEN_VIEW]).await;
        denied(&mut client, &format!("{undo}; {SEEN}")).await;
    }
    // After a statement that failed.
    let mut client = site.client().await;
    does(&mut client, &["BEGIN", "SAVEPOINT a", OPEN_VIEW, SEEN]).await;
    assert_eq!(client.query("SELECT 1/0").await, "E:22012 Z:E");
    does(&mut client, &["ROLLBACK TO a"]).await;
    denied(&mut client, SEEN).await;
}

#[tokio::test]
async fn what_a_function_changed_in_the_transaction_counts() {
    let site = site().await;
    let mut client = site.client().await;
    does(&mut client, &["BEGIN", "SELECT looks()"]).await;
    assert_eq!(client.query("SELECT count(*) FROM orders").await, "T D:9 C:SELECT 1 Z:T");
    does(&mut client, &[&format!("SELECT does('{OPEN_VIEW}')")]).await;
    assert_eq!(client.query(SEEN).await, "T D:public C:SELECT 1 Z:T");
    let back = "CREATE OR REPLACE VIEW seen AS SELECT name FROM hidden.place";
    does(&mut client, &[&format!("SELECT does('{back}')")]).await;
    denied(&mut client, SEEN).await;
    // While a cursor that calls it is fetched.
    let lazily =
        format!("DECLARE c CURSOR FOR SELECT does(w) FROM (VALUES ('{OPEN_VIEW}'), ('{back}')) AS t (w)");
    does(&mut client, &["BEGIN", &lazily, "FETCH c"]).await;
    let answer = client.query("FETCH c").await;
    if !answer.contains("E:") {
        denied(&mut client, SEEN).await;
    }
    client.query("ROLLBACK").await;
    let lazily = format!("SELECT does(w) FROM (VALUES ('{OPEN_VIEW}'), ('{back}')) AS t (w)");
    does(&mut client, &["BEGIN"]).await;
    let first = [p("", &lazily), super::wire::b("c", "", &[]), e("c", 1), s()].concat();
    assert!(client.say(&first).await.ends_with("s Z:T"));
    assert_eq!(client.query(SEEN).await, "T D:public C:SELECT 1 Z:T");
    assert!(client.say(&[e("c", 1), s()].concat()).await.ends_with("s Z:T"));
    denied(&mut client, SEEN).await;
}

#[tokio::test]
async fn what_others_commit_meanwhile_counts_with_it() {
    let site = site().await;
    let (mut client, mut other) = (site.client().await, site.client().await);
    does(&mut client, &["BEGIN", "CREATE TABLE fresh ()"]).await;
    does(&mut other, &[OPEN_VIEW]).await;
    // The open transaction sees it from now on.
    does(&mut client, &["CREATE TABLE fresh2 ()"]).await;
    assert_eq!(client.query(SEEN).await, "T D:public C:SELECT 1 Z:T");
    // What is changed past the gateway, after a while.
    does(&mut client, &["ROLLBACK", "BEGIN", "CREATE TABLE fresh ()", "SELECT name FROM place"]).await;
    site.sql("CREATE OR REPLACE VIEW seen AS SELECT name FROM hidden.place");
    site.world.clock.advance(std::time::Duration::from_secs(30));
    denied(&mut client, SEEN).await;
}

#[tokio::test]
async fn within_its_own_text_or_series_a_change_leaves_what_follows_unknown() {
    let site = site().await;
    let mut client = site.client().await;
    denied(&mut client, "BEGIN; CREATE TABLE fresh (); SELECT count(*) FROM fresh").await;
    let series = [pbe("CREATE TABLE fresh ()", &[]), pbe("SELECT count(*) FROM orders", &[]), s()].concat();
    assert!(client.say(&series).await.contains("E:42501"));
    let mut client = site.client().await;
    client
        .send(
            &[pbe("CREATE TABLE fresh ()", &[]), h(), pbe("SELECT count(*) FROM orders", &[]), h()].concat(),
        )
        .await;
    assert_eq!(client.take(4).await, "1 2 C:CREATE TABLE E:42501");
}

#[tokio::test]
async fn a_transaction_with_one_snapshot_stays_unknown_after_a_change() {
    let site = site().await;
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let mut client = site.client().await;
        does(&mut client, &[&format!("BEGIN ISOLATION LEVEL {level}"), "CREATE TABLE fresh ()"]).await;
        denied(&mut client, "SELECT count(*) FROM orders").await;
    }
}

#[tokio::test]
async fn a_catalog_that_can_not_be_read_leaves_all_unknown_and_the_transaction_whole() {
    let site = site().await;
    // Another session keeps a view locked whose definition has to be read.
    let (mut client, mut other) = (site.client().await, site.direct().await);
    for (then, answer) in [("SELECT count(*) FROM orders", "E:42501 Z:E"), ("COMMIT", "C:COMMIT Z:I")] {
        does(&mut client, &["BEGIN", "INSERT INTO deeds VALUES ('kept')"]).await;
        does(&mut other, &["BEGIN", "ALTER VIEW seen RENAME TO other"]).await;
        does(&mut client, &["CREATE TABLE fresh ()"]).await;
        assert_eq!(client.query(then).await, answer);
        other.query("ROLLBACK").await;
        client.query("ROLLBACK").await;
    }
    assert_eq!(site.sql("SELECT count(*), to_regclass('fresh') IS NULL FROM deeds"), "1|f");
}

#[tokio::test]
async fn no_rows_are_counted_for_people_in_a_transaction_that_changed_what_there_is() {
    let site = site().await;
    let mut client = site.client().await;
    // From outside, `orders` is another table still.
    let swap = ["BEGIN", "ALTER TABLE orders RENAME TO kept", "CREATE TABLE orders AS SELECT 1 AS id"];
    does(&mut client, &swap).await;
    let review = held(&site, &mut client, &q("DELETE FROM orders")).await;
    let record = site.world.gate.review(review.id).await.unwrap().unwrap();
    let preview = record.action.preview().unwrap();
    assert_eq!((preview.rows, &preview.sample), (Rows::Unknown, &None));
    assert!(
        preview.notes[0].starts_with("Not counted: the open transaction may have changed"),
        "{preview:?}"
    );
    site.world.vote("ada", &review, Answer::Approve).await.unwrap();
    assert!(brief(&client.until_ready().await).ends_with("C:DELETE 1 Z:T"));
}

#[tokio::test]
async fn masks_trust_no_column_of_a_transaction_that_changed_what_there_is() {
    let mask = r#"@id("mask") @obligation("mask") @columns("orders.note") permit (principal, action == Action::"read", resource);"#;
    let policy = Plan::and_policy(&format!("{EXECUTE}{mask}")).policy;
    let tables = format!("{FUNCTIONS} CREATE VIEW plain AS SELECT name FROM place;");
    let site = Site::with(Plan { policy, ..Plan::and_tables(&tables) }).await;
    let mut client = site.client().await;
    let masked = client.query("SELECT note FROM orders WHERE id = 1").await;
    assert!(!masked.contains("note 1"), "{masked}");
    // From outside, the view still shows what nobody hides.
    let mut client = site.client().await;
    let other = "SELECT does('CREATE OR REPLACE VIEW plain AS SELECT note AS name FROM orders WHERE id = 1')";
    does(&mut client, &["SELECT name FROM plain", "BEGIN", other]).await;
    assert_eq!(client.query("SELECT name FROM plain").await, "T D:null C:SELECT 1 Z:T");
}

#[tokio::test]
async fn reading_what_a_transaction_made_disturbs_nothing_of_the_client() {
    let site = site().await;
    let mut client = site.client().await;
    // A path in which a table of the client's stands for one of the server's, a savepoint, a cursor, a lock time-out.
    does(
        &mut client,
        &[
            "CREATE TABLE public.pg_class (relname text)",
            "SET search_path = public, pg_catalog",
            "BEGIN",
            "SAVEPOINT mine",
            "DECLARE c CURSOR FOR SELECT id FROM public.orders ORDER BY id",
            "FETCH c",
            "CREATE TABLE public.fresh (id int)",
            "INSERT INTO public.fresh SELECT id FROM public.orders",
        ],
    )
    .await;
    assert_eq!(client.query("SELECT count(*) FROM public.fresh").await, "T D:9 C:SELECT 1 Z:T");
    assert_eq!(client.query("SHOW search_path").await, "T D:public, pg_catalog C:SHOW Z:T");
    assert_eq!(client.query("SHOW statement_timeout").await, "T D:0 C:SHOW Z:T");
    assert_eq!(client.query("FETCH c").await, "T D:2 C:FETCH 1 Z:T");
    does(&mut client, &["ROLLBACK TO mine", "COMMIT"]).await;
    assert_eq!(site.sql("SELECT to_regclass('public.fresh') IS NULL"), "t");
}
