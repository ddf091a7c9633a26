//! Where does each message begin and end in a stream of bytes?
//!
//! Two kinds of message: those that must be seen whole before anything of them goes on (statements, portals,
//! descriptions), and those whose body may pass by length, unread (rows, copied data). For the second kind the
//! scanner keeps nothing but the number of bytes still to come, however large the message is.

#[cfg(test)]
mod tests;

use super::WireError;

/// What is to happen with messages of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Must be complete in the buffer; a longer body is an error as soon as its header is there.
    Whole {
        /// Body bytes, without the length itself.
        limit: usize,
    },
    /// May pass piece by piece, however long.
    Pass,
    /// Not in this direction, or not now.
    Refuse,
}

/// A rule for each type of message. Cheap to look up; kept for a connection, changed by its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    by_tag: Box<[Rule; 256]>,
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

impl Rules {
    /// What clients send after login. Statements 1 MiB, parameters 16 MiB, names 64 KiB; copied data passes.
    pub fn client() -> Self {
        let mut rules = Self::nothing();
        rules.set(b"QPF", Rule::Whole { limit: MIB });
        rules.set(b"B", Rule::Whole { limit: 16 * MIB });
        rules.set(b"EDCf", Rule::Whole { limit: 64 * KIB });
        rules.set(b"SHXc", Rule::Whole { limit: 0 });
        rules.set(b"d", Rule::Pass);
        rules
    }

    /// What servers send. Rows, copied data and results of function calls pass; the rest is seen whole.
    pub fn server() -> Self {
        let mut rules = Self::nothing();
        rules.set(b"EN", Rule::Whole { limit: 16 * MIB });
        rules.set(b"TtS", Rule::Whole { limit: MIB });
        rules.set(b"RKCAGHWv", Rule::Whole { limit: 64 * KIB });
        rules.set(b"Z", Rule::Whole { limit: 1 });
        rules.set(b"123nsIc", Rule::Whole { limit: 0 });
        rules.set(b"DdV", Rule::Pass);
        rules
    }

    /// Refuses everything: a start for the few messages that a state expects.
    pub fn nothing() -> Self {
        Self { by_tag: Box::new([Rule::Refuse; 256]) }
    }

    /// The same rules with another one for these tags.
    #[must_use]
    pub fn with(mut self, tags: &[u8], rule: Rule) -> Self {
        self.set(tags, rule);
        self
    }

    /// Sets the rule for these tags.
    pub fn set(&mut self, tags: &[u8], rule: Rule) {
        for tag in tags {
            if let Some(place) = self.by_tag.get_mut(usize::from(*tag)) {
                *place = rule;
            }
        }
    }

    /// The rule for this tag.
    pub fn of(&self, tag: u8) -> Rule {
        self.by_tag.get(usize::from(tag)).copied().unwrap_or(Rule::Refuse)
    }
}

/// One complete message, borrowed from the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Type of the message.
    pub tag: u8,
    /// Tag, length and body: what is forwarded.
    pub whole: &'a [u8],
    /// What is decoded.
    pub body: &'a [u8],
}

/// What stands at the start of the bytes that were not scanned yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan<'a> {
    /// A complete message. Go on behind `frame.whole`.
    Whole(Frame<'a>),
    /// A piece of a message that may pass unread. Go on behind `bytes`, which is never empty.
    Piece {
        /// Type of the message.
        tag: u8,
        /// The first piece has the header in front.
        first: bool,
        /// The message ends with this piece.
        last: bool,
        /// What is there of it.
        bytes: &'a [u8],
    },
    /// Nothing can be said before this many more bytes have come. Keep what is there.
    Wait {
        /// At least 1; for a message whose header is there, exactly what is missing of it.
        missing: usize,
    },
}

/// Finds the messages of one direction of one connection.
#[derive(Debug, Clone, Default)]
pub struct Scanner {
    /// Type and remaining bytes of the message that is passing.
    passing: Option<(u8, usize)>,
}

/// Tag and length.
const HEADER: usize = 5;

impl Scanner {
    /// Whether the bytes so far end in the middle of a passing message.
    pub fn is_passing(&self) -> bool {
        self.passing.is_some()
    }

    /// Looks at what follows the bytes of the last answer. `unread` begins there on each call.
    ///
    /// # Errors
    /// [`WireError`] for an impossible length, a message above its limit, or a type that `rules` refuse. The stream
    /// can't be followed any further then.
    pub fn scan<'a>(&mut self, rules: &Rules, unread: &'a [u8]) -> Result<Scan<'a>, WireError> {
        if let Some((tag, left)) = self.passing {
            return Ok(self.pass(tag, left, false, unread));
        }
        let Some(tag) = unread.first().copied() else {
            return Ok(Scan::Wait { missing: HEADER });
        };
        // The tag alone can already be wrong; nobody has to wait for the rest of it.
        let rule = rules.of(tag);
        if rule == Rule::Refuse {
            return Err(WireError::Tag(tag));
        }
        let Some([_, length @ ..]) = unread.first_chunk::<HEADER>() else {
            return Ok(Scan::Wait { missing: HEADER - unread.len() });
        };
        let length = body_length(tag, *length)?;
        match rule {
            Rule::Whole { limit } if length > limit => Err(WireError::TooLong { tag, length, limit }),
            Rule::Whole { .. } => Ok(whole(tag, length, unread)),
            Rule::Pass => Ok(self.pass(tag, HEADER + length, true, unread)),
            Rule::Refuse => Err(WireError::Tag(tag)),
        }
    }

    fn pass<'a>(&mut self, tag: u8, left: usize, first: bool, unread: &'a [u8]) -> Scan<'a> {
        if unread.is_empty() {
            return Scan::Wait { missing: 1 };
        }
        let bytes = unread.get(..left).unwrap_or(unread);
        let left = left - bytes.len();
        self.passing = (left > 0).then_some((tag, left));
        Scan::Piece { tag, first, last: left == 0, bytes }
    }
}

/// Bytes behind the length field, which counts itself.
fn body_length(tag: u8, length: [u8; 4]) -> Result<usize, WireError> {
    let wrong = WireError::Length { tag, length: u32::from_be_bytes(length) };
    let body = i32::from_be_bytes(length).checked_sub(4).ok_or(wrong)?;
    usize::try_from(body).ok().ok_or(wrong)
}

fn whole(tag: u8, body: usize, unread: &[u8]) -> Scan<'_> {
    let length = HEADER + body;
    match (unread.get(..length), unread.get(HEADER..length)) {
        (Some(whole), Some(body)) => Scan::Whole(Frame { tag, whole, body }),
        _ => Scan::Wait { missing: length - unread.len() },
    }
}
