//! Is a text small and shallow enough to be parsed on this thread's stack?

use crate::classified::Problem;

/// Longer texts are denied unread, in bytes.
pub const MAX_TEXT: usize = 1024 * 1024;

/// Above this, in bytes, people have to look: the effects get an `unknown`.
pub const MAX_UNATTENDED: usize = 256 * 1024;

/// How deep a text may nest. Brackets count twice; operators in a chain, nested CASE, joins and set operations once
/// each.
pub const MAX_DEPTH: usize = 600;

/// Up to this depth, parsing, walking and dropping a tree fit into 2 MiB of stack, also without optimisation (where the
/// decoder takes 40 KiB for each subquery).
const SHALLOW: usize = 30;

/// The stack of the thread that deeper texts get: five times what [`MAX_DEPTH`] takes without optimisation. Untouched
/// pages cost nothing.
const ROOM: usize = 128 * 1024 * 1024;

/// How deep a text nests; refuses what is too large, too deep or holds a NUL byte.
///
/// It errs on the safe side without lexing strictly: what is not closed or not plainly lexable is counted token by
/// token all the same.
pub(crate) fn check(text: &str) -> Result<usize, Problem> {
    if text.len() > MAX_TEXT {
        return Err(Problem::TooLarge { bytes: text.len() });
    }
    if text.as_bytes().contains(&0) {
        return Err(Problem::NulByte);
    }
    let depth = Gauge::default().measure(text.as_bytes());
    if depth <= MAX_DEPTH { Ok(depth) } else { Err(Problem::TooDeep) }
}

/// Does `work` on a text of this depth where the stack suffices: here, or on a thread of its own. `None` when no thread
/// can be had.
pub(crate) fn with_room<T: Send>(depth: usize, work: impl FnOnce() -> T + Send) -> Option<T> {
    if depth <= SHALLOW {
        return Some(work());
    }
    std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(ROOM).spawn_scoped(scope, work).ok()?.join().ok()
    })
}

/// For work that must have a thread of its own.
pub(crate) const DEEP: usize = MAX_DEPTH;

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
    /// The greatest depth that any reading of these bytes could have. Strings and comments count as if they were
    /// text: whoever writes six hundred brackets into a string is asked to bind it as a parameter.
    fn measure(mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'(' | b'[' => self.open(),
                b')' | b']' => self.close(),
                b',' => self.chain = 0,
                b';' => {
                    self.chain = 0;
                    self.structure = 0;
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xff => {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let length = rest.iter().position(|b| !is_word(*b)).unwrap_or(rest.len());
                    self.word(rest.get(..length).unwrap_or_default());
                    at += length;
                    continue;
                }
                b'+' | b'-' | b'*' | b'/' | b'<' | b'>' | b'=' | b'~' | b'!' | b'@' | b'#' | b'%' | b'^'
                | b'&' | b'|' | b'`' | b'?' | b':' => self.chain += 1,
                _ => {}
            }
            self.deepest = self.deepest.max(self.outside + self.chain + self.structure);
            at += 1;
        }
        self.deepest
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
        self.deepest = self.deepest.max(self.outside + self.chain + self.structure);
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}
