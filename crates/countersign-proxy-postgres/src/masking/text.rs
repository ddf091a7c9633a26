//! What may a client read of an error, a notice or a notification, when columns are masked? Servers quote values in
//! them, and somebody's function can say anything there.
//!
//! Where a rule names columns, only this is left of an error or a notice: texts that no function made, without
//! anything between quotation marks and without any longer number that the client has not sent itself, and without
//! details but for those whose form is known. Where rules only look for content, the texts are searched, and lose what
//! the server is known to quote.

use countersign_mask::Masked;

use super::kit::Tools;
use super::plan::Tally;
use super::{Kit, Unmaskable};
use crate::codec::back::Fault;
use crate::codec::put::message;

/// What the client has said itself, and therefore may hear.
#[derive(Debug, Default)]
pub(crate) struct Known<'a> {
    /// The texts and parameters of what is under way.
    pub(crate) said: Vec<&'a [u8]>,
}

const HIDDEN: &[u8] = b"hidden, because columns are masked here";
/// Details that quote values in a way that is known, or none.
const DETAILS: [&[u8]; 3] =
    [b"Key (", b"Failing row contains (", b"Partition key of the failing row contains ("];
/// Names of a schema, table, column, type and constraint: the server's own words, when no function is involved.
const NAMES: &[u8] = b"stcdn";
/// Longer numbers may be values.
const NUMBER_MAX: usize = 3;

/// Appends the error or notice (`tag`) as the client may read it.
pub(crate) fn fault(
    kit: &Kit,
    (tag, fault): (u8, Fault<'_>),
    known: &Known<'_>,
    tools: &mut Tools,
    tally: &mut Tally,
    out: &mut Vec<u8>,
) -> Result<(), Unmaskable> {
    let strict = kit.names_columns();
    let made_by_code = strict && fault.fields().any(|(kind, _)| kind == b'W');
    let names: Vec<&[u8]> =
        fault.fields().filter(|(kind, _)| NAMES.contains(kind)).map(|(_, text)| text).collect();
    let written = message(out, tag, |body| {
        for (kind, text) in fault.fields() {
            let mut kept = Vec::new();
            let text = match kind {
                b'S' | b'V' | b'C' | b'P' | b'p' | b'F' | b'L' | b'R' => text,
                _ if made_by_code && kind == b'M' => HIDDEN,
                b'D' | b'H' | b'W' | b'q' | b's' | b't' | b'c' | b'd' | b'n' if made_by_code => continue,
                b'D' if strict && !DETAILS.iter().any(|start| text.starts_with(start)) => continue,
                kind if strict && NAMES.contains(&kind) => text,
                _ => {
                    let mut plain = Vec::new();
                    if strict {
                        hide_unsaid(text, known, &names, &mut plain);
                    } else {
                        plain.extend_from_slice(text);
                    }
                    match tools.search_text(kit, &plain, &mut kept, &mut tally.found) {
                        Masked::Same(_) => kept = plain,
                        Masked::Changed => {}
                        Masked::Null => kept = HIDDEN.to_vec(),
                    }
                    &kept
                }
            };
            body.u8(kind);
            body.text(text)?;
        }
        body.u8(0);
        Ok(())
    });
    written.map_err(|_nul| Unmaskable::Write)
}

/// Appends a notification as the client may read it. Where columns are masked its payload is hidden: triggers send
/// whole rows that way.
pub(crate) fn notification(
    kit: &Kit,
    (process, channel, payload): (u32, &str, &str),
    tools: &mut Tools,
    tally: &mut Tally,
    out: &mut Vec<u8>,
) -> Result<(), Unmaskable> {
    let mut kept = Vec::new();
    let payload = match payload.as_bytes() {
        b"" => b"".as_slice(),
        _ if kit.names_columns() => b"***",
        payload => match tools.search(kit, payload, &mut kept, &mut tally.found) {
            Masked::Same(_) => payload,
            Masked::Changed => &kept,
            Masked::Null => b"***",
        },
    };
    let written = message(out, b'A', |body| {
        body.u32(process);
        body.text(channel)?;
        body.text(payload)
    });
    written.map_err(|_nul| Unmaskable::Write)
}

/// Replaces what stands between quotation marks and longer numbers, unless the client said it or it is a name.
fn hide_unsaid(text: &[u8], known: &Known<'_>, names: &[&[u8]], out: &mut Vec<u8>) {
    let may_stay = |part: &[u8]| names.contains(&part) || known.has(part);
    let mut rest = text;
    while let Some(first) = rest.first() {
        let length = match first {
            // Values aren't escaped in these texts, so the last quotation mark ends the last of them.
            b'"' => closing(rest, may_stay),
            byte if byte.is_ascii_digit() => rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
            _ => 1,
        };
        let (part, after) = rest.split_at_checked(length).unwrap_or((rest, b""));
        rest = after;
        let inner = part.strip_prefix(b"\"").map(|part| part.strip_suffix(b"\"").unwrap_or(part));
        match inner {
            Some(inner) if may_stay(inner) => out.extend_from_slice(part),
            Some(_) => out.extend_from_slice(b"\"***\""),
            None if length > NUMBER_MAX && !may_stay(part) => out.extend_from_slice(b"***"),
            None => out.extend_from_slice(part),
        }
    }
}

/// Bytes of the quotation that begins here: to the next mark when what is between may stay, else to the last one.
fn closing(rest: &[u8], may_stay: impl Fn(&[u8]) -> bool) -> usize {
    let inside = rest.get(1..).unwrap_or_default();
    let Some(next) = inside.iter().position(|byte| *byte == b'"') else { return rest.len() };
    if inside.get(..next).is_some_and(&may_stay) {
        return next + 2;
    }
    inside.iter().rposition(|byte| *byte == b'"').map_or(rest.len(), |last| last + 2)
}

impl Known<'_> {
    /// Letters are compared without their case: the server folds names.
    pub(crate) fn has(&self, part: &[u8]) -> bool {
        !part.is_empty()
            && self
                .said
                .iter()
                .any(|said| said.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part)))
    }
}
