//! What becomes of a value whose column is named in a rule? It is masked whole, whatever it looks like.

use crate::key::Domain;
use crate::{Key, Masked, Masking, Mode, email, partial};

/// A rule for one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMask {
    /// What replaces its values.
    pub mode: Mode,
    /// Separates the hashes of columns; columns that are joined on share a name. Shown by [`Mode::Drop`].
    pub name: String,
}

/// The most bytes of a value that [`Mode::Partial`] of a column keeps: two characters of four bytes each. Last four
/// digits are fewer; of an e-mail address the first bytes of both parts and a top-level domain of at most eight
/// letters stay.
pub const PARTIAL_KEEPS: usize = 10;

impl ColumnMask {
    /// Appends the masked form of `value` to `out`; never [`Masked::Same`]. A value that is not UTF-8 becomes NULL
    /// in every mode, because what a client makes of half a binary value is anybody's guess.
    ///
    /// [`Mode::Partial`]: an e-mail address keeps the first ASCII byte of each part of three or more bytes and its
    /// top-level domain (`a***@e***.com`); nine or more digits with nothing but separators keep the last four
    /// (`***1111`), fewer nothing; other text of six or more characters keeps its first and last; shorter text
    /// nothing.
    pub fn mask_value(&self, key: &Key, value: &[u8], out: &mut Vec<u8>) -> Masked<'static> {
        let Ok(text) = std::str::from_utf8(value) else {
            return Masked::Null;
        };
        match self.mode {
            Mode::Partial => write_partial(text, out),
            Mode::Hash => key.write(Domain::Column(&self.name), value, out),
            Mode::Null => return Masked::Null,
            Mode::Drop => {
                out.push(b'[');
                out.extend_from_slice(self.name.as_bytes());
                out.push(b']');
            }
        }
        Masked::Changed
    }

    /// How this column's rule masks findings, for callers that scan instead.
    pub fn masking<'a>(&self, key: &'a Key) -> Masking<'a> {
        Masking { mode: self.mode, key }
    }
}

fn write_partial(text: &str, out: &mut Vec<u8>) {
    if email::is_whole(text.as_bytes()) {
        partial::email(text.as_bytes(), out);
    } else if text.bytes().all(|byte| byte.is_ascii_digit() || b" -./()+".contains(&byte)) {
        write_number(text.as_bytes(), out);
    } else {
        write_ends(text, out);
    }
}

/// The ends of a date or a short number would be half of it.
fn write_number(number: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"***");
    if number.iter().filter(|byte| byte.is_ascii_digit()).count() >= 9 {
        partial::last_digits(number, out);
    }
}

fn write_ends(text: &str, out: &mut Vec<u8>) {
    let long = text.chars().nth(5).is_some();
    let mut characters = text.chars().filter(|_| long);
    let mut kept = [0; 4];
    if let Some(first) = characters.next() {
        out.extend_from_slice(first.encode_utf8(&mut kept).as_bytes());
    }
    out.extend_from_slice(b"***");
    if let Some(last) = characters.next_back() {
        out.extend_from_slice(last.encode_utf8(&mut kept).as_bytes());
    }
}

#[cfg(test)]
mod tests;
