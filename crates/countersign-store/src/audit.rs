//! What does the ledger hold, and when was it written? Searches over the leaves, newest first, each of which looks at
//! so many entries and no more, says how far it came, and goes on from there when asked.

use std::ops::ControlFlow;

use countersign_core::{AuditEntry, AuditPage, AuditQuery, AuditTimes, Bearing, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, Rows, params};
use serde::Deserialize;

use crate::tree::{signed, unsigned};
use crate::{Store, StoreError};

/// So many entries are looked at for one page, and for one chart.
pub(crate) const LOOKED_AT_MAX: u64 = 50_000;
/// A page ends when its leaves have so many bytes.
const BYTES_MAX: usize = 16 << 20;

/// Between two times, below one entry. Only what shares that entry's microsecond is passed over uncounted.
const BY_TIME: &str =
    "SELECT idx, kind, time, case_id, leaf, leaf_hash FROM entries INDEXED BY entries_by_time
    WHERE time >= ?1 AND time <= ?2 AND (time < ?2 OR idx < ?3) ORDER BY time DESC, idx DESC";
/// Of one case, below one entry.
const BY_CASE: &str =
    "SELECT idx, kind, time, case_id, leaf, leaf_hash FROM entries INDEXED BY entries_by_case
    WHERE case_id = ?1 AND idx < ?2 ORDER BY idx DESC";

impl Store {
    /// A page of entries, newest first. It ends when it is full or when enough was looked at.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn audit(&self, query: AuditQuery) -> Result<AuditPage, StoreError> {
        self.catch_up().await;
        self.read_long(move |conn| page(conn, &query)).await
    }

    /// When the entries of this search were made, whatever the query's cursor and limit say.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn audit_times(&self, query: AuditQuery) -> Result<AuditTimes, StoreError> {
        self.catch_up().await;
        self.read_long(move |conn| times(conn, &AuditQuery { cursor: None, ..query })).await
    }

    /// The verifier key of the ledger, as `countersign ledger key` prints it.
    pub fn log_key(&self) -> String {
        self.0.log_key.to_string()
    }
}

fn page(conn: &Connection, query: &AuditQuery) -> Result<AuditPage, StoreError> {
    let limit = usize::from(query.limit.clamp(1, AuditQuery::LIMIT_MAX));
    let mut page = AuditPage { items: Vec::new(), next: None, looked_at: 0, looked_back_to: None };
    let mut bytes = 0_usize;
    let end = walk(conn, query, |found| {
        // One more than fits has been found, so there is something to go on to.
        if page.items.len() == limit || bytes >= BYTES_MAX {
            page.next = page.items.last().map(|last: &AuditEntry| last.index);
            return Ok(ControlFlow::Break(()));
        }
        let entry = found.entry()?;
        bytes = bytes.saturating_add(entry.leaf.len());
        page.items.push(entry);
        Ok(ControlFlow::Continue(()))
    })?;
    page.looked_at = end.looked_at;
    if let Some((index, time)) = end.cut {
        page.next = Some(index);
        page.looked_back_to = Some(time);
    }
    Ok(page)
}

fn times(conn: &Connection, query: &AuditQuery) -> Result<AuditTimes, StoreError> {
    let mut marks = Vec::new();
    let end = walk(conn, query, |found| {
        marks.push((found.time, found.bearing()?));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(AuditTimes { marks, looked_back_to: end.cut.map(|(_, time)| time) })
}

/// How a walk ended.
struct End {
    looked_at: u64,
    /// The last entry that was looked at, when enough was.
    cut: Option<(u64, Timestamp)>,
}

/// Hands every entry that matches to `visit`, newest first, until that has enough or enough was looked at.
fn walk(
    conn: &Connection,
    query: &AuditQuery,
    mut visit: impl FnMut(&Found<'_, '_>) -> Result<ControlFlow<()>, StoreError>,
) -> Result<End, StoreError> {
    let from = query.from.map_or(i64::MIN, Timestamp::as_micros);
    let until = query.until.map_or(i64::MAX, |until| until.as_micros().saturating_sub(1));
    let below = query.cursor.map_or(i64::MAX, signed);
    let mut statement = conn.prepare_cached(if query.case.is_some() { BY_CASE } else { BY_TIME })?;
    let mut rows = match &query.case {
        Some(case) => statement.query(params![case, below])?,
        None => {
            let (newest, below) = position(conn, query, until)?;
            statement.query(params![from, newest, below])?
        }
    };
    let matcher = Matcher { conn, query, from, until };
    let mut end = End { looked_at: 0, cut: None };
    while let Some(found) = next(&mut rows)? {
        if end.looked_at == LOOKED_AT_MAX {
            return Ok(end);
        }
        if matcher.takes(&found)? && visit(&found)?.is_break() {
            return Ok(End { cut: None, ..end });
        }
        end.looked_at += 1;
        end.cut = (end.looked_at == LOOKED_AT_MAX).then_some((found.index, found.time));
    }
    Ok(End { cut: None, ..end })
}

/// The newest time to look at, and the entry below which to look among those of that very time.
fn position(conn: &Connection, query: &AuditQuery, until: i64) -> Result<(i64, i64), StoreError> {
    let Some(cursor) = query.cursor else { return Ok((until, i64::MAX)) };
    let time: Option<i64> = conn
        .prepare_cached("SELECT time FROM entries WHERE idx = ?1")?
        .query_row([signed(cursor)], |row| row.get(0))
        .optional()?;
    Ok(match time {
        Some(time) if time <= until => (time, signed(cursor)),
        _ => (until, i64::MAX),
    })
}

fn next<'r, 's>(rows: &'r mut Rows<'s>) -> Result<Option<Found<'r, 's>>, StoreError> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let time = Timestamp::from_micros(row.get(2)?);
    Ok(Some(Found { index: unsigned(row.get(0)?), time, row }))
}

/// An entry that is looked at; its texts are read when they are needed.
struct Found<'r, 's> {
    index: u64,
    time: Timestamp,
    row: &'r Row<'s>,
}

/// As much of a leaf as is looked at here.
#[derive(Deserialize)]
struct Said {
    actor: Actor,
    policy: Option<Decided>,
    approval: Option<Answered>,
}

#[derive(Deserialize)]
struct Actor {
    id: String,
}

#[derive(Deserialize)]
struct Decided {
    decision: String,
}

#[derive(Deserialize)]
struct Answered {
    decision: Option<String>,
}

impl Found<'_, '_> {
    fn kind(&self) -> Result<&str, StoreError> {
        self.text(1)
    }

    fn case(&self) -> Result<&str, StoreError> {
        self.text(3)
    }

    fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.row.get_ref(column)?.as_str().map_err(|_other| self.corrupt())
    }

    fn leaf(&self) -> Result<&[u8], StoreError> {
        self.row.get_ref(4)?.as_blob().map_err(|_other| self.corrupt())
    }

    fn said(&self) -> Result<Said, StoreError> {
        serde_json::from_slice(self.leaf()?).map_err(|_cause| self.corrupt())
    }

    fn bearing(&self) -> Result<Bearing, StoreError> {
        let kind = self.kind()?;
        let said = match kind {
            "action.requested" | "approval.decided" => {
                let Said { policy, approval, .. } = self.said()?;
                policy
                    .map(|policy| policy.decision)
                    .or_else(|| approval.and_then(|approval| approval.decision))
            }
            _ => None,
        };
        Ok(Bearing::of(kind, said.as_deref()))
    }

    fn entry(&self) -> Result<AuditEntry, StoreError> {
        Ok(AuditEntry {
            index: self.index,
            kind: self.kind()?.to_owned(),
            time: self.time,
            case: self.case()?.to_owned(),
            leaf: String::from_utf8(self.leaf()?.to_vec()).map_err(|_bytes| self.corrupt())?,
            hash: self.row.get(5)?,
        })
    }

    fn corrupt(&self) -> StoreError {
        StoreError::Corrupt { what: "ledger entry", id: self.index.to_string() }
    }
}

/// Which entries are asked for.
struct Matcher<'a> {
    conn: &'a Connection,
    query: &'a AuditQuery,
    from: i64,
    until: i64,
}

impl Matcher<'_> {
    fn takes(&self, found: &Found<'_, '_>) -> Result<bool, StoreError> {
        let query = self.query;
        let time = found.time.as_micros();
        if time < self.from || time > self.until {
            return Ok(false);
        }
        if let Some(sought) = &query.kind {
            let rest = found.kind()?.strip_prefix(sought.as_str());
            if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
                return Ok(false);
            }
        }
        if let Some(actor) = &query.actor
            && found.said()?.actor.id != *actor
        {
            return Ok(false);
        }
        if query.resource.is_none() && query.agent.is_none() {
            return Ok(true);
        }
        let about = "SELECT 1 FROM actions WHERE id = ?1 AND (?2 IS NULL OR resource = ?2) AND (?3 IS NULL OR agent = ?3)";
        let values = params![found.case()?, query.resource, query.agent];
        Ok(self.conn.prepare_cached(about)?.exists(values)?)
    }
}

#[cfg(test)]
mod tests;
