//! What does this `COPY … TO STDOUT` copy, and in which form? Read from its text; every form that isn't known for
//! certain is refused.

/// A COPY to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyForm {
    /// The table, and its columns when they are listed; `None` for a query.
    pub(super) table: Option<(String, Option<Vec<String>>)>,
    pub(super) csv: bool,
    pub(super) header: bool,
    pub(super) delimiter: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Folded to small letters, as the server does, unless it was quoted.
    Name(String),
    Quoted(String),
    Text(String),
    Sign(u8),
}

impl CopyForm {
    /// `None` when the text is of a form that can't be masked.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let tokens = tokens(text)?;
        let mut rest = tokens.as_slice();
        word(&mut rest, "copy").then_some(())?;
        let table = if sign(rest) == Some(b'(') {
            skip_query(&mut rest)?;
            None
        } else {
            Some(table(&mut rest)?)
        };
        (word(&mut rest, "to") && word(&mut rest, "stdout")).then_some(())?;
        let mut form = Self { table, csv: false, header: false, delimiter: b'\t' };
        let mut delimiter = None;
        word(&mut rest, "with");
        if sign(rest) == Some(b'(') {
            form.listed(&mut rest, &mut delimiter)?;
        } else {
            form.older(&mut rest, &mut delimiter)?;
        }
        while sign(rest) == Some(b';') {
            rest = rest.get(1..)?;
        }
        form.delimiter = delimiter.unwrap_or(if form.csv { b',' } else { b'\t' });
        rest.is_empty().then_some(form)
    }

    /// `(FORMAT csv, HEADER, DELIMITER ';')`.
    fn listed(&mut self, rest: &mut &[Token], delimiter: &mut Option<u8>) -> Option<()> {
        *rest = rest.get(1..)?;
        loop {
            if word(rest, "format") {
                self.csv = match name(rest)?.as_str() {
                    "csv" => true,
                    "text" => false,
                    _ => return None,
                };
            } else if word(rest, "header") {
                self.header = !(word(rest, "false") || word(rest, "off"));
                let _said = word(rest, "true") || word(rest, "on");
            } else if word(rest, "delimiter") {
                *delimiter = Some(one_byte(rest)?);
            } else {
                return None;
            }
            match sign(rest)? {
                b',' => *rest = rest.get(1..)?,
                b')' => {
                    *rest = rest.get(1..)?;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// `CSV HEADER DELIMITER AS ';'`.
    fn older(&mut self, rest: &mut &[Token], delimiter: &mut Option<u8>) -> Option<()> {
        loop {
            if word(rest, "csv") {
                self.csv = true;
            } else if word(rest, "header") {
                self.header = true;
            } else if word(rest, "delimiter") {
                word(rest, "as");
                *delimiter = Some(one_byte(rest)?);
            } else {
                return Some(());
            }
        }
    }
}

/// `[schema.]table [(column, …)]`; the name without its schema.
fn table(rest: &mut &[Token]) -> Option<(String, Option<Vec<String>>)> {
    let mut found = name(rest)?;
    while sign(rest) == Some(b'.') {
        *rest = rest.get(1..)?;
        found = name(rest)?;
    }
    if sign(rest) != Some(b'(') {
        return Some((found, None));
    }
    let mut columns = Vec::new();
    loop {
        *rest = rest.get(1..)?;
        columns.push(name(rest)?);
        match sign(rest)? {
            b',' => {}
            b')' => break,
            _ => return None,
        }
    }
    *rest = rest.get(1..)?;
    Some((found, Some(columns)))
}

fn skip_query(rest: &mut &[Token]) -> Option<()> {
    let mut depth = 0_usize;
    loop {
        let (token, after) = rest.split_first()?;
        *rest = after;
        match token {
            Token::Sign(b'(') => depth += 1,
            Token::Sign(b')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(());
        }
    }
}

fn word(rest: &mut &[Token], wanted: &str) -> bool {
    match rest.split_first() {
        Some((Token::Name(name), after)) if name == wanted => {
            *rest = after;
            true
        }
        _ => false,
    }
}

fn name(rest: &mut &[Token]) -> Option<String> {
    let (token, after) = rest.split_first()?;
    *rest = after;
    match token {
        Token::Name(name) | Token::Quoted(name) => Some(name.clone()),
        Token::Text(_) | Token::Sign(_) => None,
    }
}

fn sign(rest: &[Token]) -> Option<u8> {
    match rest.first() {
        Some(Token::Sign(sign)) => Some(*sign),
        _ => None,
    }
}

fn one_byte(rest: &mut &[Token]) -> Option<u8> {
    let (Token::Text(text), after) = rest.split_first()? else { return None };
    *rest = after;
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\\\r\n.".contains(byte) => {
            Some(*byte)
        }
        _ => None,
    }
}

/// `None` for what is rare enough to be refused: escapes, dollar quotes, prefixed strings.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = {
        rest = rest.trim_start();
        rest.chars().next()
    } {
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest)?,
            '\'' | '"' => {
                let (inner, length) = quoted(rest, first)?;
                tokens.push(if first == '"' { Token::Quoted(inner) } else { Token::Text(inner) });
                length
            }
            first if first.is_alphabetic() || first == '_' => {
                let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
                let length = rest.find(|c| !inside(c)).unwrap_or(rest.len());
                let word = rest.get(..length)?;
                if rest.get(length..)?.starts_with('\'') || !word.is_ascii() {
                    return None;
                }
                tokens.push(Token::Name(word.to_ascii_lowercase()));
                length
            }
            '$' => {
                // A parameter is fine, a dollar quote is not.
                let digits = rest.get(1..)?.bytes().take_while(u8::is_ascii_digit).count();
                if digits == 0 {
                    return None;
                }
                tokens.push(Token::Sign(b'$'));
                1 + digits
            }
            first => {
                tokens.push(Token::Sign(u8::try_from(first).ok()?));
                first.len_utf8()
            }
        };
        rest = rest.get(length..)?;
    }
    Some(tokens)
}

fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut inner = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != quote {
            inner.push(character);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            inner.push(quote);
        } else {
            return Some((inner, at + 1));
        }
    }
    None
}

/// Comments nest.
fn comment(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        match bytes.get(at..at + 2)? {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}
