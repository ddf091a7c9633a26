//! Where a cut falls and what it says.

use super::Cut;

#[test]
fn a_short_value_is_whole_and_says_nothing() {
    let cut = Cut::head("état", 4);
    assert_eq!((cut.text, cut.note()), ("état", None));
    assert_eq!(Cut::head("", 4).note(), None);
}

#[test]
fn a_long_value_says_how_long_it_is_in_characters() {
    let text = "é".repeat(1500);
    let cut = Cut::head(&text, 100);
    assert_eq!(cut.text.chars().count(), 100);
    assert_eq!(cut.note().unwrap(), "first 100 of 1,500 characters");
}

#[test]
fn a_difference_far_inside_is_drawn() {
    let (before, after) = (format!("{}open", "x".repeat(5000)), format!("{}gone for good", "x".repeat(5000)));
    let (old, new) = Cut::pair(&before, &after, 100);
    assert!(old.text.ends_with("xopen") && new.text.ends_with("xgone for good"), "{old:?} {new:?}");
    assert_eq!(old.note().unwrap(), "characters 4,981 to 5,004 of 5,004");
    assert_ne!(old.text, new.text);
}

#[test]
fn a_value_that_only_loses_its_end_shows_that_too() {
    let (before, after) = ("x".repeat(300), "x".repeat(200));
    let (old, new) = Cut::pair(&before, &after, 100);
    assert_eq!(old.text.chars().count(), 100);
    assert_eq!(new.text.chars().count(), 20);
    assert_eq!(new.note().unwrap(), "characters 181 to 200 of 200");
}
