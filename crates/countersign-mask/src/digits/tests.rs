use super::{Digits, card, iban, ipv4, phone, ssn};

type Look = fn(&[u8], Digits) -> Option<(usize, usize)>;

fn spans(look: Look, text: &str) -> Option<String> {
    let first = text.bytes().position(|byte| byte.is_ascii_digit())?;
    let (start, end) = look(text.as_bytes(), Digits::at(text.as_bytes(), first))?;
    text.get(start..end).map(str::to_owned)
}

#[test]
fn a_number_reaches_exactly_from_its_first_to_its_last_digit() {
    let rows: &[(Look, &str, &str)] = &[
        (card, "<4111-1111-1111-1111>", "4111-1111-1111-1111"),
        (card, "x 4111111111111111 1", "4111111111111111"),
        (iban, "(DE89 3704 0044 0532 0130 00)", "DE89 3704 0044 0532 0130 00"),
        (ssn, "a 123-45-6789.", "123-45-6789"),
        (phone, "t (415) 555-2671.", "(415) 555-2671"),
        (phone, "t +49 30 1234567 - x", "+49 30 1234567"),
        (ipv4, "[10.0.0.255]:1", "10.0.0.255"),
    ];
    for (look, text, expected) in rows {
        assert_eq!(spans(*look, text).as_deref(), Some(*expected), "{text}");
    }
}

#[test]
fn every_changed_digit_breaks_luhn_and_mod_97() {
    for (look, text) in [(card as Look, "4111111111111111"), (iban, "DE89370400440532013000")] {
        for place in
            text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(place, _)| place)
        {
            let mut changed = text.as_bytes().to_vec();
            changed[place] = b'0' + (changed[place] - b'0' + 1) % 10;
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(spans(look, &changed), None, "{changed}");
        }
    }
}
