//! Is this a bank account? ISO 13616: country, its length, and ISO 7064 mod 97-10 over the rearranged characters.

use super::Digits;
use crate::bytes::{ends_word, starts_word};

const LONGEST: usize = 34;

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

/// By country, from the ISO 13616 registry.
fn length_in(country: &[u8]) -> Option<usize> {
    let [first, second] = country else { return None };
    let length = match &[first.to_ascii_uppercase(), second.to_ascii_uppercase()] {
        b"NO" => 15,
        b"BE" => 16,
        b"DK" | b"FI" | b"FK" | b"FO" | b"GL" | b"NL" | b"SD" => 18,
        b"MK" | b"SI" => 19,
        b"AT" | b"BA" | b"EE" | b"KZ" | b"LT" | b"LU" | b"MN" | b"XK" => 20,
        b"CH" | b"HR" | b"LI" | b"LV" => 21,
        b"BG" | b"BH" | b"CR" | b"DE" | b"GB" | b"GE" | b"IE" | b"ME" | b"RS" | b"VA" => 22,
        b"AE" | b"GI" | b"IL" | b"IQ" | b"OM" | b"SO" | b"TL" => 23,
        b"AD" | b"CZ" | b"ES" | b"MD" | b"PK" | b"RO" | b"SA" | b"SE" | b"SK" | b"TN" | b"VG" => 24,
        b"LY" | b"PT" | b"ST" => 25,
        b"IS" | b"TR" => 26,
        b"BI" | b"DJ" | b"FR" | b"GR" | b"IT" | b"MC" | b"MR" | b"SM" => 27,
        b"AL" | b"AZ" | b"BY" | b"CY" | b"DO" | b"GT" | b"HN" | b"HU" | b"LB" | b"NI" | b"PL" | b"SV" => 28,
        b"BR" | b"EG" | b"PS" | b"QA" | b"UA" => 29,
        b"JO" | b"KW" | b"MU" | b"YE" => 30,
        b"MT" | b"SC" => 31,
        b"LC" => 32,
        b"RU" => 33,
        _ => return None,
    };
    Some(length)
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
