use proptest::prelude::*;

use super::{ColumnMask, PARTIAL_KEEPS};
use crate::{Key, Masked, Mode};

fn masked(mode: Mode, name: &str, value: &[u8]) -> Option<String> {
    let mut out = Vec::new();
    let column = ColumnMask { mode, name: name.to_owned() };
    match column.mask_value(&Key::new(&[7; 32]), value, &mut out) {
        Masked::Changed => Some(String::from_utf8(out).unwrap()),
        Masked::Null => None,
        Masked::Same(_) => panic!("a column's value was let through"),
    }
}

#[test]
fn partial_keeps_what_the_table_says() {
    let rows = [
        ("alice@example.com", "a***@e***.com"),
        ("4111 1111 1111 1111", "***1111"),
        ("123-45-6789", "***6789"),
        ("+49 (30) 123.4567", "***4567"),
        ("1980-12-31", "***"),
        ("12345678", "***"),
        ("Alexander", "A***r"),
        ("Émilie", "É***e"),
        ("東京都千代田", "東***田"),
        ("Alice", "***"),
        ("a", "***"),
        ("", "***"),
    ];
    for (value, expected) in rows {
        assert_eq!(masked(Mode::Partial, "c", value.as_bytes()).as_deref(), Some(expected), "{value}");
    }
}

#[test]
fn the_other_modes_keep_equality_the_name_or_nothing() {
    assert_eq!(masked(Mode::Drop, "email", b"a@b.co").as_deref(), Some("[email]"));
    assert_eq!(masked(Mode::Null, "email", b"a@b.co"), None);
    let hash = masked(Mode::Hash, "email", b"a@b.co");
    assert_eq!(hash, masked(Mode::Hash, "email", b"a@b.co"));
    assert_ne!(hash, masked(Mode::Hash, "phone", b"a@b.co"));
    assert_eq!(hash.unwrap().len(), 21);
}

#[test]
fn what_is_no_text_becomes_null_in_every_mode() {
    for mode in Mode::ALL {
        assert_eq!(masked(mode, "c", b"\xff\xfe\x00secret"), None, "{mode}");
    }
}

#[test]
fn masks_are_appended_to_what_is_there() {
    let mut out = b"row ".to_vec();
    let column = ColumnMask { mode: Mode::Partial, name: "c".to_owned() };
    column.mask_value(&Key::new(&[7; 32]), b"Alexander", &mut out);
    assert_eq!(out, b"row A***r");
}

proptest! {
    #[test]
    fn partial_keeps_no_more_than_it_says(value in any::<String>()) {
        let out = masked(Mode::Partial, "c", value.as_bytes()).unwrap();
        let kept = if value.contains('@') { out.replace(['*', '@', '.'], "") } else { out.replacen("***", "", 1) };
        prop_assert!(kept.len() <= PARTIAL_KEEPS, "{out}");
        prop_assert!(out.len() <= PARTIAL_KEEPS + 8, "{out}");
    }

    #[test]
    fn addresses_and_numbers_keep_no_more_than_they_say(value in "[a-zé]{1,20}@[a-z.]{1,30}|[0-9 -]{6,30}") {
        let out = masked(Mode::Partial, "c", value.as_bytes()).unwrap();
        let kept = out.replace(['*', '@', '.'], "");
        prop_assert!(kept.len() <= PARTIAL_KEEPS, "{out}");
    }
}
