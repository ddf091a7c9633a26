//! Where does an e-mail address begin and end around an `@`?

use crate::bytes::Class;

/// RFC 5321, 4.5.3.1.1.
const LONGEST_LOCAL: usize = 64;
/// RFC 5321, 4.5.3.1.2.
const LONGEST_DOMAIN: usize = 255;

/// The address around the `@` at `at`. Quoted local parts and address literals (`a@[192.0.2.1]`) are not recognised,
/// nor are domains without a dot.
pub(crate) fn around(value: &[u8], at: usize) -> Option<(usize, usize)> {
    let before = value.get(..at)?;
    let local = before.iter().rev().take(LONGEST_LOCAL).take_while(|byte| Class::Local.has(**byte)).count();
    let after = value.get(at + 1..)?;
    let domain = after.iter().take(LONGEST_DOMAIN).take_while(|byte| Class::Domain.has(**byte)).count();
    let domain = whole_labels(after.get(..domain)?)?;
    (local > 0).then_some((at - local, at + 1 + domain))
}

/// Whether the whole of `value` is one address.
pub(crate) fn is_whole(value: &[u8]) -> bool {
    let at = value.iter().position(|byte| *byte == b'@');
    at.and_then(|at| around(value, at)) == Some((0, value.len()))
}

/// The length of the longest start of `run` that is a domain: two labels or more, the last of two or more bytes and
/// not opening with a digit. A sentence's full stop or a port is left out.
fn whole_labels(mut run: &[u8]) -> Option<usize> {
    while let Some(dot) = run.iter().rposition(|byte| *byte == b'.') {
        let last = run.get(dot + 1..)?;
        let last = last.iter().rposition(|byte| *byte != b'-').map_or(0, |end| end + 1);
        let opens = run.get(dot + 1).is_some_and(|byte| !byte.is_ascii_digit() && *byte != b'-');
        if opens && last >= 2 && has_label(run.get(..dot)?) {
            return Some(dot + 1 + last);
        }
        run = run.get(..dot)?;
    }
    None
}

fn has_label(run: &[u8]) -> bool {
    run.iter().any(|byte| *byte != b'.' && *byte != b'-')
}

#[cfg(test)]
mod tests;
