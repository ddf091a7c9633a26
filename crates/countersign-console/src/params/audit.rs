//! What does a query string ask of the ledger?

use countersign_core::AuditQuery;

use super::{instant, invalid, known_once, number, pairs, text};
use crate::codes::Problem;

/// The page size when none is given.
const LIMIT: u16 = 50;
/// The parameters of the ledger's page and of its download.
const KNOWN: &[&str] = &["kind", "case", "actor", "resource", "agent", "from", "until", "cursor", "limit"];

/// What a program asks for: unknown and repeated parameters are mistakes. Without a limit it gets all that come at once.
pub(crate) fn strict(text: &str) -> Result<AuditQuery, Problem> {
    let pairs = pairs(text);
    known_once(&pairs, KNOWN)?;
    read(&pairs, AuditQuery::LIMIT_MAX)
}

/// What a filter form asks for: fields left empty don't count, and a page has its own size.
pub(crate) fn lenient(text: &str) -> Result<AuditQuery, Problem> {
    let mut pairs = pairs(text);
    for (_, value) in &mut pairs {
        *value = value.trim().to_owned();
    }
    pairs.retain(|(key, value)| key != "limit" && KNOWN.contains(&key.as_str()) && !value.is_empty());
    read(&pairs, LIMIT)
}

fn read(pairs: &[(String, String)], limit: u16) -> Result<AuditQuery, Problem> {
    let mut query = AuditQuery { limit, ..AuditQuery::default() };
    for (key, value) in pairs {
        match key.as_str() {
            "kind" => query.kind = Some(kind(key, value)?),
            "case" => query.case = Some(text(key, value)?),
            "actor" => query.actor = Some(text(key, value)?),
            "resource" => query.resource = Some(text(key, value)?),
            "agent" => query.agent = Some(text(key, value)?),
            "from" => query.from = Some(instant(key, value)?),
            "until" => query.until = Some(instant(key, value)?),
            "cursor" => query.cursor = Some(number(key, value, 0, i64::MAX.unsigned_abs())?),
            "limit" => {
                let limit = number(key, value, 1, u64::from(AuditQuery::LIMIT_MAX))?;
                query.limit = u16::try_from(limit).unwrap_or(AuditQuery::LIMIT_MAX);
            }
            _ => {}
        }
    }
    Ok(query)
}

/// `approval.decided`, or the family `approval`.
fn kind(key: &str, value: &str) -> Result<String, Problem> {
    let known = countersign_ledger::Kind::ALL.iter().map(|kind| kind.word());
    let is_known = known
        .flat_map(|word| [Some(word), word.split_once('.').map(|(family, _)| family)])
        .any(|word| word == Some(value));
    if is_known {
        return Ok(value.to_owned());
    }
    Err(invalid(
        key,
        "is not a type of entries, such as `approval.decided`, nor a family, such as `approval`",
    ))
}
