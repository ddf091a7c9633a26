//! Is this a bank account? ISO 13616: country, its length, and ISO 7064 mod 97-10 over the rearranged characters.

use super::Digits;
use crate::bytes::{ends_word, starts_word};

const LONGEST: usize = 34;

/// Lengths by country, from the ISO 13616 registry.
const LENGTHS: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// The account whose two check digits open the run `digits`; its country stands before them.
pub(crate) fn around(value: &[u8], digits: Digits) -> Option<(usize, usize)> {
    let start = digits.start.checked_sub(2)?;
    let country = value.get(start..digits.start).filter(|code| code.iter().all(u8::is_ascii_alphabetic))?;
    if digits.len() < 2 || !starts_word(value, start) {
        return None;
    }
    let length = length_in(country)?;
    let mut account = [0; LONGEST];
    let end = collect(value, start, account.get_mut(..length)?)?;
    let account = account.get(..length)?;
    (ends_word(value, end) && mod_97(account) == 1).then_some((start, end))
}

fn length_in(country: &[u8]) -> Option<usize> {
    let named = |codes: &str| codes.as_bytes().chunks(3).any(|code| code.iter().zip(country).all(same));
    let same_row = LENGTHS.iter().find(|(_, codes)| named(codes));
    same_row.map(|(length, _)| *length)
}

fn same((code, letter): (&u8, &u8)) -> bool {
    *code == letter.to_ascii_uppercase()
}

/// Fills `account`, stepping over one blank between groups of four; gives where it ended.
fn collect(value: &[u8], start: usize, account: &mut [u8]) -> Option<usize> {
    let mut at = start;
    for (index, place) in account.iter_mut().enumerate() {
        let blank = index > 0 && index % 4 == 0 && value.get(at) == Some(&b' ');
        at += usize::from(blank);
        *place = value.get(at).filter(|byte| byte.is_ascii_alphanumeric())?.to_ascii_uppercase();
        at += 1;
    }
    Some(at)
}

fn mod_97(account: &[u8]) -> u64 {
    let (front, rest) = account.split_at_checked(4).unwrap_or((account, b""));
    let append = |sum: u64, byte: &u8| match byte {
        b'0'..=b'9' => sum * 10 + u64::from(byte - b'0'),
        _ => sum * 100 + u64::from(byte.saturating_sub(b'A')) + 10,
    };
    // Eight characters are at most sixteen digits, which fit with the remainder before them.
    rest.chunks(8).chain([front]).fold(0, |sum, chunk| chunk.iter().fold(sum, append) % 97)
}
