use super::masked_bytes;
use crate::{Kind, Mode};

fn hidden(text: &str) -> String {
    let (masked, _) = masked_bytes(text.as_bytes(), Mode::Partial, &Kind::defaults(), true);
    String::from_utf8(masked.unwrap()).unwrap()
}

#[test]
fn values_that_the_server_quotes_are_hidden_whatever_they_look_like() {
    let rows = [
        ("Key (email)=(a@b.c) already exists.", "Key (email)=(***) already exists."),
        (
            "Key (a, b)=(1, x) is not present in table \"t\".",
            "Key (a, b)=(***) is not present in table \"t\".",
        ),
        ("Key (name)=(a) (b)=(c) is duplicated.", "Key (name)=(***) is duplicated."),
        ("Key (lower(name))=(bob) already exists.", "Key (lower(name))=(***) already exists."),
        ("Key (r)=([1,5)) conflicts with existing key (r)=([2,3)).", "Key (r)=(***)."),
        ("Schlüssel »(name)=(Müller)« existiert bereits.", "Schlüssel »(name)=(***)« existiert bereits."),
        ("Failing row contains (1, Bob (the) one, null).", "Failing row contains (***)."),
        (
            "invalid input syntax for type integer: \"bob \"x\"\"",
            "invalid input syntax for type integer: \"***\"",
        ),
        ("COPY people, line 1, column age: \"bob\"", "COPY people, line 1, column age: \"***\""),
        ("Token \"bob\" is invalid.", "Token \"***\" is invalid."),
        ("JSON data, line 1: {\"name\": bob", "JSON data, line ***"),
        ("unnamed portal with parameters: $1 = 'bob', $2 = 'eve'", "unnamed portal with parameters: ***"),
        ("unnamed portal parameter $1 = 'bob'", "unnamed portal parameter $***"),
        ("relation \"people\" does not exist", "relation \"people\" does not exist"),
        ("mail alice@example.com bounced", "mail a***@e***.com bounced"),
    ];
    for (text, expected) in rows {
        assert_eq!(hidden(text), expected);
        assert_eq!(hidden(expected), expected, "masking twice");
    }
}

#[test]
fn a_scan_leaves_what_only_a_server_would_quote() {
    let text = b"Key (name)=(bob) already exists.";
    assert_eq!(
        masked_bytes(text, Mode::Partial, &Kind::defaults(), false).0.as_deref(),
        Some(text.as_slice())
    );
}
