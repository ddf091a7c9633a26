//! Is this text strict JSON within our limits, and where does each value stand?
//!
//! One pass over the bytes, no copies. Stricter than most parsers on purpose: two parsers that understand the same
//! bytes differently are a way around a gateway, so whatever they could differ on is refused here.

use std::borrow::Cow;
use std::ops::Range;

/// Deeper nesting is refused.
pub(crate) const DEPTH_MAX: usize = 64;
/// More values in one message are refused; each costs memory beside its text.
const NODES_MAX: usize = 250_000;

/// Why the text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the message is not valid UTF-8")]
    NotUtf8(#[source] std::str::Utf8Error),
    #[error("the message is not valid JSON at byte {at}: expected {expected}")]
    Syntax { at: usize, expected: &'static str },
    #[error("the message nests deeper than {DEPTH_MAX} levels")]
    TooDeep,
    #[error("the message holds more than {NODES_MAX} values")]
    TooManyValues,
    #[error("the key `{0}` stands twice in one object; parsers differ in which one they take")]
    DuplicateKey(String),
    #[error(
        "the key `{found}` differs from `{known}` only in letter case; parsers differ in whether that is the same"
    )]
    NearKey { found: String, known: &'static str },
    #[error("batches are not supported; send one message per request")]
    Batch,
    #[error("the message is not JSON-RPC 2.0: {0}")]
    NotRpc(&'static str),
}

impl Malformed {
    /// The JSON-RPC error code.
    pub(crate) const fn code(&self) -> i32 {
        match self {
            Self::NotUtf8(_) | Self::Syntax { .. } => -32700,
            Self::TooDeep
            | Self::TooManyValues
            | Self::DuplicateKey(_)
            | Self::NearKey { .. }
            | Self::Batch
            | Self::NotRpc(_) => -32600,
        }
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

/// One value: its span, its key's span (with quotes; empty outside objects) and the index after its subtree.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    kind: Kind,
    span: Range<usize>,
    key: Range<usize>,
    after: usize,
}

/// Scans `text` and keeps every value down to `keep` levels; deeper ones are only checked for grammar.
pub(crate) fn scan(text: &str, keep: usize) -> Result<Vec<Node>, Malformed> {
    let mut scanner = Scanner { text, at: 0, nodes: Vec::with_capacity(32), keys: Vec::new(), keep };
    scanner.space();
    scanner.value(0, 0..0)?;
    scanner.space();
    if scanner.at < text.len() {
        return Err(scanner.expected("the end of the message"));
    }
    Ok(scanner.nodes)
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node>,
    keys: Vec<Cow<'a, str>>,
    keep: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn expected(&self, expected: &'static str) -> Malformed {
        Malformed::Syntax { at: self.at, expected }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize, key: Range<usize>) -> Result<(), Malformed> {
        if depth > DEPTH_MAX {
            return Err(Malformed::TooDeep);
        }
        let start = self.at;
        let kept = depth <= self.keep;
        let index = self.nodes.len();
        let kind = match self.peek() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't') => Kind::True,
            Some(b'f') => Kind::False,
            Some(b'n') => Kind::Null,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            _ => return Err(self.expected("a value")),
        };
        if kept {
            if index >= NODES_MAX {
                return Err(Malformed::TooManyValues);
            }
            self.nodes.push(Node { kind, span: start..start, key, after: index });
        }
        match kind {
            Kind::Object => self.object(depth)?,
            Kind::Array => self.array(depth)?,
            Kind::String => self.string()?,
            Kind::Number => self.number()?,
            Kind::True => self.word("true")?,
            Kind::False => self.word("false")?,
            Kind::Null => self.word("null")?,
        }
        if kept {
            let after = self.nodes.len();
            if let Some(node) = self.nodes.get_mut(index) {
                node.span.end = self.at;
                node.after = after;
            }
        }
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<(), Malformed> {
        let first_key = self.keys.len();
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key"));
            }
            let start = self.at;
            self.string()?;
            let key = start..self.at;
            if depth < self.keep {
                let text = self.text.get(key.clone()).unwrap_or_default();
                self.keys.push(unquote(text).ok_or(Malformed::Syntax { at: start, expected: "a key" })?);
            }
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.expected("`:`"));
            }
            self.at += 1;
            self.space();
            self.value(depth + 1, key)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.expected("`,` or `}`")),
            }
            self.space();
        }
        self.at += 1;
        self.distinct(first_key)
    }

    /// Refuses two equal keys among those pushed since `first`, whatever way they were escaped.
    fn distinct(&mut self, first: usize) -> Result<(), Malformed> {
        let keys = self.keys.get_mut(first..).unwrap_or_default();
        keys.sort_unstable();
        let twice = keys.windows(2).find_map(|pair| match pair {
            [a, b] if a == b => Some(a.chars().take(80).collect::<String>()),
            _ => None,
        });
        self.keys.truncate(first);
        twice.map_or(Ok(()), |key| Err(Malformed::DuplicateKey(key)))
    }

    fn array(&mut self, depth: usize) -> Result<(), Malformed> {
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1, 0..0)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.expected("`,` or `]`")),
            }
            self.space();
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        loop {
            let plain = self.rest().iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            self.at += plain.unwrap_or(self.rest().len());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.expected("no control character in a string")),
                None => return Err(self.expected("the end of a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Malformed> {
        match self.rest() {
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.at += 2,
            [b'\\', b'u', ..] => match self.unit(2) {
                Some(0xD800..=0xDBFF) => match (self.rest().get(6..8), self.unit(8)) {
                    (Some(b"\\u"), Some(0xDC00..=0xDFFF)) => self.at += 12,
                    _ => return Err(self.expected("the second half of a surrogate pair")),
                },
                Some(0xDC00..=0xDFFF) => return Err(self.expected("no lone surrogate")),
                Some(_) => self.at += 6,
                None => return Err(self.expected("four hexadecimal digits")),
            },
            _ => return Err(self.expected("a known escape")),
        }
        Ok(())
    }

    /// The four hexadecimal digits that begin `offset` bytes ahead.
    fn unit(&self, offset: usize) -> Option<u32> {
        self.rest()
            .get(offset..offset + 4)?
            .iter()
            .try_fold(0, |unit, byte| char::from(*byte).to_digit(16).map(|digit| unit * 16 + digit))
    }

    fn number(&mut self) -> Result<(), Malformed> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return Err(self.expected("a digit"));
        }
        self.at += count;
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<(), Malformed> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.expected(word));
        }
        self.at += word.len();
        Ok(())
    }
}

/// The text of a JSON string literal. Borrowed when nothing is escaped.
fn unquote(literal: &str) -> Option<Cow<'_, str>> {
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(literal).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// One value of a scanned text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    text: &'a str,
    nodes: &'a [Node],
    at: usize,
}

impl<'a> View<'a> {
    /// The outermost value.
    pub(crate) fn root(text: &'a str, nodes: &'a [Node]) -> Self {
        Self { text, nodes, at: 0 }
    }

    fn node(&self) -> Option<&'a Node> {
        self.nodes.get(self.at)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.node().map_or(Kind::Null, |node| node.kind)
    }

    pub(crate) fn span(&self) -> Range<usize> {
        self.node().map_or(0..0, |node| node.span.clone())
    }

    /// The value as it was written.
    pub(crate) fn raw(&self) -> &'a str {
        self.text.get(self.span()).unwrap_or_default()
    }

    /// The key before this value, unescaped; empty outside objects.
    pub(crate) fn key(&self) -> Cow<'a, str> {
        self.node().and_then(|node| self.text.get(node.key.clone())).and_then(unquote).unwrap_or_default()
    }

    /// The values directly inside an object or array, in order.
    pub(crate) fn children(self) -> impl Iterator<Item = Self> {
        let end = self.node().map_or(0, |node| node.after);
        let mut next = self.at + 1;
        std::iter::from_fn(move || {
            let at = next;
            let node = self.nodes.get(at).filter(|_| at < end)?;
            next = node.after;
            Some(Self { at, ..self })
        })
    }

    /// The member of an object with this key.
    pub(crate) fn get(self, key: &str) -> Option<Self> {
        (self.kind() == Kind::Object).then(|| self.children().find(|child| child.key() == key)).flatten()
    }

    /// The span of the member with this key and of one comma beside it: cutting it out leaves an object.
    pub(crate) fn member(self, key: &str) -> Option<Range<usize>> {
        let mut before: Option<Self> = None;
        let mut members = self.children();
        let found = loop {
            let member = members.next()?;
            if member.key() == key {
                break member;
            }
            before = Some(member);
        };
        let node = found.node()?;
        Some(match (before, members.next().and_then(|next| next.node())) {
            (Some(before), _) => before.span().end..node.span.end,
            (None, Some(next)) => node.key.start..next.key.start,
            (None, None) => node.key.start..node.span.end,
        })
    }

    /// The text of a string.
    pub(crate) fn string(&self) -> Option<Cow<'a, str>> {
        if self.kind() == Kind::String { unquote(self.raw()) } else { None }
    }

    /// The value of a boolean.
    pub(crate) fn bool(&self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            Kind::Object | Kind::Array | Kind::String | Kind::Number | Kind::Null => None,
        }
    }
}
