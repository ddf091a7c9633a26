use super::{checked, key};

#[test]
fn a_name_that_people_can_read_is_kept_without_surrounding_space() {
    for (given, kept) in [("ada", "ada"), ("  Ada Lovelace ", "Ada Lovelace"), ("Łukasz 王", "Łukasz 王")]
    {
        assert_eq!(checked("person", given).unwrap(), kept);
    }
}

#[test]
fn a_name_that_hides_something_is_refused() {
    for name in ["", "   ", "a\nb", "a\u{202e}b", "a\u{200b}b", "\u{feff}ada", &"x".repeat(101)] {
        let refusal = checked("person", name).unwrap_err();
        assert_eq!(refusal.code(), "name_invalid", "for `{name:?}`");
    }
}

#[test]
fn letter_case_makes_no_second_person() {
    assert_eq!(key(" ADA "), key("ada"));
    assert_eq!(key("ÉMILE"), key("émile"));
}
