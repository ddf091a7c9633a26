//! Is this a payment card's number? ISO/IEC 7812-1: the issuer's prefix, a length that it uses, and Luhn.

use super::Digits;
use crate::bytes::{before, ends_word, starts_word};

const SHORTEST: usize = 13;
const LONGEST: usize = 19;

/// The number that begins with the run `first`.
pub(crate) fn around(value: &[u8], first: Digits) -> Option<(usize, usize)> {
    let possible = first.len() == 4 || (SHORTEST..=LONGEST).contains(&first.len());
    if !possible || !starts_word(value, first.start) || in_fraction(value, first.start) {
        return None;
    }
    let lengths = lengths_of(value.get(first.start..first.end)?)?;
    let last = if first.len() == 4 { last_group(value, first)? } else { [None, Some(first)] };
    let ends = last.into_iter().flatten().map(|last| last.end);
    ends.map(|end| (first.start, end)).find(|(start, end)| {
        let number = value.get(*start..*end).unwrap_or_default();
        ends_word(value, *end) && is_number(number, lengths)
    })
}

/// Digits behind a decimal point pass Luhn one time in ten and are nobody's card.
fn in_fraction(value: &[u8], start: usize) -> bool {
    let point = before(value, start) == Some(b'.');
    point && start.checked_sub(1).and_then(|point| before(value, point)).is_some_and(|b| b.is_ascii_digit())
}

/// As cards are printed: 4-4-4-4-3, 4-4-4-4, 4-6-5 or 4-6-4, the longer ones first.
fn last_group(value: &[u8], first: Digits) -> Option<[Option<Digits>; 2]> {
    let separator = value.get(first.end).copied().filter(|byte| matches!(byte, b' ' | b'-' | b'.'))?;
    let second = first.next(value, separator)?;
    let third = second.next(value, separator)?;
    match (second.len(), third.len()) {
        (4, 4) => {
            let fourth = third.next(value, separator).filter(|run| run.len() == 4)?;
            Some([fourth.next(value, separator).filter(|run| run.len() == 3), Some(fourth)])
        }
        (6, 4 | 5) => Some([None, Some(third)]),
        _ => None,
    }
}

/// Whether the digits of `written`, whatever stands between, are a number of one of these lengths.
fn is_number(written: &[u8], lengths: &[usize]) -> bool {
    let digits = written.iter().filter(|byte| byte.is_ascii_digit());
    lengths.contains(&digits.clone().count()) && luhn(digits)
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
fn luhn<'a>(digits: impl DoubleEndedIterator<Item = &'a u8>) -> bool {
    let (sum, _) = digits.rev().fold((0_u32, false), |(sum, double), digit| {
        let digit = u32::from(digit - b'0');
        let counted = if double { digit * 2 - if digit > 4 { 9 } else { 0 } } else { digit };
        (sum + counted, !double)
    });
    sum.is_multiple_of(10)
}
