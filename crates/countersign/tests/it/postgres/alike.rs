//! Is what policy allows answered as the server itself would answer it? The same messages, to both, byte for byte.

use super::site::{Plan, Site};
use super::wire::brief;
use super::wire::{
    Message, Raw, b, close, close_portal, describe, describe_portal, e, h, message, p, pbe, q, s,
};

/// What a client does in a row; answers are awaited after each.
struct Script(Vec<Step>);

enum Step {
    /// Answered up to this many `ReadyForQuery`.
    Series(Vec<u8>, usize),
    /// Answered by so many messages.
    Answered(Vec<u8>, usize),
    /// Answered by nothing.
    Silent(Vec<u8>),
}

async fn play(client: &mut Raw, script: &Script) -> Vec<Message> {
    let mut answers = Vec::new();
    for step in &script.0 {
        match step {
            Step::Series(bytes, ready) => {
                client.send(bytes).await;
                for _ in 0..*ready {
                    answers.extend(client.until_ready().await);
                }
            }
            Step::Answered(bytes, count) => {
                client.send(bytes).await;
                for _ in 0..*count {
                    answers.push(client.next().await);
                }
            }
            Step::Silent(bytes) => client.send(bytes).await,
        }
    }
    answers
}

/// Where everything passes, also what nobody can judge: errors have to be the server's own.
async fn open_site() -> Site {
    let policy = r#"@id("all") permit (principal, action in Action::"any", resource);"#.to_owned();
    Site::with(Plan { policy, ..Plan::default() }).await
}

/// Both answers, which have to be the same, in brief.
async fn both(site: &Site, script: &Script, undo: &str) -> String {
    let direct = play(&mut site.direct().await, script).await;
    site.sql(undo);
    let through = play(&mut site.client().await, script).await;
    assert_eq!(brief(&through), brief(&direct));
    // The server's own settings are reported when it likes, so they are compared by themselves.
    let bytes = |answers: &[Message], settings: bool| -> Vec<Message> {
        answers.iter().filter(|message| (message.tag == b'S') == settings).cloned().collect()
    };
    for settings in [false, true] {
        let same = bytes(&through, settings) == bytes(&direct, settings);
        assert!(same, "the same in brief, but not byte for byte");
    }
    brief(&direct)
}

fn one(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Series(bytes.into(), 1)
}

#[tokio::test]
async fn simple_queries_are_answered_alike() {
    let site = open_site().await;
    let script = Script(vec![
        one(q("SELECT id, note FROM orders ORDER BY id LIMIT 2")),
        one(q("")),
        one(q(" ; -- nothing")),
        one(q("SELECT 1; SELECT 'two' AS b, NULL; INSERT INTO orders VALUES (50, 'x')")),
        one(q("SELECT id FROM orders WHERE id = 50; SELECT 1/0; SELECT 3")),
        one(q("SELEKT 1")),
        one(q("SELECT * FROM nowhere")),
        one(q("UPDATE orders SET note = 'y' WHERE id = 50 RETURNING *")),
        one(q("BEGIN; SAVEPOINT a; UPDATE orders SET note = 'z' WHERE id = 50")),
        one(q("SELECT 1/0")),
        one(q("SELECT 1")),
        one(q("ROLLBACK TO a")),
        one(q("SELECT note FROM orders WHERE id = 50")),
        one(q("ROLLBACK")),
        one(q("BEGIN; INSERT INTO orders VALUES (51); ROLLBACK; COMMIT; SHOW server_version_num")),
        one(q("SELECT repeat('x', 100000) FROM generate_series(1, 20)")),
        one(q("TRUNCATE nowhere; SELECT 1")),
    ]);
    let direct = both(&site, &script, "DELETE FROM orders WHERE id = 50").await;
    assert!(direct.contains("E:22012") && direct.contains("E:25P02") && direct.contains(" I "), "{direct}");
}

#[tokio::test]
async fn the_extended_protocol_is_answered_alike() {
    let site = open_site().await;
    let script = Script(vec![
        one([pbe("SELECT id FROM orders WHERE id < $1::int ORDER BY id", &["4"]), s()].concat()),
        one([p("one", "SELECT note FROM orders WHERE id = $1"), describe("one"), s()].concat()),
        one([b("", "one", &["1"]), describe_portal(""), e("", 0), s()].concat()),
        one([b("", "one", &["2"]), e("", 0), b("", "one", &["3"]), e("", 0), s()].concat()),
        one([b("", "one", &["not a number"]), e("", 0), b("", "one", &["3"]), e("", 0), s()].concat()),
        one([p("one", "SELECT 2"), s()].concat()),
        one([close("one"), close("never"), b("", "one", &[]), e("", 0), s()].concat()),
        one([p("", ""), b("", "", &[]), describe_portal(""), e("", 0), s()].concat()),
        one([p("", "SELECT $1::int + $2::int"), b("", "", &["1"]), e("", 0), s()].concat()),
        one([p("", "SELEKT"), b("", "", &[]), e("", 0), s()].concat()),
        one(s()),
        one(q("BEGIN")),
        one([p("", "SELECT id FROM orders ORDER BY id"), b("c", "", &[]), e("c", 2), s()].concat()),
        one([e("c", 3), s()].concat()),
        one([e("c", 0), close_portal("c"), s()].concat()),
        one([pbe("SAVEPOINT a", &[]), pbe("INSERT INTO orders VALUES ($1)", &["1"]), s()].concat()),
        one([pbe("ROLLBACK TO a", &[]), pbe("COMMIT", &[]), s()].concat()),
    ]);
    let direct = both(&site, &script, "").await;
    assert!(direct.contains(" s Z:T") && direct.contains("E:23505"), "{direct}");
}

#[tokio::test]
async fn pipelines_and_flushes_are_answered_alike() {
    let site = open_site().await;
    let script = Script(vec![
        // Several series at once, one with an error in its middle.
        Step::Series(
            [
                pbe("INSERT INTO orders VALUES (60)", &[]),
                s(),
                pbe("INSERT INTO orders VALUES (61)", &[]),
                pbe("SELECT 1/0", &[]),
                pbe("INSERT INTO orders VALUES (62)", &[]),
                s(),
                pbe("SELECT id FROM orders WHERE id >= 60", &[]),
                s(),
                q("UPDATE orders SET note = 'q' WHERE id = 60"),
                s(),
            ]
            .concat(),
            5,
        ),
        // Answers before the series ends.
        Step::Answered([p("f", "SELECT id FROM orders WHERE id = $1"), describe("f"), h()].concat(), 3),
        Step::Answered([b("", "f", &["1"]), e("", 0), h()].concat(), 3),
        Step::Answered([b("", "f", &["2"]), h()].concat(), 1),
        Step::Answered([e("", 0), h()].concat(), 2),
        one(s()),
        Step::Answered([pbe("INSERT INTO orders VALUES (63)", &[]), h()].concat(), 3),
        Step::Answered([pbe("SELECT 1/0", &[]), h()].concat(), 2),
        Step::Silent([pbe("SELECT 1", &[]), h()].concat()),
        one(s()),
        one(q("SELECT id FROM orders WHERE id > 60")),
        one([pbe("UPDATE orders SET id = 1000 WHERE id = 60", &[]), pbe("SELECT 1/0", &[]), s()].concat()),
        // A simple query ends a series.
        Step::Series([pbe("UPDATE orders SET note = 'n' WHERE id = 60", &[]), q("SELECT 1/0")].concat(), 1),
        one(q("UPDATE orders SET id = -id WHERE id = 60 RETURNING note")),
    ]);
    site.sql("ALTER TABLE orders DROP CONSTRAINT orders_pkey");
    both(&site, &script, "DELETE FROM orders WHERE id = -60").await;
}

fn data(text: &str) -> Vec<u8> {
    message(b'd', text.as_bytes())
}

#[tokio::test]
async fn copies_are_answered_alike() {
    let site = open_site().await;
    site.sql("CREATE TABLE copied (id int, note text)");
    let done = || message(b'c', b"");
    let fail = || message(b'f', b"never mind\0");
    let script = Script(vec![
        Step::Answered(q("COPY copied FROM STDIN"), 1),
        Step::Silent([data("1\tone\n2\tt"), data("wo\n3\tthree\n")].concat()),
        one([data(""), done()].concat()),
        one(q("COPY copied TO STDOUT")),
        one(q("COPY (SELECT id FROM copied ORDER BY id) TO STDOUT (FORMAT csv)")),
        one([q("COPY copied FROM STDIN"), data("4\tfour\n"), done()].concat()),
        one([q("COPY copied FROM STDIN"), data("5\tfive\n"), fail()].concat()),
        one([q("COPY copied FROM STDIN"), data("nonsense\n"), data("6\tsix\n"), done()].concat()),
        Step::Series([q("COPY copied FROM STDIN"), data("x\n"), done(), s(), q("SELECT 1")].concat(), 3),
        // In the extended protocol, with what a server ignores meanwhile.
        Step::Answered([pbe("COPY copied FROM STDIN", &[]), h()].concat(), 3),
        one([data("7\tseven\n"), h(), s(), data("8\teight\n"), done(), s()].concat()),
        one([pbe("COPY copied FROM STDIN", &[]), s(), data("9\tnine\n"), done(), s()].concat()),
        one([pbe("COPY copied FROM STDIN", &[]), data("bad\n"), done(), s()].concat()),
        one([pbe("COPY copied FROM STDIN", &[]), data("1\n"), fail(), s()].concat()),
        one([pbe("COPY copied TO STDOUT", &[]), s()].concat()),
        // Data where nobody copies is ignored.
        one([data("lost"), done(), fail(), q("SELECT count(*) FROM copied")].concat()),
        one(q("UPDATE copied SET id = 0; COPY copied FROM STDIN")
            .into_iter()
            .chain(done())
            .collect::<Vec<_>>()),
    ]);
    let direct = both(&site, &script, "TRUNCATE copied").await;
    assert!(direct.contains("E:57014"), "{direct}");
}

#[tokio::test]
async fn notices_notifications_and_settings_are_answered_alike() {
    let site = open_site().await;
    let script = Script(vec![
        one(q("COMMIT")),
        one(q("SET client_min_messages = 'debug1'; SET client_min_messages = 'notice'")),
        one(q("SET application_name = 'another'; SET TimeZone = 'Asia/Tokyo'")),
        one(q("CREATE TABLE IF NOT EXISTS orders ()")),
        one(q("BEGIN; BEGIN; ROLLBACK; ROLLBACK")),
        one(q("LISTEN news; UNLISTEN news")),
        one(q("SET search_path = hidden, public")),
        one([pbe("SHOW search_path", &[]), s()].concat()),
        one(q("SHOW search_path; RESET search_path")),
        one(q("PREPARE made AS SELECT id FROM orders WHERE id = $1")),
        one(q("DEALLOCATE made")),
        one(q("DISCARD ALL")),
        one(q("SHOW search_path")),
        one(q("DROP TABLE IF EXISTS nowhere")),
    ]);
    let _same = both(&site, &script, "").await;
}

#[tokio::test]
async fn every_split_of_the_bytes_gives_the_same() {
    let site = open_site().await;
    let scripts = [
        [q("SELECT 1"), q("SELECT 1/0"), x_free()].concat(),
        [pbe("SELECT $1", &["v"]), s(), describe("no"), s(), q("")].concat(),
        [q("COPY place FROM STDIN"), data("a\n"), message(b'f', b"\0"), q(";")].concat(),
    ];
    let mut direct = site.direct().await;
    let mut through = site.client().await;
    for script in &scripts {
        let expected = conversation(&mut direct, script, script.len()).await;
        for at in 0..script.len() {
            assert!(conversation(&mut through, script, at).await == expected, "split at {at}");
        }
    }
}

fn x_free() -> Vec<u8> {
    s()
}

/// Sends the script in two parts, and reads three answers' ends.
async fn conversation(client: &mut Raw, script: &[u8], at: usize) -> Vec<Message> {
    client.send(&script[..at]).await;
    // Lets the gateway see the first part alone.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    client.send(&script[at..]).await;
    let mut answers = Vec::new();
    let ends = script_ends(script);
    for _ in 0..ends {
        answers.extend(client.until_ready().await);
    }
    answers
}

/// How many messages of the script are answered with `ReadyForQuery`.
fn script_ends(script: &[u8]) -> usize {
    let (mut at, mut ends) = (0, 0);
    while at < script.len() {
        ends += usize::from(matches!(script[at], b'Q' | b'S'));
        let length: [u8; 4] = script[at + 1..at + 5].try_into().unwrap();
        at += 1 + usize::try_from(u32::from_be_bytes(length)).unwrap();
    }
    ends
}

#[tokio::test]
async fn one_byte_at_a_time_gives_the_same() {
    let site = open_site().await;
    let script = [pbe("SELECT id FROM orders WHERE id = $1::int", &["3"]), s(), q("SELECT 'end'")].concat();
    let expected = conversation(&mut site.direct().await, &script, 0).await;
    let mut through = site.client().await;
    for byte in &script {
        through.send(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    let mut answers = through.until_ready().await;
    answers.extend(through.until_ready().await);
    assert!(answers == expected);
}

#[tokio::test]
async fn who_says_good_bye_hears_nothing_more() {
    let site = open_site().await;
    for farewell in [super::wire::x(), [q("SELECT 1"), super::wire::x()].concat()] {
        let (mut direct, mut through) = (site.direct().await, site.client().await);
        direct.send(&farewell).await;
        through.send(&farewell).await;
        assert_eq!(brief(&through.until_the_end().await), brief(&direct.until_the_end().await));
    }
}
