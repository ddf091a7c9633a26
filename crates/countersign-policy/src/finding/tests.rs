//! Does a finding point at the right place and suggest the right word?

use crate::finding::{Place, nearest};

/// Every code that a finding can have, as listed in docs/POLICY.md.
pub(crate) const CODES: [&str; 18] = [
    "syntax",
    "type",
    "never-applies",
    "too-large",
    "template",
    "missing-id",
    "duplicate-id",
    "unknown-annotation",
    "misplaced-annotation",
    "missing-annotation",
    "bad-value",
    "too-few-witnesses",
    "mixed-actions",
    "vote-permit",
    "internal",
    "no-permit",
    "permits-everything",
    "doubtful",
];

#[test]
fn lines_and_columns_count_from_one_in_characters() {
    let place = Place { path: "p", text: "aé\nbc\n" };
    for (offset, expected) in
        [(0, (1, 1)), (1, (1, 2)), (2, (1, 2)), (3, (1, 3)), (4, (2, 1)), (6, (2, 3)), (99, (3, 1))]
    {
        assert_eq!(place.line_and_column(offset), expected, "{offset}");
    }
}

#[test]
fn a_slip_finds_its_word_and_nonsense_finds_none() {
    let known = ["review", "quorum", "expires"];
    for (typed, expected) in [
        ("reviw", Some("review")),
        ("quorom", Some("quorum")),
        ("expire", Some("expires")),
        ("rveiew", Some("review")),
        ("zzz", None),
        ("", None),
    ] {
        assert_eq!(nearest(typed, known), expected, "{typed}");
    }
}

#[test]
fn help_stands_on_its_own_line() {
    let finding = Place { path: "a.cedar", text: "x" }.at(0, "type", "wrong").with_help("mend it");
    assert_eq!(finding.to_string(), "a.cedar:1:1: wrong (type)\n  help: mend it");
}
