//! The words, at their edges.

use countersign_core::Rows;

use super::{duration_text, grouped, outcome_tail, rows_text, scope_text};

#[test]
fn a_counted_number_is_never_worded_like_a_guess() {
    let table = [
        (Rows::Exact(0), "0 rows, counted"),
        (Rows::Exact(1), "1 row, counted"),
        (Rows::Exact(42), "42 rows, counted"),
        (Rows::Exact(1_234_567), "1,234,567 rows, counted"),
        (Rows::Estimate(5000), "about 5,000 rows, estimated: may be far off"),
        (Rows::Estimate(1), "about 1 row, estimated: may be far off"),
        (Rows::Unknown, "unknown: neither counted nor estimated"),
    ];
    for (rows, expected) in table {
        assert_eq!(rows_text(rows), expected);
    }
}

#[test]
fn digits_stand_in_threes() {
    for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (12_345, "12,345")] {
        assert_eq!(grouped(number), expected);
    }
    assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
}

#[test]
fn durations_have_the_unit_that_fits() {
    for (us, expected) in [(999, "999 µs"), (3_400, "3 ms"), (999_999, "999 ms"), (2_540_000, "2.5 s")] {
        assert_eq!(duration_text(us), expected);
    }
}

#[test]
fn an_outcome_says_its_rows_and_nothing_that_is_not_known() {
    assert_eq!(outcome_tail(Some(42), 3_100), ", 42 rows, 3 ms");
    assert_eq!(outcome_tail(Some(0), 40), ", 0 rows, 40 µs");
    assert_eq!(outcome_tail(None, 3_100), ", 3 ms");
    assert_eq!(outcome_tail(None, 0), "");
}

#[test]
fn some_rows_never_pass_for_all() {
    assert_eq!(scope_text(3, Rows::Exact(3)), "all of them");
    assert_eq!(scope_text(3, Rows::Exact(4000)), "3 of 4,000");
    assert_eq!(scope_text(3, Rows::Estimate(3)), "3 of about 3");
    assert_eq!(scope_text(3, Rows::Unknown), "3 of an unknown number");
}
