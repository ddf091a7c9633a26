use super::{Class, Runs};

#[test]
fn a_run_is_walked_once_however_often_its_end_is_asked_for() {
    let mut runs = Runs::default();
    assert_eq!(runs.end(Class::Url, b"sk-sk-sk-sk .", 3), 11);
    // Other bytes give the same answer, so they were not looked at; before and behind the run they are.
    assert_eq!(runs.end(Class::Url, b"             ", 6), 11);
    assert_eq!(runs.end(Class::Url, b"             ", 11), 11);
    assert_eq!(runs.end(Class::Url, b"  ab         ", 2), 4);
}

#[test]
fn each_class_has_the_bytes_that_it_names() {
    let members =
        |class: Class| (0..=127_u8).filter(|byte| class.has(*byte)).map(char::from).collect::<String>();
    assert_eq!(members(Class::Base32), "234567ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    assert_eq!(members(Class::Hex), "0123456789ABCDEFabcdef");
    assert_eq!(members(Class::Stop), "0123456789@");
    for byte in *b" \t\n\x7f\"'`,;&){}<>" {
        assert!(!Class::Value.has(byte));
    }
    for byte in *b" /?#<>\\\"'" {
        assert!(!Class::UserInfo.has(byte));
    }
    assert!(
        Class::Value.has(0xc3)
            && Class::UserInfo.has(0xc3)
            && Class::Local.has(0xc3)
            && !Class::Url.has(0xc3)
    );
}
