//! Does any byte of a masked value reach the client? Real statements of every shape against a real server; each is also
//! put to the server itself, which shows the value, so that a shape that shows nothing can't pass by mistake.

mod shapes;

use countersign_core::{Query, Timestamp};
use countersign_proxy_postgres::codec::Format;
use countersign_proxy_postgres::codec::front::{self, BindValues};

use super::site::{Plan, Site};
use super::wire::{Message, Raw, b, brief, describe, describe_portal, e, h, p, pbe, q, s};

const MASKS: &str = r#"
@id("code") permit (principal, action in [Action::"execute", Action::"unknown", Action::"secret"], resource);
@id("columns") @obligation("mask") @columns("customers.email, name, pin, doc, ledger.holder, vault_1.holder")
permit (principal, action, resource);
"#;

const TABLES: &str = "
CREATE TABLE customers (id int PRIMARY KEY, old text, name text, email text UNIQUE, pin int, doc jsonb, note text);
ALTER TABLE customers DROP COLUMN old;
INSERT INTO customers VALUES
    (1, 'Quintessa Plantagenet', 'zebra.quark@planted.example', 987654, '{\"k\": \"zebra.quark\"}', 'plain'),
    (2, 'Bob Plantagenet', 'bob.quark@planted.example', 876543, '{\"k\": \"bob.quark\"}', 'other');
CREATE TABLE orders_of (customer int REFERENCES customers, amount int);
INSERT INTO orders_of VALUES (1, 10), (2, 20);
CREATE VIEW contacts AS SELECT id, email AS way, upper(name) AS loud FROM customers;
CREATE VIEW nested AS SELECT way AS way2 FROM contacts;
CREATE VIEW words AS SELECT id, note AS word FROM customers;
CREATE MATERIALIZED VIEW kept AS SELECT email AS mat FROM customers;
CREATE TABLE logs (id int, name text) PARTITION BY RANGE (id);
CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM (0) TO (100);
INSERT INTO logs VALUES (1, 'Quintessa Plantagenet');
CREATE TABLE ledger (id int, holder text) PARTITION BY RANGE (id);
CREATE TABLE ledger_1 PARTITION OF ledger FOR VALUES FROM (0) TO (100);
INSERT INTO ledger VALUES (1, 'Quintessa Plantagenet');
CREATE TABLE vault (id int, holder text);
CREATE TABLE vault_1 (extra int) INHERITS (vault);
INSERT INTO vault_1 VALUES (1, 'Quintessa Plantagenet', 2);
CREATE DOMAIN address AS text;
CREATE TABLE people (id int, name address);
INSERT INTO people VALUES (1, 'Quintessa Plantagenet');
CREATE FUNCTION shout() RETURNS int LANGUAGE plpgsql AS
    'BEGIN RAISE NOTICE ''it is %'', (SELECT email FROM customers WHERE id = 1); RETURN 1; END';
CREATE FUNCTION fail() RETURNS int LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''it is %'', (SELECT email FROM customers WHERE id = 1) USING HINT = ''zebra.quark'', CONSTRAINT = ''zebra.quark''; END';
CREATE FUNCTION leak() RETURNS text LANGUAGE sql AS 'SELECT email FROM customers WHERE id = 1';
";

/// What no client may see, in small letters.
const PLANTED: [&str; 7] = ["zebra", "quark", "planted.", "quintessa", "plantagenet", "987654", "876543"];

fn shows(bytes: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    PLANTED.into_iter().find(|planted| text.contains(planted))
}

fn shown(messages: &[Message]) -> Option<&'static str> {
    // The pin as four bytes is a value as well.
    let pin = 987_654_i32.to_be_bytes();
    let binary = messages.iter().any(|message| message.body.windows(4).any(|window| window == pin));
    messages.iter().find_map(|message| shows(&message.body)).or(binary.then_some("the pin"))
}

async fn site(policy: &str) -> Site {
    let plan = Plan::and_policy(policy);
    Site::with(Plan { tables: TABLES.to_owned(), ..plan }).await
}

/// Sends to the gateway and to the server; the server shows what the gateway doesn't.
async fn hidden(client: &mut Raw, direct: &mut Raw, messages: &[u8], what: &str) -> Vec<Message> {
    direct.send(messages).await;
    assert!(shown(&direct.until_ready().await).is_some(), "{what} shows nothing by itself");
    client.send(messages).await;
    let answer = client.until_ready().await;
    assert_eq!(shown(&answer), None, "{what}: {answer:?}");
    answer
}

/// `Bind`, everything binary.
fn bind_binary(statement: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let values = BindValues { result_formats: &[Format::Binary], ..BindValues::default() };
    front::bind(&mut out, "", statement, &values).unwrap();
    out
}

#[tokio::test]
async fn no_shape_of_query_shows_a_masked_value() {
    let site = site(MASKS).await;
    let (mut client, mut direct) = (site.client().await, site.direct().await);
    for (shape, expected) in shapes::SHAPES {
        let answer = brief(&hidden(&mut client, &mut direct, &q(shape), shape).await);
        assert!(answer.contains(expected), "{shape}: {answer}");
        // A driver that never describes: rows come without a description of them.
        let series = [pbe(shape, &[]), s()].concat();
        let answer = brief(&hidden(&mut client, &mut direct, &series, shape).await);
        assert!(answer.contains(expected) && answer.starts_with("1 2 D:"), "{shape}: {answer}");
        let binary = [p("", shape), bind_binary(""), e("", 0), s()].concat();
        let answer = brief(&hidden(&mut client, &mut direct, &binary, shape).await);
        assert!(answer.starts_with("1 2 D:"), "{shape}: {answer}");
    }
}

#[tokio::test]
async fn what_is_not_masked_stays_as_it_is() {
    let site = site(MASKS).await;
    let mut client = site.client().await;
    let same = [
        ("SELECT id, note FROM customers ORDER BY id", "T D:1,plain D:2,other C:SELECT 2 Z:I"),
        ("SELECT amount FROM orders_of ORDER BY 1", "T D:10 D:20 C:SELECT 2 Z:I"),
        ("SELECT sum(amount), count(*) FROM orders_of", "T D:30,2 C:SELECT 1 Z:I"),
        ("SELECT count(*) FROM customers WHERE email LIKE 'zebra%'", "T D:1 C:SELECT 1 Z:I"),
        ("SELECT upper('a')", "T D:A C:SELECT 1 Z:I"),
        ("SHOW server_encoding", "T D:UTF8 C:SHOW Z:I"),
    ];
    for (query, expected) in same {
        assert_eq!(client.query(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_prepared_statement_is_masked_each_time_it_runs() {
    let site = site(MASKS).await;
    let (mut client, mut direct) = (site.client().await, site.direct().await);
    let prepare =
        [p("again", "SELECT email AS x FROM customers WHERE id = 1"), describe("again"), s()].concat();
    client.say(&prepare).await;
    direct.say(&prepare).await;
    for round in 0..7 {
        let run = [b("", "again", &[]), e("", 0), s()].concat();
        let answer = hidden(&mut client, &mut direct, &run, "again").await;
        assert_eq!(brief(&answer), "2 D:z***@p***.example C:SELECT 1 Z:I", "round {round}");
        let described = [b("", "again", &[]), describe_portal(""), e("", 0), s()].concat();
        let answer = hidden(&mut client, &mut direct, &described, "described").await;
        assert_eq!(brief(&answer), "2 T D:z***@p***.example C:SELECT 1 Z:I", "round {round}");
    }
}

#[tokio::test]
async fn a_portal_is_masked_to_its_last_row() {
    let site = site(MASKS).await;
    let (mut client, mut direct) = (site.client().await, site.direct().await);
    let begin =
        [pbe("BEGIN", &[]), p("", "SELECT email FROM customers ORDER BY id"), b("c", "", &[]), s()].concat();
    client.say(&begin).await;
    direct.say(&begin).await;
    for expected in ["D:z***@p***.example s Z:T", "D:b***@p***.example s Z:T"] {
        let more = [e("c", 1), s()].concat();
        assert_eq!(brief(&hidden(&mut client, &mut direct, &more, "portal").await), expected);
    }
}

#[tokio::test]
async fn pipelined_runs_each_have_their_own_mask() {
    let site = site(MASKS).await;
    let (mut client, mut direct) = (site.client().await, site.direct().await);
    let email = pbe("SELECT email FROM customers WHERE id = 1", &[]);
    let note = pbe("SELECT note FROM customers WHERE id = 1", &[]);
    let both = [email.clone(), note.clone(), email, note, s()].concat();
    let answer = brief(&hidden(&mut client, &mut direct, &both, "pipeline").await);
    let (masked, plain) = ("1 2 D:z***@p***.example C:SELECT 1", "1 2 D:plain C:SELECT 1");
    assert_eq!(answer, format!("{masked} {plain} {masked} {plain} Z:I"));
    let flushed = [pbe("SELECT email FROM customers WHERE id = 1", &[]), h()].concat();
    client.send(&flushed).await;
    assert_eq!(client.take(4).await, masked);
    assert_eq!(client.say(&s()).await, "Z:I");
}

#[tokio::test]
async fn cursors_and_sqls_own_prepared_statements_are_masked() {
    let site = site(MASKS).await;
    let (mut client, mut direct) = (site.client().await, site.direct().await);
    for begin in [
        "BEGIN",
        "DECLARE plain CURSOR FOR SELECT email FROM customers ORDER BY id",
        "DECLARE computed CURSOR FOR SELECT upper(email) FROM customers ORDER BY id",
        "PREPARE one AS SELECT email || '' FROM customers ORDER BY id",
    ] {
        client.query(begin).await;
        direct.query(begin).await;
    }
    for (fetch, expected) in [
        ("FETCH 1 FROM plain", "D:z***@p***.example"),
        ("FETCH 1 FROM computed", "D:null"),
        ("EXECUTE one", "D:null"),
    ] {
        let answer = brief(&hidden(&mut client, &mut direct, &q(fetch), fetch).await);
        assert!(answer.contains(expected), "{fetch}: {answer}");
    }
}

/// Rules for statements about one table only, as an author of policies may write them.
const SCOPED: &str = r#"
@id("code") permit (principal, action in [Action::"execute", Action::"unknown", Action::"secret"], resource);
@id("columns") @obligation("mask") @columns("email")
permit (principal, action, resource == Object::"orders/public.customers");
"#;

#[tokio::test]
async fn what_a_masked_statement_leaves_is_masked_under_its_rules() {
    leaves_nothing_bare(&site(SCOPED).await).await;
    // Without a condition anywhere, whatever is not under a mask passes on a standing answer.
    let policy = format!("@id(\"all\") permit (principal, action, resource);{SCOPED}");
    let plan = Plan { policy, tables: TABLES.to_owned(), ..Plan::default() };
    leaves_nothing_bare(&Site::with(plan).await).await;
}

async fn leaves_nothing_bare(site: &Site) {
    let (mut client, mut direct) = (site.client().await, site.direct().await);
    let leaves = [
        "BEGIN",
        "DECLARE plain CURSOR FOR SELECT email FROM customers ORDER BY id",
        "DECLARE computed CURSOR FOR SELECT upper(email) FROM customers ORDER BY id",
    ];
    for statement in leaves {
        client.query(statement).await;
        direct.query(statement).await;
    }
    let fetches = [("FETCH 1 FROM plain", "D:z***@p***.example"), ("FETCH 1 FROM computed", "D:null")];
    for (later, expected) in fetches {
        let answer = brief(&hidden(&mut client, &mut direct, &q(later), later).await);
        assert!(answer.contains(expected), "{later}: {answer}");
    }
    let series = [pbe("FETCH 1 FROM plain", &[]), s()].concat();
    hidden(&mut client, &mut direct, &series, "a cursor of SQL in a series").await;
}

#[tokio::test]
async fn what_a_masked_statement_stores_in_the_session_stays_hidden() {
    let site = site(SCOPED).await;
    let (mut client, mut direct) = (site.client().await, site.direct().await);
    for statement in [
        "PREPARE one AS SELECT email || '' FROM customers ORDER BY id",
        "SELECT set_config('my.own', email, false) FROM customers WHERE id = 1",
    ] {
        client.query(statement).await;
        direct.query(statement).await;
    }
    for later in ["EXECUTE one", "SELECT current_setting('my.own')"] {
        let answer = brief(&hidden(&mut client, &mut direct, &q(later), later).await);
        assert!(answer.contains("D:null"), "{later}: {answer}");
    }
}

#[tokio::test]
async fn copied_data_is_masked_or_refused() {
    let site = site(MASKS).await;
    let (mut client, mut direct) = (site.client().await, site.direct().await);
    let masked = [
        ("COPY customers TO STDOUT", "d:1\tQ***t\tz***@p***.example\t\\N\t\"***\"\tplain"),
        ("COPY customers (note, email) TO STDOUT CSV HEADER", "d:plain,z***@p***.example"),
        ("COPY logs_1 TO STDOUT WITH (FORMAT csv, DELIMITER ';')", "d:1;Q***t"),
        ("COPY people TO STDOUT", "d:1\tQ***t"),
    ];
    for (copy, expected) in masked {
        let answer = brief(&hidden(&mut client, &mut direct, &q(copy), copy).await);
        assert!(answer.contains(expected), "{copy}: {answer}");
        let series = [pbe(copy, &[]), s()].concat();
        let answer = brief(&hidden(&mut client, &mut direct, &series, copy).await);
        assert!(answer.contains(expected), "{copy}: {answer}");
    }
    for copy in [
        "COPY (SELECT email FROM customers) TO STDOUT",
        "COPY (SELECT * FROM contacts) TO STDOUT CSV",
        "COPY customers TO STDOUT (FORMAT binary)",
        "COPY customers TO STDOUT (NULL 'x')",
    ] {
        client.query("BEGIN").await;
        let answer = brief(&hidden(&mut client, &mut direct, &q(copy), copy).await);
        assert_eq!(answer, "E:42501 Z:E", "{copy}: the transaction fails");
        client.query("ROLLBACK").await;
    }
    assert_eq!(client.query("COPY (SELECT 1) TO STDOUT").await, "H d:1 c C:COPY 1 Z:I");
}

#[tokio::test]
async fn errors_notices_and_settings_show_nothing() {
    let site = site(MASKS).await;
    let (mut client, mut direct) = (site.client().await, site.direct().await);
    // The first statement under a mask may be the one that fails.
    for statement in [
        "SELECT email::int FROM customers",
        "SELECT email::regclass FROM customers",
        "SELECT ('<' || email)::xml FROM customers",
        "SELECT name::date FROM customers",
        "SELECT lo_get(pin) FROM customers",
        "SELECT current_setting(name) FROM customers",
        "INSERT INTO customers (id, email) SELECT 9, email FROM customers WHERE id = 1",
        "SELECT shout()",
        "SELECT fail()",
        "SELECT set_config('application_name', email, false) FROM customers WHERE id = 1",
        "DO 'BEGIN RAISE NOTICE ''it is %'', (SELECT email FROM customers WHERE id = 1); END'",
        "SELECT current_setting('application_name')",
    ] {
        hidden(&mut client, &mut direct, &q(statement), statement).await;
    }
    let mut another = site.client().await;
    let series = [pbe("SELECT email::int FROM customers", &[]), s()].concat();
    hidden(&mut another, &mut direct, &series, "first of a session").await;
}

#[tokio::test]
async fn an_error_keeps_what_the_client_said_itself() {
    let site = site(MASKS).await;
    let mut client = site.client().await;
    client.query("SELECT email FROM customers").await;
    client.send(&q("SELECT nothing_like_it FROM customers")).await;
    let answer = client.until_ready().await;
    assert_eq!(answer[0].field(b'M'), "column \"nothing_like_it\" does not exist");
}

#[tokio::test]
async fn returning_is_masked() {
    let site = site(MASKS).await;
    let mut client = site.client().await;
    let update = "UPDATE customers SET note = note RETURNING id, email, lower(email)";
    client.send(&q(update)).await;
    let answer = client.until_ready().await;
    assert_eq!(shown(&answer), None);
    assert!(brief(&answer).contains("D:1,z***@p***.example,null"), "{answer:?}");
    client
        .send(&q("WITH u AS (UPDATE customers SET note = note RETURNING email AS e) SELECT e FROM u"))
        .await;
    assert_eq!(shown(&client.until_ready().await), None);
}

#[tokio::test]
async fn modes_do_what_they_say_and_hashes_join() {
    let policy = r#"
        @id("h") @obligation("mask") @columns("customers.email,contacts.way") @mode("hash") permit (principal, action, resource);
        @id("d") @obligation("mask") @columns("customers.name") @mode("drop") permit (principal, action, resource);
        @id("n") @obligation("mask") @columns("note") @mode("null") permit (principal, action, resource);
    "#;
    let site = site(policy).await;
    let mut client = site.client().await;
    let query = "SELECT email, name, note, way FROM customers JOIN contacts USING (id) WHERE id = 1";
    let answer = client.query(query).await;
    let row = answer.split(' ').nth(1).unwrap().strip_prefix("D:").unwrap().to_owned();
    let cells: Vec<&str> = row.split(',').collect();
    assert!(cells[0].starts_with("mask:") && cells[0].len() == 21, "{row}");
    assert_eq!(cells[1..], ["[name]", "null", cells[0]]);
    assert_eq!(site.client().await.query(query).await, answer, "another session hashes alike");
}

#[tokio::test]
async fn content_is_found_wherever_it_stands() {
    let policy = r#"@id("c") @obligation("mask") @detect("email") @mode("drop") permit (principal, action, resource);"#;
    let site = site(policy).await;
    let mut client = site.client().await;
    for (query, expected) in [
        ("SELECT 'to ' || email FROM customers WHERE id = 1", "D:to [email] "),
        ("SELECT array_agg(email ORDER BY id) FROM customers", "D:{[email],[email]}"),
        ("SELECT json_build_object('e', email) FROM customers WHERE id = 1", "D:{\"e\" : \"[email]\"}"),
        ("COPY (SELECT id, email || '!' FROM customers) TO STDOUT CSV", "d:1,[email]!"),
    ] {
        let answer = client.query(query).await;
        assert!(answer.contains(expected), "{query}: {answer}");
    }
    client.query("LISTEN news").await;
    let answer = client.query("NOTIFY news, 'from zebra.quark@planted.example'").await;
    assert!(answer.contains("A:news=from [email]"), "{answer}");
}

#[tokio::test]
async fn notifications_say_nothing_where_columns_are_masked() {
    let site = site(MASKS).await;
    let (mut client, mut direct) = (site.client().await, site.direct().await);
    client.query("LISTEN news").await;
    direct.query("LISTEN news").await;
    let notify = "SELECT pg_notify('news', (SELECT email FROM customers WHERE id = 1))";
    hidden(&mut client, &mut direct, &q(notify), notify).await;
}

#[tokio::test]
async fn what_was_masked_is_recorded_and_no_value() {
    let site = site(MASKS).await;
    let mut client = site.client().await;
    client.query("SELECT email, upper(name) FROM customers").await;
    client.query("SELECT email::int FROM customers").await;
    site.world.store.sweep(Timestamp::from_micros(0)).await.unwrap();
    let query = Query { limit: 100, ..Query::default() };
    let records = site.world.gate.records(query).await.unwrap().items;
    let notes: Vec<String> =
        records.iter().filter_map(|record| record.outcome.as_ref()?.note.clone()).collect();
    let masked = "masked customers.email (partial), 1 computed column";
    assert!(notes.iter().any(|note| note == masked), "{notes:?}");
    assert_eq!(notes.iter().find_map(|note| shows(note.as_bytes())), None, "{notes:?}");
}

#[tokio::test]
async fn objects_of_an_open_transaction_are_not_known_and_show_nothing() {
    let site = site(MASKS).await;
    let (mut client, mut direct) = (site.client().await, site.direct().await);
    for statement in ["BEGIN", "CREATE TEMP TABLE spill AS SELECT email AS e FROM customers"] {
        client.query(statement).await;
        direct.query(statement).await;
    }
    for select in ["SELECT e FROM spill", "SELECT upper(e) FROM spill", "TABLE spill"] {
        hidden(&mut client, &mut direct, &q(select), select).await;
    }
}

#[tokio::test]
async fn a_view_that_was_just_changed_is_not_what_it_was() {
    let site = site(MASKS).await;
    let change = "BEGIN; CREATE OR REPLACE VIEW words AS SELECT id, email AS word FROM customers";
    let mut direct = site.direct().await;
    direct.query(change).await;
    assert!(direct.query("SELECT word FROM words").await.contains("zebra"));
    direct.query("ROLLBACK").await;
    let mut client = site.client().await;
    assert!(client.query("SELECT word FROM words").await.contains("D:plain"));
    client.query(change).await;
    for select in ["SELECT word FROM words", "TABLE words", "COPY words TO STDOUT"] {
        client.query("SAVEPOINT here").await;
        client.send(&q(select)).await;
        assert_eq!(shown(&client.until_ready().await), None, "{select}");
        client.query("ROLLBACK TO here").await;
    }
    client.query("COMMIT").await;
    assert!(client.query("SELECT word FROM words ORDER BY id").await.contains("D:z***@p***.example"));
}
