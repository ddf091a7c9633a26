use proptest::prelude::*;

use super::{Noise, masked_bytes, tables};
use crate::spans::Spans;
use crate::{Detectors, Kind, LONGEST_MATCH, Mode};

/// Secrets, near misses, our own masks and the signs around them, glued together without mercy.
fn pieces() -> Vec<String> {
    let signs = [
        "***",
        "*",
        "mask:",
        "[email]",
        " ",
        "\n",
        "@",
        ".",
        ":",
        "://",
        "=",
        "\"",
        "'",
        "\\",
        "-",
        "_",
        "a",
        "1",
        "é",
        "東",
        "password=",
        "bearer ",
        "sk-",
        "-----BEGIN PRIVATE KEY-----",
        "-----END ",
        "eyJ",
        "DE89",
        "4111 1111 ",
        ")=(",
        "contains (",
        ": \"",
        "123-45-",
    ];
    let rows = tables::rows().into_iter().flat_map(|(_, finds, leaves)| finds.into_iter().chain(leaves));
    rows.chain(signs.map(str::to_owned)).collect()
}

fn glued() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(pieces()), 0..12).prop_map(|parts| parts.concat())
}

fn check(value: &[u8]) -> Result<(), TestCaseError> {
    for text in [false, true] {
        for mode in [Mode::Partial, Mode::Hash, Mode::Drop] {
            let (once, found) = masked_bytes(value, mode, Kind::ALL, text);
            let once = once.unwrap();
            prop_assert!(!found.is_empty() || once == value);
            prop_assert!(std::str::from_utf8(value).is_err() || std::str::from_utf8(&once).is_ok());
            prop_assert!(mode != Mode::Partial || once.len() <= value.len());
            let (twice, again) = masked_bytes(&once, mode, Kind::ALL, text);
            prop_assert_eq!((twice.unwrap(), again.total()), (once, 0));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn arbitrary_bytes_are_masked_once_and_for_all(value in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&value)?;
    }

    #[test]
    fn glued_secrets_stay_text_get_no_longer_and_are_not_found_again(value in glued()) {
        check(value.as_bytes())?;
    }

    #[test]
    fn cut_secrets_stay_safe(value in glued(), from in 0_usize..40, length in 0_usize..200) {
        let bytes = value.as_bytes();
        let from = from.min(bytes.len());
        check(&bytes[from..bytes.len().min(from + length)])?;
    }
}

#[test]
fn no_finding_is_longer_than_a_stream_is_told() {
    let detectors = Detectors::new(Kind::ALL).unwrap();
    let long = Noise(3).text("abcdefghijklmnopqrstuvwxyz0123456789", 60_000);
    let tails = ["", ".abcdefghij.", "@b.co", "-----END PRIVATE KEY-----"];
    for start in
        ["ghp_", "eyJ", "a.b@", "password=", "password='", "x://u:", "bearer ", "-----BEGIN PRIVATE KEY-----"]
    {
        for tail in tails {
            for length in [100, 5000, 60_000] {
                let long: String = long.chars().take(length).collect();
                let value = format!("{start}{long}{tail}{long}");
                let mut spans = Spans::default();
                detectors.find(value.as_bytes(), false, &mut spans);
                for span in spans.iter() {
                    assert!(span.end - span.start + 64 <= LONGEST_MATCH, "{start} {length} {tail}");
                }
                check(value.as_bytes()).unwrap();
            }
        }
    }
}

#[test]
fn what_was_once_masked_wrongly_is_masked_rightly() {
    // Found by the laws above: a short top-level domain with other bytes than letters grew.
    for value in [b"-@\x80.A\x80\0".as_slice(), b"a@b.c1//0aB3dE6gH9aB3dE6gH9aB3dE6gH9aB3", b"a@b.c1"] {
        check(value).unwrap();
    }
}

#[test]
fn a_limit_inside_a_character_moves_to_its_edge() {
    for value in [format!("x{}@b.co", "é".repeat(40)), format!("{}@b.co x", "東".repeat(40))] {
        check(value.as_bytes()).unwrap();
    }
}

#[test]
fn what_can_never_be_hidden_piece_by_piece_goes_as_a_whole() {
    let value = format!("note password={} end", "x".repeat(100_000));
    let (masked, _) = masked_bytes(value.as_bytes(), Mode::Partial, Kind::ALL, false);
    assert_eq!(masked.as_deref(), Some(b"***".as_slice()));
}
