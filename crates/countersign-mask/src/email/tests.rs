use super::{around, is_whole};

#[test]
fn an_address_ends_where_its_sentence_goes_on() {
    let rows = [
        ("a@b.co.", 6),
        ("a@b.co, x", 6),
        ("a@b.co-", 6),
        ("a@b.co:25", 6),
        ("a@b.co.1", 6),
        ("a@b.co..", 6),
        ("a@b.co/x", 6),
        ("a@b-c.d.info", 12),
    ];
    for (value, end) in rows {
        assert_eq!(around(value.as_bytes(), 1), Some((0, end)), "{value}");
    }
}

#[test]
fn parts_have_the_lengths_of_rfc_5321() {
    let local = format!("{}@b.co", "x".repeat(70));
    assert_eq!(around(local.as_bytes(), 70), Some((6, 75)));
    let domain = format!("a@{}.co", "x".repeat(300));
    assert_eq!(around(domain.as_bytes(), 1), None);
}

#[test]
fn only_a_value_that_is_nothing_but_an_address_has_its_form() {
    assert!(is_whole(b"a.b@example.com"));
    for value in ["a@b.co ", "a@b.co,c@d.co", "x a@b.co", "a@b", ""] {
        assert!(!is_whole(value.as_bytes()), "{value}");
    }
}
