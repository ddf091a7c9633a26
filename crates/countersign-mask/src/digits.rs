//! Is this number somebody's? Cards, accounts, social security and telephone numbers, addresses, around one run of
//! digits.

use crate::bytes::{before, ends_word, starts_word};

mod card;
mod iban;

pub(crate) use card::around as card;
pub(crate) use iban::around as iban;

/// A run of digits in a value; no digit stands before or behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digits {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Digits {
    /// The run that begins at `start`.
    pub(crate) fn at(value: &[u8], start: usize) -> Self {
        let rest = value.get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        Self { start, end: start + length }
    }

    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }

    /// The run behind one `separator`.
    fn next(self, value: &[u8], separator: u8) -> Option<Self> {
        (value.get(self.end) == Some(&separator)).then(|| Self::at(value, self.end + 1))
    }
}

/// `ddd-dd-dddd` or `ddd dd dddd`, without the numbers that the Social Security Administration never issues.
pub(crate) fn ssn(value: &[u8], area: Digits) -> Option<(usize, usize)> {
    let separator = value.get(area.end).copied().filter(|byte| matches!(byte, b'-' | b' '))?;
    let group = area.next(value, separator).filter(|group| area.len() == 3 && group.len() == 2)?;
    let serial = group.next(value, separator).filter(|serial| serial.len() == 4)?;
    let written = |run: Digits| value.get(run.start..run.end);
    let never = matches!(written(area)?, b"000" | b"666" | [b'9', ..])
        || written(group)? == b"00"
        || written(serial)? == b"0000";
    // A longer chain of groups is another kind of number.
    let alone = starts_word(value, area.start) && before(value, area.start) != Some(b'-');
    let ends = ends_word(value, serial.end);
    (!never && alone && ends).then_some((area.start, serial.end))
}

/// E.164 with its `+`, or a North American number in its usual groups.
pub(crate) fn phone(value: &[u8], first: Digits) -> Option<(usize, usize)> {
    if before(value, first.start) == Some(b'+') {
        return international(value, first.start);
    }
    let open = before(value, first.start) == Some(b'(');
    let (exchange, separator) = if open {
        let close = value.get(first.end..)?.strip_prefix(b")")?;
        let blank = usize::from(close.first() == Some(&b' '));
        (Digits::at(value, first.end + 1 + blank), b'-')
    } else {
        let separator = value.get(first.end).copied().filter(|byte| b"-. ".contains(byte))?;
        (first.next(value, separator)?, separator)
    };
    let line = exchange.next(value, separator)?;
    let groups = first.len() == 3 && exchange.len() == 3 && line.len() == 4;
    let whole = starts_word(value, first.start) && ends_word(value, line.end);
    (groups && whole).then_some((first.start - usize::from(open), line.end))
}

fn international(value: &[u8], start: usize) -> Option<(usize, usize)> {
    let (mut digits, mut gap, mut end) = (0, 0, start);
    for (index, byte) in value.get(start..)?.iter().enumerate() {
        match byte {
            b'0'..=b'9' if digits < 15 => (digits, gap, end) = (digits + 1, 0, start + index + 1),
            b' ' | b'-' | b'.' | b'(' | b')' if gap < 2 => gap += 1,
            _ => break,
        }
    }
    (digits >= 8).then_some((start - 1, end))
}

/// Four numbers up to 255. A fifth, before or behind, makes it something else.
pub(crate) fn ipv4(value: &[u8], first: Digits) -> Option<(usize, usize)> {
    let mut last = first;
    for number in 0..4 {
        if number > 0 {
            last = last.next(value, b'.')?;
        }
        let text = std::str::from_utf8(value.get(last.start..last.end)?).ok()?;
        text.parse::<u8>().ok().filter(|_| text.len() <= 3)?;
    }
    let more = last.next(value, b'.').is_some_and(|next| next.len() > 0);
    let alone = starts_word(value, first.start) && before(value, first.start) != Some(b'.');
    (alone && !more && ends_word(value, last.end)).then_some((first.start, last.end))
}

#[cfg(test)]
mod tests;
