//! Is a text small and shallow enough to be parsed on this thread's stack?

use crate::classified::Problem;
use crate::lex::{Lexer, Token};

/// Longer texts are denied unread, in bytes.
pub const MAX_TEXT: usize = 1024 * 1024;

/// Above this, in bytes, people have to look: the effects get an `unknown`.
pub const MAX_UNATTENDED: usize = 256 * 1024;

/// How deep a text may nest. Brackets count twice; operators in a chain, nested CASE, joins and set operations once
/// each.
pub const MAX_DEPTH: usize = 600;

/// How deep a text nests; refuses what is too large, too deep or holds a NUL byte.
///
pub(crate) fn check(text: &str) -> Result<usize, Problem> {
    if text.len() > MAX_TEXT {
        return Err(Problem::TooLarge { bytes: text.len() });
    }
    if text.as_bytes().contains(&0) {
        return Err(Problem::NulByte);
    }
    let depth = Gauge::default().measure(text);
    if depth <= MAX_DEPTH { Ok(depth) } else { Err(Problem::TooDeep) }
}

/// Counters of the bracket that is open, and the sum of those outside of it.
#[derive(Default)]
struct Gauge {
    /// For each open bracket: its chain and its structure.
    outer: Vec<(usize, usize)>,
    outside: usize,
    /// Operators since the last comma, AND or OR.
    chain: usize,
    /// CASE, set operations and joins since the last semicolon.
    structure: usize,
    deepest: usize,
}

impl Gauge {
    /// The greatest depth that any reading of this text could have. Strings and comments don't nest; from where the
    /// lexer is unsure, everything counts as if it were code.
    fn measure(mut self, text: &str) -> usize {
        let mut lexer = Lexer::new(text);
        loop {
            let before = lexer.position();
            match lexer.next() {
                Ok(Some((token, bytes))) => self.token(token, bytes),
                Ok(None) => return self.deepest,
                Err(_) => {
                    self.unsure(text.as_bytes().get(before..).unwrap_or_default());
                    return self.deepest;
                }
            }
        }
    }

    /// A run of operator characters may be as many operators: `=-+-1`.
    fn token(&mut self, token: Token, bytes: &[u8]) {
        match token {
            Token::Word => self.word(bytes),
            Token::Operator => self.chain += bytes.len(),
            Token::Mark(mark) => self.mark(mark),
            Token::Quoted | Token::Text | Token::Bits | Token::Integer | Token::Float | Token::Parameter => {
                return;
            }
        }
        self.deepest = self.deepest.max(self.outside + self.chain + self.structure);
    }

    fn mark(&mut self, mark: u8) {
        match mark {
            b'(' | b'[' => self.open(),
            b')' | b']' => self.close(),
            b',' => self.chain = 0,
            b';' => {
                self.chain = 0;
                self.structure = 0;
            }
            b':' => self.chain += 1,
            _ => {}
        }
    }

    fn unsure(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let rest = bytes.get(at..).unwrap_or_default();
            let length = rest.iter().position(|b| !is_word(*b)).unwrap_or(rest.len()).max(1);
            let word = rest.get(..length).unwrap_or_default();
            match byte {
                b'(' | b')' | b'[' | b']' | b',' | b';' | b':' => self.token(Token::Mark(*byte), word),
                _ if is_word(*byte) => self.token(Token::Word, word),
                b' ' | b'\t' | b'\n' | b'\r' => {}
                _ => self.token(Token::Operator, word),
            }
            at += length;
        }
    }

    fn open(&mut self) {
        self.outer.push((self.chain, self.structure));
        self.outside += self.chain + self.structure + 2;
        self.chain = 0;
        self.structure = 0;
    }

    fn close(&mut self) {
        if let Some((chain, structure)) = self.outer.pop() {
            self.outside -= chain + structure + 2;
            self.chain = chain;
            self.structure = structure;
        }
    }

    fn word(&mut self, word: &[u8]) {
        let is = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
        if is(&["and", "or"]) {
            self.chain = 0;
        } else if is(&["union", "intersect", "except", "join", "case", "select", "with", "from"]) {
            self.structure += 1;
        } else if is(&["end"]) {
            self.structure = self.structure.saturating_sub(1);
        } else if is(&[
            "not", "is", "isnull", "notnull", "collate", "at", "like", "ilike", "similar", "between", "in",
            "operator", "escape", "any", "some", "all",
        ]) {
            self.chain += 1;
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}
