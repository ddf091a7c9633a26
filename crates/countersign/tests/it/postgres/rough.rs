//! Does the gateway stay up, bounded and closed when a client misbehaves?

use std::time::Duration;

use countersign_core::State;
use tokio::io::AsyncWriteExt as _;

use super::held;
use super::site::Site;
use super::wire::{Raw, b, brief, close, e, h, message, p, pbe, q, s};

async fn ends_with_a_reason(mut client: Raw, bytes: &[u8], code: &str) {
    // The gateway may have closed before everything was written.
    drop(client.stream.write_all(bytes).await);
    let last = client.until_the_end().await;
    assert_eq!(last.last().map(|message| message.field(b'C')).as_deref(), Some(code), "{last:?}");
    assert!(last.iter().all(|message| message.tag != b'D'), "{last:?}");
}

#[tokio::test]
async fn garbage_ends_the_session_with_a_reason() {
    let site = Site::new().await;
    for garbage in [
        b"\xff\xff\xff\xff\xff\xff".to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"Q\0\0\0\x03".to_vec(),
        b"Q\xff\xff\xff\xff".to_vec(),
        message(b'S', b"more"),
        message(b'E', b"no end"),
        message(b'B', b"\0\0\0\0\x7f\xff"),
        message(b'p', b"another password\0"),
        message(b'D', b"X\0"),
    ] {
        ends_with_a_reason(site.client().await, &[garbage, s()].concat(), "08P01").await;
    }
}

#[tokio::test]
async fn texts_that_are_no_texts_never_reach_the_server() {
    let site = Site::new().await;
    for text in [
        message(b'Q', b"INSERT INTO orders VALUES (10, '\xff')\0"),
        message(b'Q', b"INSERT INTO orders VALUES (10)\0 -- more\0"),
        message(b'Q', b"INSERT INTO orders VALUES (10)"),
        message(b'P', b"\0INSERT INTO orders VALUES (10, '\xc0\x80')\0\0\0"),
        message(b'P', b"\xff\0SELECT 1\0\0\0"),
    ] {
        let mut client = site.client().await;
        client.send(&[text, s()].concat()).await;
        let answer = client.try_next().await.unwrap().brief();
        assert!(answer.starts_with("E:"), "{answer}");
    }
    assert_eq!(site.sql("SELECT count(*) FROM orders"), "9");
}

#[tokio::test]
async fn half_a_message_and_then_nothing_is_an_end_in_good_order() {
    let site = Site::new().await;
    let whole =
        [q("INSERT INTO orders VALUES (10)"), pbe("INSERT INTO orders VALUES (11)", &[]), s()].concat();
    for end in 0..40 {
        let mut client = site.client().await;
        client.send(&whole[..end.min(30)]).await;
        client.stream.shutdown().await.unwrap();
        client.until_the_end().await;
    }
    assert_eq!(site.sql("SELECT count(*) FROM orders"), "9");
}

#[tokio::test]
async fn messages_above_their_limits_end_the_session_at_their_header() {
    let site = Site::new().await;
    for (tag, length) in
        [(b'Q', 2_u32 << 20), (b'P', 2 << 20), (b'B', 17 << 20), (b'E', 1 << 17), (b'f', 1 << 30)]
    {
        let mut header = vec![tag];
        header.extend(length.to_be_bytes());
        ends_with_a_reason(site.client().await, &header, "08P01").await;
    }
}

#[tokio::test]
async fn a_parameter_of_many_mebibytes_passes() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let large = "x".repeat(5 << 20);
    let series = [p("", "SELECT length($1)"), b("", "", &[&large]), e("", 0), s()].concat();
    assert_eq!(client.say(&series).await, format!("1 2 D:{} C:SELECT 1 Z:I", large.len()));
}

#[tokio::test]
async fn a_series_of_many_mebibytes_without_an_end_is_answered() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let note = "x".repeat(1 << 20);
    let one = |id: i32| pbe("INSERT INTO orders VALUES ($1, $2)", &[&id.to_string(), &note]);
    let mut series: Vec<u8> = (100..110).flat_map(one).collect();
    series.extend(s());
    let answer = client.say(&series).await;
    assert_eq!(answer, format!("{}Z:I", "1 2 C:INSERT 0 1 ".repeat(10)));
    assert_eq!(site.sql("SELECT count(*) FROM orders"), "19");
}

#[tokio::test]
async fn a_definition_that_is_followed_by_stray_data_is_still_confirmed() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let series = [p("x", "SELECT 1"), message(b'd', b"stray"), b("", "x", &[]), e("", 0), s()].concat();
    assert_eq!(client.say(&series).await, "1 2 D:1 C:SELECT 1 Z:I");
}

#[tokio::test]
async fn more_names_than_anybody_needs_end_the_session() {
    let site = Site::new().await;
    let mut client = site.client().await;
    let mut ended = false;
    for start in 0..12 {
        let mut series: Vec<u8> =
            (0..1000).flat_map(|name| p(&format!("n{}", start * 1000 + name), "SELECT 1")).collect();
        series.extend(s());
        client.send(&series).await;
        loop {
            match client.try_next().await {
                Some(message) if message.tag == b'Z' => break,
                Some(message) if message.tag == b'1' => {}
                Some(message) => assert_eq!(message.brief(), "E:08006"),
                None => {
                    ended = true;
                    break;
                }
            }
        }
        if ended {
            assert!(start >= 9, "ended after {start} thousand names");
            return;
        }
    }
    panic!("12,000 names were kept");
}

#[tokio::test]
async fn names_that_are_closed_again_are_not_counted() {
    let site = Site::new().await;
    let mut client = site.client().await;
    for _ in 0..12 {
        let series: Vec<u8> = (0..1000).flat_map(|_| [p("x", "SELECT 1"), close("x")].concat()).collect();
        client.send(&[series, s()].concat()).await;
        assert_eq!(client.until_ready().await.len(), 2001);
    }
}

/// Writes until the gateway takes no more, and says how much it took.
async fn pour(client: &mut Raw, bytes: &[u8], most: usize) -> usize {
    let mut taken = 0;
    while taken < most {
        let writing = client.stream.write(&bytes[taken % bytes.len()..]);
        match tokio::time::timeout(Duration::from_secs(2), writing).await {
            Ok(written) => taken += written.unwrap(),
            Err(_nothing_more_is_taken) => return taken,
        }
    }
    taken
}

#[tokio::test]
async fn a_client_that_sends_on_while_it_waits_is_not_taken_in_without_bound() {
    let most = 64 << 20;
    let flood: Vec<u8> = q(&format!("DELETE FROM orders WHERE note = '{}'", "x".repeat(10_000))).repeat(100);
    // While people are asked.
    let site = Site::new().await;
    let mut client = site.client().await;
    held(&site, &mut client, &q("DELETE FROM orders")).await;
    let taken = pour(&mut client, &flood, most).await;
    assert!(taken < most / 2, "{taken} bytes were taken while a statement was held");
    // While the server is busy.
    let mut blocker = site.direct().await;
    blocker.query("BEGIN; LOCK TABLE orders").await;
    let mut client = site.client().await;
    client.send(&q("UPDATE orders SET note = ''")).await;
    let taken = pour(&mut client, &flood, most).await;
    assert!(taken < most / 2, "{taken} bytes were taken while the server was busy");
    blocker.query("ROLLBACK").await;
}

#[tokio::test]
async fn a_client_that_does_not_read_slows_the_server_down() {
    let site = Site::new().await;
    let mut client = site.client().await;
    client.send(&q("SELECT repeat('x', 1000000) FROM generate_series(1, 300)")).await;
    let state = "SELECT wait_event FROM pg_stat_activity WHERE query LIKE 'SELECT repeat%'";
    for _ in 0..10 {
        site.until(state, "ClientWrite").await;
    }
    assert_eq!(client.until_ready().await.len(), 303);
}

#[tokio::test]
async fn an_agent_that_is_revoked_is_let_go_within_a_second() {
    // Idle, held, in the middle of a portal, and at work.
    let site = Site::new().await;
    let (mut idle, mut waits, mut fetches, mut works) =
        (site.client().await, site.client().await, site.client().await, site.client().await);
    idle.query("LISTEN news").await;
    held(&site, &mut waits, &q("DELETE FROM orders")).await;
    fetches.query("BEGIN").await;
    fetches.say(&[p("", "SELECT id FROM orders"), b("c", "", &[]), e("c", 1), s()].concat()).await;
    site.world.identity.revoke_agent("agent", site.now()).await.unwrap();
    site.world.clock.advance(Duration::from_secs(1));
    works.send(&q("SELECT 1")).await;
    fetches.send(&[e("c", 1), s()].concat()).await;
    for client in [works, waits, fetches, idle] {
        let mut client = client;
        let last = brief(&client.until_the_end().await);
        assert!(last.ends_with("E:57P01") || last.ends_with("E:28000"), "{last}");
        assert!(!last.contains("D:"), "{last}");
    }
    assert_eq!(site.sql("SELECT count(*) FROM orders"), "9");
    assert!(site.client_with(&[]).await.is_err());
}

#[tokio::test]
async fn messages_of_another_kind_during_a_copy_define_nothing() {
    let site = Site::new().await;
    for stray in
        [p("x", "DELETE FROM orders"), b("", "x", &[]), close("x"), [p("x", "SELECT 1"), h()].concat()]
    {
        let (mut direct, mut client) = (site.direct().await, site.client().await);
        let mut last = Vec::new();
        for connection in [&mut direct, &mut client] {
            connection.send(&q("COPY place FROM STDIN")).await;
            assert_eq!(connection.next().await.brief(), "G");
            let use_it = [b("", "x", &[]), e("", 0), s(), super::wire::x()].concat();
            connection.send(&[stray.clone(), s(), use_it].concat()).await;
            last.push(brief(&connection.until_the_end().await));
        }
        // The server itself loses track of such a client.
        assert!(last[0].starts_with("E:08P01 E:08P01"), "{last:?}");
        assert!(last[1].starts_with("E:08P01") && !last[1].contains("D:"), "{last:?}");
    }
    assert!(site.world.store.in_state(State::Pending).unwrap().is_empty());
    assert_eq!(site.sql("SELECT count(*) FROM orders"), "9");
}
