//! Under which key may a verdict be kept?

use crate::lex::{Lexer, Token};

/// Longer texts are not worth a place in a cache.
const MAX_KEYED: usize = 64 * 1024;

/// Writes a key for `text` into `out`, which is emptied first, and says whether there is one.
///
/// The key is the text with its constants replaced by `?` and their kind, words in lower case, and one space between
/// tokens. Two texts with the same key parse to the same tree but for their constants. Effects that don't depend on a
/// constant ([`crate::Classified::used_constant`] is false) may therefore be kept under the key, together with the
/// catalog's digest, the search path and the other facts of the session. There is none (`false`) for what isn't plainly
/// lexable, and for long texts. It holds only while `standard_conforming_strings` is on.
pub fn normal_key(text: &str, out: &mut Vec<u8>) -> bool {
    out.clear();
    if text.len() > MAX_KEYED {
        return false;
    }
    out.reserve(text.len());
    let mut lexer = Lexer::new(text);
    loop {
        let (token, bytes) = match lexer.next() {
            Ok(Some(found)) => found,
            Ok(None) => return true,
            Err(_) => {
                out.clear();
                return false;
            }
        };
        if !out.is_empty() {
            out.push(b' ');
        }
        match token {
            Token::Word => out.extend(bytes.iter().map(u8::to_ascii_lowercase)),
            Token::Text => out.extend_from_slice(b"?s"),
            Token::Bits => out.extend_from_slice(b"?b"),
            Token::Integer => out.extend_from_slice(b"?i"),
            Token::Float => out.extend_from_slice(b"?f"),
            Token::Quoted | Token::Parameter | Token::Operator | Token::Mark(_) => {
                out.extend_from_slice(bytes);
            }
        }
    }
}
