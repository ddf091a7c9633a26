//! Could this text exhaust the parser? Cedar parses, checks and drops expressions by recursion, so a mistake or a
//! joke in a policy file could end the whole process when it is reloaded. Size and depth are bounded first.

use crate::Finding;
use crate::finding::Place;

/// A file beyond this is refused unread; a large bundle is many files.
const FILE_MAX_BYTES: usize = 1 << 20;
/// A statement beyond this is refused: nobody could review it.
const STATEMENT_MAX_BYTES: usize = 16 << 10;
const DEPTH_MAX: usize = 48;

/// What breaks a limit, at the place where it does. Strings and comments don't nest.
pub(crate) fn check(place: Place<'_>) -> Option<Finding> {
    let text = place.text;
    if text.len() > FILE_MAX_BYTES {
        let message = format!("the file has {} bytes; at most {FILE_MAX_BYTES} are read", text.len());
        return Some(place.at(0, "too-large", message));
    }
    let mut depth = 0_usize;
    let mut begins = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                while chars.next().is_some_and(|(_, c)| c != '"' && (c != '\\' || chars.next().is_some())) {}
            }
            '/' if chars.peek().is_some_and(|(_, c)| *c == '/') => {
                while chars.next().is_some_and(|(_, c)| c != '\n') {}
            }
            '(' | '[' | '{' => depth = depth.saturating_add(1),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ';' => begins = at,
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Some(place.at(at, "too-large", format!("more than {DEPTH_MAX} brackets are open here")));
        }
        if at.saturating_sub(begins) > STATEMENT_MAX_BYTES {
            let message = format!("the statement has more than {STATEMENT_MAX_BYTES} bytes");
            return Some(place.at(at, "too-large", message));
        }
    }
    None
}

#[cfg(test)]
mod tests;
