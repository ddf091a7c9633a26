//! What does the query string ask for? Every parameter is known, given once and valid, or the answer says why not.

pub(crate) mod audit;

use countersign_core::{Query, State, Timestamp, Verb};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::codes::{Code, Problem};

/// The page size when none is given.
const LIMIT: u16 = 50;
/// Longer texts are not looked for.
const TEXT_MAX_BYTES: usize = 256;

/// The parameters that lists take.
pub(crate) const LIST: &[&str] =
    &["state", "decision", "resource", "agent", "operation", "verb", "q", "from", "until", "cursor", "limit"];

/// Those of what passed on a standing answer: all of it was allowed, and none has a review.
pub(crate) const PASSED: &[&str] =
    &["resource", "agent", "operation", "verb", "q", "from", "until", "cursor", "limit"];

/// Query string or form as pairs. A plus is a space; what isn't UTF-8 becomes replacement characters.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key), decoded(value))
        })
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match (byte, escaped(&rest)) {
            (b'+', _) => bytes.push(b' '),
            (b'%', Some(meant)) => {
                bytes.push(meant);
                rest.next();
                rest.next();
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte that two hexadecimal digits at the start of `rest` stand for; nothing is taken.
fn escaped(rest: &std::str::Bytes<'_>) -> Option<u8> {
    let mut ahead = rest.clone();
    let high = char::from(ahead.next()?).to_digit(16)?;
    let low = char::from(ahead.next()?).to_digit(16)?;
    u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok()
}

/// What a program asks for: unknown and repeated parameters are mistakes.
pub(crate) fn strict(text: &str, known: &[&str]) -> Result<Query, Problem> {
    let pairs = pairs(text);
    known_once(&pairs, known)?;
    read(&pairs)
}

/// Refuses what is not known and what is given twice.
fn known_once(pairs: &[(String, String)], known: &[&str]) -> Result<(), Problem> {
    for (at, (key, _)) in pairs.iter().enumerate() {
        if !known.contains(&key.as_str()) {
            return Err(invalid(key, &format!("is not known here; known are {}", known.join(", "))));
        }
        let again = pairs.iter().skip(at.saturating_add(1)).any(|(other, _)| other == key);
        if again && key != "state" {
            return Err(invalid(key, "is given twice"));
        }
    }
    Ok(())
}

/// What a filter form asks for: fields left empty don't count.
pub(crate) fn lenient(text: &str, known: &[&str]) -> Result<Query, Problem> {
    let mut pairs = pairs(text);
    pairs.retain(|(key, value)| known.contains(&key.as_str()) && !value.trim().is_empty());
    read(&pairs)
}

fn read(pairs: &[(String, String)]) -> Result<Query, Problem> {
    let mut query = Query { limit: LIMIT, ..Query::default() };
    for (key, value) in pairs {
        match key.as_str() {
            "state" => {
                let state =
                    State::from_word(value).ok_or_else(|| invalid(key, "is not the word of a state"))?;
                query.states.push(state);
            }
            "decision" => query.decision = Some(decision(key, value)?),
            "verb" => query.verb = Some(value.parse::<Verb>().map_err(|why| invalid(key, &why))?),
            "resource" => query.resource = Some(text(key, value)?),
            "agent" => query.agent = Some(text(key, value)?),
            "operation" => query.operation = Some(text(key, value)?),
            "q" => query.text = Some(text(key, value)?),
            "from" => query.from = Some(instant(key, value)?),
            "until" => query.until = Some(instant(key, value)?),
            "cursor" => query.cursor = Some(number(key, value, 0, i64::MAX.unsigned_abs())?),
            "limit" => {
                let limit = number(key, value, 1, u64::from(Query::LIMIT_MAX))?;
                query.limit = u16::try_from(limit).unwrap_or(Query::LIMIT_MAX);
            }
            _ => {}
        }
    }
    Ok(query)
}

fn decision(key: &str, value: &str) -> Result<String, Problem> {
    match value {
        "allow" | "review" | "deny" => Ok(value.to_owned()),
        _ => Err(invalid(key, "is `allow`, `review` or `deny`")),
    }
}

fn text(key: &str, value: &str) -> Result<String, Problem> {
    if value.is_empty() || value.len() > TEXT_MAX_BYTES {
        return Err(invalid(key, &format!("has 1 to {TEXT_MAX_BYTES} bytes")));
    }
    Ok(value.to_owned())
}

fn number(key: &str, value: &str, min: u64, max: u64) -> Result<u64, Problem> {
    let plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| value.parse::<u64>().ok()).flatten();
    number
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| invalid(key, &format!("is a whole number from {min} to {max}")))
}

/// RFC 3339, or a date or a local date-time as browsers' inputs send them, taken as UTC.
fn instant(key: &str, value: &str) -> Result<Timestamp, Problem> {
    let local = |at: DateTime| at.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let date = || (value.len() == 10).then(|| value.parse::<Date>().ok()).flatten();
    let instant = value
        .parse::<jiff::Timestamp>()
        .ok()
        .or_else(|| date().and_then(|date| local(date.at(0, 0, 0, 0))))
        .or_else(|| value.parse::<DateTime>().ok().and_then(local))
        .ok_or_else(|| invalid(key, "is an instant such as 2026-11-22T03:00:00Z"))?;
    Ok(Timestamp::from_micros(instant.as_microsecond()))
}

fn invalid(key: &str, why: &str) -> Problem {
    let key: String = key.chars().take(60).collect();
    Problem::new(Code::InvalidParameter, format!("`{key}` {why}"))
}

#[cfg(test)]
mod tests;
