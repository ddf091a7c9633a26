//! How do equal values stay equal without being readable? HMAC-SHA256 under a secret, separated by column or kind.

use std::fmt;

use aws_lc_rs::hmac;

/// The secret of [`crate::Mode::Hash`]. Whoever holds it can test guesses, so it stays in the gateway; whoever does
/// not can't, even for values with few possibilities. Debugging it reveals nothing.
pub struct Key(hmac::Key);

/// What a hash speaks of, so that equal values of different columns or kinds do not look equal.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Domain<'a> {
    Column(&'a str),
    Content(&'a str),
}

const PREFIX: &[u8] = b"mask:";
const DIGITS: usize = 16;

impl Key {
    /// From 32 random bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Appends `mask:` and 16 hexadecimal digits: the first 64 bits of
    /// `HMAC-SHA256(key, "countersign/mask/v1\0" ‖ scope ‖ length of name (8 bytes, big endian) ‖ name ‖ value)`,
    /// where scope is `column\0` or `content\0`.
    pub(crate) fn write(&self, domain: Domain<'_>, value: &[u8], out: &mut Vec<u8>) {
        let (scope, name) = match domain {
            Domain::Column(name) => ("column\0", name),
            Domain::Content(name) => ("content\0", name),
        };
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"countersign/mask/v1\0");
        context.update(scope.as_bytes());
        context.update(&u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(name.as_bytes());
        context.update(value);
        let tag = context.sign();
        out.extend_from_slice(PREFIX);
        out.extend(without_long_numbers(digits(tag.as_ref())));
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Whether `value` is exactly what [`Key::write`] writes.
pub(crate) fn is_hash(value: &[u8]) -> bool {
    value.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.len() == DIGITS && rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn digits(tag: &[u8]) -> [u8; DIGITS] {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    let mut digits = [0; DIGITS];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(tag) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    digits
}

/// A hash without a letter could be found as a card number. One letter in the middle leaves at most eleven digits
/// in a row, and the shortest card number has thirteen.
fn without_long_numbers(mut digits: [u8; DIGITS]) -> [u8; DIGITS] {
    let numeric = digits.iter().skip(4).take(8).all(u8::is_ascii_digit);
    if let (true, Some(middle)) = (numeric, digits.get_mut(8)) {
        *middle = b'a' + (*middle - b'0') % 6;
    }
    digits
}

#[cfg(test)]
mod tests;
