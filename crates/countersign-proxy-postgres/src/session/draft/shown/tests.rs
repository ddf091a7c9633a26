use countersign_testkit::{Postgres, PostgresOptions};
use proptest::prelude::*;
use serde_json::json;
use tokio_postgres::Client;

use super::*;

/// Types by name, OID and values as a server writes them.
const SCALARS: [(&str, u32, &[&str]); 16] = [
    ("bool", 16, &["true", "false"]),
    ("text", 25, &["", "Ä \" ' \\ \n", "42"]),
    ("varchar", 1043, &["x"]),
    ("name", 19, &["x"]),
    ("json", 114, &["{\"a\": [1, null]}"]),
    ("jsonb", 3802, &["{\"a\": [1, null]}"]),
    ("int2", 21, &["-32768", "7"]),
    ("int4", 23, &["-2147483648", "0"]),
    ("int8", 20, &["9223372036854775807", "-1"]),
    ("oid", 26, &["4294967295"]),
    ("float4", 700, &["1.5", "-0.25"]),
    ("float8", 701, &["0.1", "-123456.75"]),
    ("uuid", 2950, &["0123abcd-0123-4567-89ab-0123456789ab"]),
    ("date", 1082, &["2026-11-28", "1999-12-31", "0001-01-01", "infinity", "-infinity"]),
    ("time", 1083, &["00:00:00", "23:59:59.999999"]),
    ("numeric", 1700, &NUMBERS),
];
const NUMBERS: [&str; 12] = [
    "0",
    "1",
    "-1",
    "0.5",
    "-0.00012",
    "12345678901234567890.1234567890",
    "10000",
    "100000000",
    "1.10",
    "0.0001",
    "NaN",
    "99990000.0000",
];

async fn server() -> (Postgres, Client) {
    let server = Postgres::start(&PostgresOptions { tls: false, ..PostgresOptions::default() });
    let (client, connection) =
        tokio_postgres::connect(&server.superuser_url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let settings = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET extra_float_digits = 1";
    client.batch_execute(settings).await.unwrap();
    (server, client)
}

/// What a server sends for this value in binary form.
async fn sent(client: &Client, send: &str, kind: &str, value: &str) -> Vec<u8> {
    let question = format!("SELECT pg_catalog.{send}($1::text::{kind})");
    client.query_one(&question, &[&value]).await.unwrap().get(0)
}

/// Written by a server, read by us, and compared with what the server itself writes as text.
#[tokio::test]
async fn values_read_as_a_server_writes_them() {
    let (_server, client) = server().await;
    for (kind, oid, values) in SCALARS {
        for value in values {
            let bytes = sent(&client, &sender(kind), kind, value).await;
            let question = format!("SELECT ($1::text::{kind})::text");
            let text: String = client.query_one(&question, &[value]).await.unwrap().get(0);
            assert_eq!(shown(oid, &bytes), Some(json!(text)), "{kind} {value}");
        }
    }
    for (kind, oid, value, zone) in [
        ("timestamp", 1114, "2026-11-28 14:15:16.017", ""),
        ("timestamptz", 1184, "1969-07-20 20:17:40", "Z"),
    ] {
        let bytes = sent(&client, &sender(kind), kind, value).await;
        assert_eq!(shown(oid, &bytes), Some(json!(value.replace(' ', "T") + zone)));
    }
}

#[tokio::test]
async fn arrays_of_one_dimension_read_as_a_server_writes_them() {
    let (_server, client) = server().await;
    let id = "0123abcd-0123-4567-89ab-0123456789ab";
    for (kind, oid, value, expected) in [
        ("text[]", 1009, "{a,NULL,\"b,c\"}", Some(json!(["a", null, "b,c"]))),
        ("int4[]", 1007, "{}", Some(json!([]))),
        ("int8[]", 1016, "{1,2}", Some(json!(["1", "2"]))),
        ("numeric[]", 1231, "{1.50}", Some(json!(["1.50"]))),
        ("uuid[]", 2951, &format!("{{{id}}}"), Some(json!([id]))),
        ("int4[]", 1007, "{{1,2},{3,4}}", None),
    ] {
        let bytes = sent(&client, "array_send", kind, value).await;
        assert_eq!(shown(oid, &bytes), expected, "{kind}");
    }
}

fn sender(kind: &str) -> String {
    match kind {
        "date" | "time" | "timestamp" | "timestamptz" | "numeric" | "uuid" | "json" | "jsonb" => {
            format!("{kind}_send")
        }
        _ => format!("{kind}send"),
    }
}

#[test]
fn bytes_that_are_not_of_the_type_are_not_read() {
    for (oid, bytes) in [
        (16, &[2][..]),
        (23, &[0, 0, 1]),
        (25, &[0xff]),
        (3802, &[2, b'1']),
        (1700, &[0, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff]),
        (1700, &[0, 1, 0x7f, 0xff, 0, 0, 0, 0, 0, 1]),
        (1007, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 0, 0, 0, 0, 1]),
        (1007, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0x7f, 0, 0, 0, 0, 0, 0, 1]),
        (17, b"bytea"),
        (16_384, b"x"),
    ] {
        assert_eq!(shown(oid, bytes), None, "{oid} {bytes:?}");
    }
}

#[test]
fn moments_that_no_calendar_has_are_not_read() {
    for days in [7_340_032, i32::MAX - 1, i32::MIN + 1] {
        assert_eq!(shown(1082, &days.to_be_bytes()), None, "{days}");
    }
    for micros in [i64::MAX - 1, i64::MIN + 1] {
        for oid in [1083, 1114, 1184] {
            assert_eq!(shown(oid, &micros.to_be_bytes()), None, "{oid} {micros}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        length in prop::sample::select(vec![0, 1, 2, 4, 8, 10, 16, 20, 28, 40]),
    ) {
        let cut = &bytes[..length.min(bytes.len())];
        for oid in [16_u32, 20, 21, 23, 25, 26, 700, 701, 1007, 1009, 1082, 1083, 1114, 1184, 1231, 1700, 2950, 3802] {
            let _any = shown(oid, cut);
        }
    }
}
