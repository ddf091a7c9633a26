//! How are numbers, hashes and wrong texts written? The small forms that all formats of this crate share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::tree::Hash;

/// A number in decimal digits without a sign or leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical = all_digits(text) && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

/// Never with a sign, which `parse` would take.
pub(crate) fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Standard base64 with padding, of RFC 4648, section 4.
pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// What [`base64`] wrote, and nothing else.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A hash in base64, as checkpoints and proofs write it.
pub(crate) fn read_hash(text: &str) -> Option<Hash> {
    from_base64(text)?.try_into().ok()
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Exactly the bytes whose lower-case hexadecimal digits these are.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N * 2 {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().as_chunks::<2>().0) {
        let [high, low] = digits.map(nibble);
        *byte = high? << 4 | low?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// As much of a wrong text as a message repeats, and nothing that a terminal obeys.
pub(crate) fn shown(text: &str) -> String {
    visible(&text.chars().take(80).collect::<String>())
}

/// The text with everything spelled out that has no shape of its own: control characters, and those that turn the
/// direction of text, join it or hide in it.
pub(crate) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_shapeless(letter) {
            visible.extend(letter.escape_unicode());
        } else {
            visible.push(letter);
        }
    }
    visible
}

fn is_shapeless(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Seconds since 1970 as RFC 3339 in UTC; numbers of seconds beyond the year 9999 as they are.
pub(crate) fn utc(seconds: u64) -> String {
    const LAST: u64 = 253_402_300_799;
    if seconds > LAST {
        return format!("{seconds} seconds since 1970");
    }
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March, so that the day of the leap is the last; eras of 400 years are alike.
    let since_march = days + 719_468;
    let (era, day) = (since_march / 146_097, since_march % 146_097);
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day_of_month:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests;
