//! Is this a payment card's number? ISO/IEC 7812-1: the issuer's prefix, a length that it uses, and Luhn.

use super::Digits;
use crate::bytes::{before, ends_word, starts_word};

const SHORTEST: usize = 13;
const LONGEST: usize = 19;

/// How cards are printed: digits per group.
const GROUPS: [&[usize]; 4] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];

/// The number that begins with the run `first`.
pub(crate) fn around(value: &[u8], first: Digits) -> Option<(usize, usize)> {
    let possible = first.len() == 4 || (SHORTEST..=LONGEST).contains(&first.len());
    if !possible || !starts_word(value, first.start) || in_fraction(value, first.start) {
        return None;
    }
    let digits = value.get(first.start..first.end)?;
    let lengths = lengths_of(digits)?;
    if first.len() == 4 {
        return grouped(value, first, lengths);
    }
    let checked = lengths.contains(&digits.len()) && luhn(digits) && ends_word(value, first.end);
    checked.then_some((first.start, first.end))
}

/// Digits behind a decimal point pass Luhn one time in ten and are nobody's card.
fn in_fraction(value: &[u8], start: usize) -> bool {
    let point = before(value, start) == Some(b'.');
    point && start.checked_sub(1).and_then(|point| before(value, point)).is_some_and(|b| b.is_ascii_digit())
}

fn grouped(value: &[u8], first: Digits, lengths: &[usize]) -> Option<(usize, usize)> {
    let separator = value.get(first.end).copied().filter(|byte| matches!(byte, b' ' | b'-' | b'.'))?;
    GROUPS.into_iter().find_map(|groups| {
        let mut number = [0; LONGEST];
        let (mut run, mut filled) = (first, 0);
        for (index, length) in groups.iter().enumerate() {
            if index > 0 {
                run = run.next(value, separator)?;
            }
            let digits = value.get(run.start..run.end).filter(|digits| digits.len() == *length)?;
            number.get_mut(filled..filled + length)?.copy_from_slice(digits);
            filled += length;
        }
        let checked = lengths.contains(&filled) && luhn(number.get(..filled)?) && ends_word(value, run.end);
        checked.then_some((first.start, run.end))
    })
}

/// How many digits the network that issues this prefix uses: Visa, Mastercard, American Express, Diners Club,
/// Discover, JCB, UnionPay, Maestro.
fn lengths_of(digits: &[u8]) -> Option<&'static [usize]> {
    let prefix = digits.iter().take(4).fold(0_u32, |prefix, digit| prefix * 10 + u32::from(digit - b'0'));
    match prefix {
        4000..=4999 => Some(&[13, 16, 19]),
        2221..=2720 | 5100..=5599 => Some(&[16]),
        3400..=3499 | 3700..=3799 => Some(&[15]),
        3000..=3059 | 3090..=3099 | 3600..=3699 | 3800..=3999 => Some(&[14, 15, 16, 17, 18, 19]),
        3528..=3589 | 6011 | 6440..=6599 | 6200..=6299 => Some(&[16, 17, 18, 19]),
        5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763 => Some(&[13, 14, 15, 16, 17, 18, 19]),
        _ => None,
    }
}

/// ISO/IEC 7812-1, annex B: every second digit from the right counts double, its digits added.
fn luhn(digits: &[u8]) -> bool {
    let sum =
        digits.iter().rev().zip([false, true].into_iter().cycle()).fold(0_u32, |sum, (digit, double)| {
            let digit = u32::from(digit - b'0');
            sum + if double { digit * 2 - if digit > 4 { 9 } else { 0 } } else { digit }
        });
    sum.is_multiple_of(10)
}
