use super::{masked, masked_bytes};
use crate::{Kind, Mode};

#[test]
fn partial_keeps_what_the_table_says_and_nothing_else() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r";
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----";
    let github = format!("ghp_{}", "a1B2".repeat(9));
    let rows: &[(&str, &str)] = &[
        ("alice@example.com", "a***@e***.com"),
        ("a@b.co", "*@*.co"),
        ("jo@ex.com", "**@**.com"),
        ("write to bob@x.io.", "write to b**@*.io."),
        ("jörg.müller@exämple.de", "j***@e***.de"),
        ("österreich@beispiel.at", "***@b***.at"),
        ("x@mail.example.photography", "*@m***.***"),
        ("4111 1111 1111 1111", "****1111"),
        ("card 378282246310005 ok", "card ****0005 ok"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN DE****3000."),
        ("gb29nwbk60161331926819", "gb****6819"),
        ("ssn 123-45-6789", "ssn ***-**-6789"),
        ("call +49 (30) 1234-4567", "call ***4567"),
        ("from 192.168.7.1:80", "from 192.*.*.*:80"),
        (jwt, "eyJ***"),
        (pem, "[private-key]"),
        (&github, "ghp_***"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIA***"),
        ("postgres://app:s3cret@db/main", "postgres://app:***@db/main"),
        ("redis://:p@cache", "redis://:*@cache"),
        ("{\"password\": \"hunter\\\"2\", \"a\": 1}", "{\"password\": \"***\", \"a\": 1}"),
        ("PGPASSWORD=hunter22 psql", "PGPASSWORD=*** psql"),
        ("Authorization: Bearer abcdef0123456789xyz", "Authorization: Bearer ***"),
        ("nothing here, 12 of 100", "nothing here, 12 of 100"),
    ];
    for (value, expected) in rows {
        assert_eq!(masked(value, Mode::Partial, Kind::ALL), *expected, "{value}");
    }
}

#[test]
fn drop_says_what_it_was_hash_keeps_equality_and_null_takes_the_whole_value() {
    assert_eq!(masked("to a.b@example.com!", Mode::Drop, Kind::ALL), "to [email]!");
    let hashed = masked("x alice@example.com y alice@example.com", Mode::Hash, Kind::ALL);
    let parts: Vec<&str> = hashed.split(' ').collect();
    assert_eq!(parts[1], parts[3]);
    assert_eq!((parts[0], parts[2], parts[1].len()), ("x", "y", 21));
    assert!(parts[1].starts_with("mask:"));
    let (null, found) = masked_bytes(b"alice@example.com", Mode::Null, Kind::ALL, false);
    assert_eq!((null, found.count(Kind::Email), found.total()), (None, 1, 1));
}

#[test]
fn what_is_a_secret_and_an_address_at_once_shows_nothing_of_either() {
    assert_eq!(masked("amqp://app:secret@mq.example.com/x", Mode::Partial, Kind::ALL), "amqp://app:***/x");
    let inner = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    assert_eq!(masked(&format!("token_password={inner}"), Mode::Partial, Kind::ALL), "token_password=***");
}
