//! What may stay of a finding so that people recognise it? Written in ASCII, never longer than what was found.

use crate::mode::stars;

/// The longest top-level domain that is kept; a longer one may hide something else.
const LONGEST_TOP: usize = 8;

/// `a***@e***.com`: the first byte of each part of at least three bytes when it is an ASCII letter or digit, and a
/// top-level domain of at most eight letters.
pub(crate) fn email(address: &[u8], out: &mut Vec<u8>) {
    let mut halves = address.splitn(2, |byte| *byte == b'@');
    first(halves.next().unwrap_or_default(), out);
    out.push(b'@');
    let domain = halves.next().unwrap_or_default();
    let dot = domain.iter().rposition(|byte| *byte == b'.').unwrap_or(domain.len());
    let (name, top) = domain.split_at_checked(dot).unwrap_or((domain, b""));
    first(name, out);
    if top.len() <= 1 + LONGEST_TOP && top.iter().skip(1).all(u8::is_ascii_alphabetic) {
        out.extend_from_slice(top);
    } else {
        out.push(b'.');
        stars(top.len().saturating_sub(1), out);
    }
}

fn first(part: &[u8], out: &mut Vec<u8>) {
    match part {
        [first, _, rest @ ..] if !rest.is_empty() && first.is_ascii_alphanumeric() => {
            out.push(*first);
            stars(rest.len() + 1, out);
        }
        _ => stars(part.len(), out),
    }
}

/// The last four digits, without what separates them.
pub(crate) fn last_digits(number: &[u8], out: &mut Vec<u8>) {
    let digits = number.iter().filter(|byte| byte.is_ascii_digit());
    let skipped = digits.clone().count().saturating_sub(4);
    out.extend(digits.skip(skipped));
}

/// `****1111`.
pub(crate) fn card(number: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"****");
    last_digits(number, out);
}

/// `***-**-6789`.
pub(crate) fn ssn(number: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"***-**-");
    last_digits(number, out);
}

/// `DE****3000`: the country and the last four characters.
pub(crate) fn iban(account: &[u8], out: &mut Vec<u8>) {
    out.extend(account.iter().take(2));
    out.extend_from_slice(b"****");
    let characters = account.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let skipped = characters.clone().count().saturating_sub(4);
    out.extend(characters.skip(skipped));
}

/// `192.*.*.*`: the first of four numbers.
pub(crate) fn ipv4(address: &[u8], out: &mut Vec<u8>) {
    out.extend(address.iter().take_while(|byte| byte.is_ascii_digit()));
    out.extend_from_slice(b".*.*.*");
}
