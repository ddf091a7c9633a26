//! Which bytes may stand where? Sets of bytes as bits of one table, and the end of a run without walking it twice.

/// A set of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// `[A-Z2-7]`
    Base32,
    /// `[A-Z0-9]`
    Upper,
    /// `[0-9a-fA-F]`
    Hex,
    /// `[A-Za-z0-9]`
    Alnum,
    /// `[A-Za-z0-9_-]`
    Url,
    /// `[A-Za-z0-9_.-]`
    UrlDot,
    /// `[A-Za-z0-9+/=]`
    Base64,
    /// `[A-Za-z0-9._~+/=-]`, RFC 6750's `b68token`.
    Token,
    /// `[A-Za-z0-9_/-]`
    Path,
    /// An unquoted value: no white space, control, quote or ``,;&){}<>``.
    Value,
    /// What may stand before `@` in an authority: no white space, control, quote or ``/?#<>\``.
    UserInfo,
    /// `[A-Za-z0-9._%+-]` and every byte outside ASCII.
    Local,
    /// `[A-Za-z0-9.-]` and every byte outside ASCII.
    Domain,
    /// What the second pass stops at: digits and `@`.
    Stop,
}

const CLASSES: usize = 14;

impl Class {
    const fn bit(self) -> u16 {
        1 << (self as u16)
    }

    pub(crate) fn has(self, byte: u8) -> bool {
        TABLE.get(usize::from(byte)).is_some_and(|bits| bits & self.bit() != 0)
    }
}

static TABLE: [u16; 256] = table();

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "a table made by the compiler")]
const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        table[byte] = bits(byte as u8);
        byte += 1;
    }
    table
}

const fn bits(byte: u8) -> u16 {
    let alnum = byte.is_ascii_alphanumeric();
    let url = alnum || matches!(byte, b'_' | b'-');
    let graphic = byte > b' ' && byte != 0x7f;
    let quote = matches!(byte, b'"' | b'\'' | b'`');
    let value = graphic && !quote && !matches!(byte, b',' | b';' | b'&' | b')' | b'{' | b'}' | b'<' | b'>');
    let user = graphic && !quote && !matches!(byte, b'/' | b'?' | b'#' | b'<' | b'>' | b'\\');
    on(byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7'), Class::Base32)
        | on(byte.is_ascii_uppercase() || byte.is_ascii_digit(), Class::Upper)
        | on(byte.is_ascii_hexdigit(), Class::Hex)
        | on(alnum, Class::Alnum)
        | on(url, Class::Url)
        | on(url || byte == b'.', Class::UrlDot)
        | on(alnum || matches!(byte, b'+' | b'/' | b'='), Class::Base64)
        | on(url || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'='), Class::Token)
        | on(url || byte == b'/', Class::Path)
        | on(value, Class::Value)
        | on(user, Class::UserInfo)
        | on(url || byte >= 0x80 || matches!(byte, b'.' | b'%' | b'+'), Class::Local)
        | on(alnum || byte >= 0x80 || matches!(byte, b'.' | b'-'), Class::Domain)
        | on(byte.is_ascii_digit() || byte == b'@', Class::Stop)
}

const fn on(yes: bool, class: Class) -> u16 {
    if yes { class.bit() } else { 0 }
}

/// The last run of each class that was walked in this value. Without it `sk-sk-sk-…` would be walked to its end once
/// for each `sk-`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Runs([(usize, usize); CLASSES]);

impl Runs {
    /// Where the run of `class` that contains `from` ends; `from` itself when there is none.
    pub(crate) fn end(&mut self, class: Class, value: &[u8], from: usize) -> usize {
        let Some((start, end)) = self.0.get_mut(class as usize) else { return from };
        if !(*start <= from && from < *end) {
            let rest = value.get(from..).unwrap_or_default();
            let length = rest.iter().position(|byte| !class.has(*byte)).unwrap_or(rest.len());
            (*start, *end) = (from, from + length);
        }
        *end
    }
}

/// The byte before `at`.
pub(crate) fn before(value: &[u8], at: usize) -> Option<u8> {
    at.checked_sub(1).and_then(|index| value.get(index).copied())
}

/// Whether no letter or digit of ASCII stands directly before `at`.
pub(crate) fn starts_word(value: &[u8], at: usize) -> bool {
    !before(value, at).is_some_and(|byte| byte.is_ascii_alphanumeric())
}

/// Whether no letter or digit of ASCII stands at `at`.
pub(crate) fn ends_word(value: &[u8], at: usize) -> bool {
    !value.get(at).is_some_and(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests;
