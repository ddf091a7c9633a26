use super::{Domain, Key, is_hash, without_long_numbers};

fn hash(key: u8, domain: Domain<'_>, value: &str) -> String {
    let mut out = Vec::new();
    Key::new(&[key; 32]).write(domain, value.as_bytes(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_hash_is_the_documented_hmac() {
    // From Python's hmac module over the documented bytes.
    assert_eq!(hash(7, Domain::Column("email"), "alice@example.com"), "mask:ea457ee10c2bcf3c");
}

#[test]
fn hashes_differ_by_key_column_scope_and_value() {
    let base = hash(7, Domain::Column("email"), "a");
    assert_eq!(base, hash(7, Domain::Column("email"), "a"));
    for other in [
        hash(8, Domain::Column("email"), "a"),
        hash(7, Domain::Column("mail"), "a"),
        hash(7, Domain::Content("email"), "a"),
        hash(7, Domain::Column("email"), "b"),
        hash(7, Domain::Column("emai"), "la"),
    ] {
        assert!(base != other && is_hash(other.as_bytes()));
    }
}

#[test]
fn debugging_a_key_reveals_nothing() {
    assert_eq!(format!("{:?}", Key::new(&[7; 32])), "Key(…)");
}

#[test]
fn a_hash_never_looks_like_a_card() {
    for digits in [*b"4111111111111111", *b"4111a11111111111", *b"411111111111a111"] {
        let made = without_long_numbers(digits);
        let longest = made.split(|byte| !byte.is_ascii_digit()).map(<[u8]>::len).max().unwrap();
        assert!(longest < 13, "{}", String::from_utf8_lossy(&made));
    }
}

#[test]
fn only_what_is_written_here_counts_as_a_hash() {
    for other in
        ["mask:0123456789abcde", "mask:0123456789abcdeF", "mask:0123456789abcdef0", "0123456789abcdef"]
    {
        assert!(!is_hash(other.as_bytes()), "{other}");
    }
}
