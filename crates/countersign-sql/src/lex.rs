//! What are the tokens of a text? PostgreSQL's lexical rules, so far as one can be sure of them.
//!
//! The lexer gives up (`None`) wherever two versions of PostgreSQL, or a reader and the server, might disagree: string
//! continuation over lines, `UESCAPE`, `U&"…"`, digits followed by letters, vertical tabs, whatever is not closed. It
//! assumes `standard_conforming_strings = on`.

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// A keyword or an unquoted identifier.
    Word,
    /// `"…"`.
    Quoted,
    /// `'…'`, `E'…'`, `U&'…'`, `N'…'`, `$tag$…$tag$`.
    Text,
    /// `B'…'`, `X'…'`.
    Bits,
    /// Digits only.
    Integer,
    /// With a point or an exponent.
    Float,
    /// `$1`.
    Parameter,
    /// A run of operator characters.
    Operator,
    /// `( ) [ ] , ; . :` and their like.
    Mark(u8),
}

/// What a byte can begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Bad,
    Space,
    Word,
    Digit,
    Operator,
    Mark,
    Quote,
    DoubleQuote,
    Dollar,
}

static CLASSES: [Class; 256] = classes();

#[expect(
    clippy::indexing_slicing,
    reason = "a byte can't leave a table of 256, and this runs at compile time"
)]
const fn classes() -> [Class; 256] {
    let mut table = [Class::Bad; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => Class::Space,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xff => Class::Word,
            b'0'..=b'9' => Class::Digit,
            b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'+' | b'-' | b'*' | b'/'
            | b'%' | b'<' | b'>' | b'=' => Class::Operator,
            b'(' | b')' | b'[' | b']' | b',' | b';' | b'.' | b':' => Class::Mark,
            b'\'' => Class::Quote,
            b'"' => Class::DoubleQuote,
            b'$' => Class::Dollar,
            _ => Class::Bad,
        };
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

fn class(byte: u8) -> Class {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(Class::Bad)
}

/// The tokens of a text.
pub(crate) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), at: 0 }
    }

    /// Where the next token, or the white space before it, begins.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// The next token with its bytes; `Ok(None)` at the end, `Err(())` where the rules are unsure.
    pub(crate) fn next(&mut self) -> Result<Option<(Token, &'a [u8])>, Unsure> {
        self.skip_space()?;
        let start = self.at;
        let Some(first) = self.peek(0) else { return Ok(None) };
        let token = match class(first) {
            Class::Word => self.word(first)?,
            Class::Digit => self.number()?,
            Class::Mark if first == b'.' && self.peek(1).is_some_and(|b| b.is_ascii_digit()) => {
                self.number()?
            }
            Class::Mark => {
                self.at += 1;
                Token::Mark(first)
            }
            Class::Operator => self.operator(),
            Class::Quote => self.plain_text(1)?,
            Class::DoubleQuote => self.quoted(1)?,
            Class::Dollar => self.dollar()?,
            Class::Bad | Class::Space => return Err(Unsure),
        };
        Ok(Some((token, self.bytes.get(start..self.at).unwrap_or_default())))
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) -> Result<(), Unsure> {
        loop {
            match self.peek(0) {
                Some(byte) if class(byte) == Class::Space => self.at += 1,
                Some(b'-') if self.peek(1) == Some(b'-') => self.line_comment(),
                Some(b'/') if self.peek(1) == Some(b'*') => self.block_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn line_comment(&mut self) {
        let end = self.rest().iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        self.at = end.map_or(self.bytes.len(), |end| self.at + end);
    }

    /// Block comments nest.
    fn block_comment(&mut self) -> Result<(), Unsure> {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth = depth.saturating_sub(1);
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return Err(Unsure),
            }
        }
    }

    /// A word, or a string with a letter before its quote.
    fn word(&mut self, first: u8) -> Result<Token, Unsure> {
        if self.peek(1) == Some(b'\'') {
            match first {
                b'e' | b'E' => return self.escaped_text(2),
                b'n' | b'N' => return self.plain_text(2),
                b'b' | b'B' | b'x' | b'X' => return self.plain_text(2).map(|_| Token::Bits),
                _ => {}
            }
        }
        if matches!(first, b'u' | b'U') && self.peek(1) == Some(b'&') {
            match self.peek(2) {
                Some(b'\'') => return self.plain_text(3),
                Some(b'"') => return Err(Unsure),
                _ => {}
            }
        }
        let start = self.at;
        while self.peek(0).is_some_and(is_word_byte) {
            self.at += 1;
        }
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        if word.len() == 7 && word.eq_ignore_ascii_case(b"uescape") { Err(Unsure) } else { Ok(Token::Word) }
    }

    fn number(&mut self) -> Result<Token, Unsure> {
        let mut token = Token::Integer;
        self.digits();
        if self.peek(0) == Some(b'.') && self.peek(1) != Some(b'.') {
            token = Token::Float;
            self.at += 1;
            self.digits();
        }
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.peek(1), Some(b'+' | b'-')));
            if !self.peek(1 + sign).is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(Unsure);
            }
            token = Token::Float;
            self.at += 1 + sign;
            self.digits();
        }
        self.then_no_word(token)
    }

    fn digits(&mut self) {
        while self.peek(0).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    /// Newer versions refuse letters right after digits, older ones begin a new token.
    fn then_no_word(&self, token: Token) -> Result<Token, Unsure> {
        if self.peek(0).is_some_and(is_word_byte) { Err(Unsure) } else { Ok(token) }
    }

    /// A run of operator characters ends before a comment. How PostgreSQL splits a run doesn't matter here: the same
    /// run is split in the same way.
    fn operator(&mut self) -> Token {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            let comment = matches!((byte, self.peek(1)), (b'-', Some(b'-')) | (b'/', Some(b'*')));
            if class(byte) != Class::Operator || comment {
                break;
            }
            self.at += 1;
        }
        Token::Operator
    }

    /// `'…'` with doubled quotes.
    fn plain_text(&mut self, open: usize) -> Result<Token, Unsure> {
        self.at += open;
        self.until_quote(b'\'')?;
        self.then_no_text()
    }

    fn until_quote(&mut self, quote: u8) -> Result<(), Unsure> {
        loop {
            let end = self.rest().iter().position(|byte| *byte == quote).ok_or(Unsure)?;
            self.at += end + 1;
            if self.peek(0) != Some(quote) {
                return Ok(());
            }
            self.at += 1;
        }
    }

    /// `E'…'` with backslashes.
    fn escaped_text(&mut self, open: usize) -> Result<Token, Unsure> {
        self.at += open;
        loop {
            match self.peek(0) {
                Some(b'\\') => self.at += 2,
                Some(b'\'') if self.peek(1) == Some(b'\'') => self.at += 2,
                Some(b'\'') => {
                    self.at += 1;
                    return self.then_no_text();
                }
                Some(_) => self.at += 1,
                None => return Err(Unsure),
            }
        }
    }

    /// A string that goes on after a line's end belongs to the one before, with its rules.
    fn then_no_text(&mut self) -> Result<Token, Unsure> {
        let end = self.at;
        self.skip_space()?;
        let goes_on = self.peek(0) == Some(b'\'');
        self.at = end;
        if goes_on { Err(Unsure) } else { Ok(Token::Text) }
    }

    fn quoted(&mut self, open: usize) -> Result<Token, Unsure> {
        self.at += open;
        self.until_quote(b'"')?;
        Ok(Token::Quoted)
    }

    /// `$1` or `$tag$…$tag$`.
    fn dollar(&mut self) -> Result<Token, Unsure> {
        if self.peek(1).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
            self.digits();
            return self.then_no_word(Token::Parameter);
        }
        let rest = self.rest();
        let tag = rest.iter().skip(1).position(|byte| *byte == b'$').ok_or(Unsure)? + 2;
        let delimiter = rest.get(..tag).ok_or(Unsure)?;
        let name = delimiter.get(1..tag - 1).ok_or(Unsure)?;
        let named = name.iter().all(|byte| is_word_byte(*byte))
            && name.first().is_none_or(|first| class(*first) == Class::Word);
        if !named {
            return Err(Unsure);
        }
        let body = rest.get(tag..).ok_or(Unsure)?;
        let end = find(body, delimiter).ok_or(Unsure)?;
        self.at += tag + end + tag;
        Ok(Token::Text)
    }
}

/// The rules are not sure how to read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsure;

fn is_word_byte(byte: u8) -> bool {
    matches!(class(byte), Class::Word | Class::Digit | Class::Dollar)
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == b'$')?;
        if bytes.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// The parts of a name in a string, as `nextval('public."Seq"')` takes it.
pub(crate) fn split_identifier(text: &str) -> Option<Vec<String>> {
    let mut lexer = Lexer::new(text);
    let mut parts = Vec::new();
    loop {
        let (token, bytes) = lexer.next().ok()??;
        let part = std::str::from_utf8(bytes).ok()?;
        match token {
            Token::Word => parts.push(part.to_ascii_lowercase()),
            Token::Quoted => parts.push(part.get(1..part.len() - 1)?.replace("\"\"", "\"")),
            _ => return None,
        }
        match lexer.next().ok()? {
            None => return Some(parts),
            Some((Token::Mark(b'.'), _)) => {}
            Some(_) => return None,
        }
    }
}
