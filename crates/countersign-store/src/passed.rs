//! Which actions passed unasked? Read back out of their batches, newest first, and never more of them at a time than a
//! person would wait for.
//!
//! Batches are looked through in the order of their last lines. Each search looks at so much, says how far it came, and
//! goes on from there when asked. An outcome is looked for on the way, and in the next newer batches; one that came
//! much later is not found here.

use std::collections::HashMap;
use std::rc::Rc;

use countersign_core::{ActionId, Digest, Outcome, PassedPage, PassedRecord, Query, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Deserialize;

use crate::batches::{By, Line, SPAN_MAX, What};
use crate::{Store, StoreError};

/// So many actions, and so many bytes of batches, are looked at for one page.
const LOOKED_AT_MAX: u64 = 50_000;
const BYTES_MAX: usize = 32 << 20;
/// Outcomes that are not there yet are looked for in so many newer batches, and so many bytes of them.
const AHEAD_BATCHES: i64 = 64;
const AHEAD_BYTES_MAX: usize = 16 << 20;
/// From one time back to another.
const PAGE: &str = "SELECT seq, entry, last_at, body FROM batches
    WHERE last_at >= ?1 AND last_at <= ?2 AND first_at < ?3 AND (last_at < ?4 OR seq <= ?5)
    ORDER BY last_at DESC, seq DESC";
/// The cursor counts lines within batches: sequence times this plus the line.
const LINES_MAX: u64 = 1 << 24;

impl Store {
    /// A page of passed actions, newest first. It ends when it is full or when enough was looked at.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn passed_records(&self, query: Query) -> Result<PassedPage, StoreError> {
        self.catch_up().await;
        self.read_long(move |conn| Search::new(conn, &query).page()).await
    }

    /// One passed action.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn passed_record(&self, id: ActionId) -> Result<Option<PassedRecord>, StoreError> {
        self.catch_up().await;
        self.read_long(move |conn| one(conn, id)).await
    }
}

/// One row of the table.
struct Batch {
    seq: u64,
    entry: u64,
    last: i64,
    body: Vec<u8>,
}

impl Batch {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let number = |at| row.get::<_, i64>(at).map(|number| u64::try_from(number).unwrap_or(0));
        Ok(Self { seq: number(0)?, entry: number(1)?, last: row.get(2)?, body: row.get(3)? })
    }

    fn lines(&self) -> Vec<&[u8]> {
        self.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
    }

    fn corrupt(&self) -> StoreError {
        StoreError::Corrupt { what: "batch", id: self.seq.to_string() }
    }
}

/// One search for one page.
struct Search<'a> {
    query: &'a Query,
    limit: usize,
    conn: &'a Connection,
    reader: Reader<'a>,
    page: PassedPage,
    /// The newest batch that was looked at.
    newest: Option<(i64, u64)>,
}

impl<'a> Search<'a> {
    fn new(conn: &'a Connection, query: &'a Query) -> Self {
        let reader = Reader {
            conn,
            query,
            text: query.text.as_ref().map(|text| text.to_lowercase()),
            json_text: query.text.as_deref().map(|text| in_json(text).to_lowercase()),
            bys: HashMap::new(),
            whats: HashMap::new(),
            outcomes: HashMap::new(),
        };
        Self {
            query,
            limit: usize::from(query.limit.clamp(1, Query::LIMIT_MAX)),
            conn,
            reader,
            page: PassedPage { items: Vec::new(), next: None, looked_at: 0, looked_back_to: None },
            newest: None,
        }
    }

    fn page(mut self) -> Result<PassedPage, StoreError> {
        let conn = self.conn;
        let (last, seq, line) = self.position()?;
        let until = self.query.until.map_or(i64::MAX, Timestamp::as_micros);
        let from = self.query.from.map_or(i64::MIN, Timestamp::as_micros);
        let newest = until.saturating_add(span()).min(last);
        let mut statement = conn.prepare_cached(PAGE)?;
        let mut rows = statement.query(params![from, newest, until, last, seq])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let batch = Batch::of(row)?;
            self.newest.get_or_insert((batch.last, batch.seq));
            let below = if i64::try_from(batch.seq).is_ok_and(|it| it == seq) { line } else { LINES_MAX };
            if self.look_through(&batch, below)? {
                break;
            }
            bytes += batch.body.len();
            if self.page.looked_at >= LOOKED_AT_MAX || bytes >= BYTES_MAX {
                // None of this batch's lines are below the first.
                self.page.next = Some(batch.seq.saturating_mul(LINES_MAX));
                self.page.looked_back_to = Some(Timestamp::from_micros(batch.last));
                break;
            }
        }
        drop(rows);
        self.find_outcomes()?;
        Ok(self.page)
    }

    /// Where to go on: the batch's last time, its sequence, and the line below which to look.
    fn position(&self) -> Result<(i64, i64, u64), StoreError> {
        let Some(cursor) = self.query.cursor else { return Ok((i64::MAX, i64::MAX, LINES_MAX)) };
        let seq = i64::try_from(cursor / LINES_MAX).unwrap_or(i64::MAX);
        let last = self
            .conn
            .prepare_cached("SELECT last_at FROM batches WHERE seq = ?1")?
            .query_row([seq], |row| row.get(0))
            .optional()?;
        // A cursor that was never given leads nowhere.
        Ok((last.unwrap_or(i64::MIN), seq, cursor % LINES_MAX))
    }

    /// Takes what is wanted of a batch, its last lines first; true once the page is full.
    fn look_through(&mut self, batch: &Batch, below: u64) -> Result<bool, StoreError> {
        for (at, line) in batch.lines().into_iter().enumerate().rev() {
            let at = u64::try_from(at).unwrap_or(LINES_MAX);
            let Some(line) = self.reader.action(line).ok_or_else(|| batch.corrupt())? else { continue };
            if at >= below {
                continue;
            }
            self.page.looked_at += 1;
            let Some(record) = self.reader.wanted(&line, batch.entry).ok_or_else(|| batch.corrupt())? else {
                continue;
            };
            if self.page.items.len() == self.limit {
                self.page.next =
                    Some(batch.seq.saturating_mul(LINES_MAX).saturating_add(at).saturating_add(1));
                return Ok(true);
            }
            self.page.items.push(record);
        }
        Ok(false)
    }

    /// Outcomes come after their actions: those that are missing may stand in newer batches than the page has seen.
    fn find_outcomes(&mut self) -> Result<(), StoreError> {
        let Some((last, seq)) = self.newest else { return Ok(()) };
        let mut missing: Vec<&mut PassedRecord> =
            self.page.items.iter_mut().filter(|record| record.outcome.is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut statement = self.conn.prepare_cached(
            "SELECT seq, entry, last_at, body FROM batches WHERE last_at >= ?1 AND (last_at > ?1 OR seq > ?2)
             ORDER BY last_at, seq LIMIT ?3",
        )?;
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![last, seq, AHEAD_BATCHES])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()?.filter(|_| bytes < AHEAD_BYTES_MAX) {
            let batch = Batch::of(row)?;
            for line in batch.lines() {
                self.reader.action(line).ok_or_else(|| batch.corrupt())?;
            }
            bytes += batch.body.len();
            missing.retain_mut(|record| {
                record.outcome = self.reader.outcomes.remove(&record.id);
                record.outcome.is_none()
            });
            if missing.is_empty() {
                break;
            }
        }
        Ok(())
    }
}

/// An id tells when it was made, and so in which batches to look.
fn one(conn: &Connection, id: ActionId) -> Result<Option<PassedRecord>, StoreError> {
    let from = id.minted_at();
    let query = Query::default();
    let mut search = Search::new(conn, &query);
    let (from, until) = (from.as_micros(), from.as_micros().saturating_add(1000));
    let mut statement = conn.prepare_cached(
        "SELECT seq, entry, last_at, body FROM batches WHERE last_at >= ?1 AND last_at <= ?2 AND first_at < ?3",
    )?;
    let mut rows = statement.query(params![from, until.saturating_add(span()), until])?;
    while let Some(row) = rows.next()? {
        let batch = Batch::of(row)?;
        for line in batch.lines().into_iter().rev() {
            let line = search.reader.action(line).ok_or_else(|| batch.corrupt())?;
            let Some(line) = line.filter(|line| line.id == Some(id)) else { continue };
            search
                .page
                .items
                .extend(search.reader.wanted(&line, batch.entry).ok_or_else(|| batch.corrupt())?);
            search.newest = Some((batch.last, batch.seq));
            search.find_outcomes()?;
            return Ok(search.page.items.pop());
        }
    }
    Ok(None)
}

fn span() -> i64 {
    i64::try_from(SPAN_MAX.as_micros()).unwrap_or(i64::MAX)
}

/// A heading, and whether the query wants what stands under it.
struct Known<T> {
    heading: T,
    wanted: bool,
    /// Whether it holds the text that is looked for.
    has_text: bool,
}

struct Reader<'a> {
    conn: &'a Connection,
    query: &'a Query,
    /// The text that is looked for, in lower case; and as it stands in a payload, which is JSON.
    text: Option<String>,
    json_text: Option<String>,
    bys: HashMap<Digest, Rc<Known<By>>>,
    whats: HashMap<Digest, Rc<Known<What>>>,
    /// Those of actions that were not seen yet: going backwards, an outcome comes first.
    outcomes: HashMap<ActionId, Outcome>,
}

impl Reader<'_> {
    /// The line of an action; `Some(None)` for an outcome, which is kept.
    #[expect(clippy::option_option, reason = "not readable, and not an action, are two things")]
    fn action<'line>(&mut self, line: &'line [u8]) -> Option<Option<Line<'line>>> {
        let mut line: Line<'_> = serde_json::from_slice(line).ok()?;
        if let (Some(of), Some(outcome)) = (line.of, line.outcome.take()) {
            self.outcomes.entry(of).or_insert(outcome);
            return Some(None);
        }
        Some(Some(line))
    }

    /// The record of a line; `Some(None)` when the query doesn't want it.
    #[expect(clippy::option_option, reason = "not readable, and not wanted, are two things")]
    fn wanted(&mut self, line: &Line<'_>, entry: u64) -> Option<Option<PassedRecord>> {
        let (id, at, payload) = (line.id?, Timestamp::from_micros(line.at?), line.payload?.get());
        let outcome = self.outcomes.remove(&id);
        let (by, what) = (self.by(line.by?)?, self.what(line.what?)?);
        let in_time =
            self.query.from.is_none_or(|from| at >= from) && self.query.until.is_none_or(|until| at < until);
        let has_text = by.has_text || what.has_text || contains(payload, self.json_text.as_deref());
        if !(by.wanted && what.wanted && in_time && has_text) {
            return Some(None);
        }
        let (by, what) = (&by.heading, &what.heading);
        Some(Some(PassedRecord {
            id,
            at,
            entry,
            principal: by.principal.clone(),
            resource: by.resource.clone(),
            policy: by.policy,
            policies: by.policies.clone(),
            operation: what.operation.clone(),
            effects: what.effects.clone(),
            facts: by.facts.clone(),
            payload: payload.to_owned(),
            outcome,
        }))
    }

    fn by(&mut self, digest: Digest) -> Option<Rc<Known<By>>> {
        if let Some(known) = self.bys.get(&digest) {
            return Some(known.clone());
        }
        let heading: By = heading(self.conn, digest)?;
        let query = self.query;
        let wanted = is(&query.resource, &heading.resource.name) && is(&query.agent, &heading.principal.name);
        let known = Rc::new(Known { heading, wanted, has_text: query.text.is_none() });
        self.bys.insert(digest, known.clone());
        Some(known)
    }

    fn what(&mut self, digest: Digest) -> Option<Rc<Known<What>>> {
        if let Some(known) = self.whats.get(&digest) {
            return Some(known.clone());
        }
        let heading: What = heading(self.conn, digest)?;
        let query = self.query;
        let verb = query.verb.is_none_or(|verb| heading.effects.iter().any(|effect| effect.verb == verb));
        let text = self.text.as_deref();
        let has_text = contains(&heading.operation, text)
            || heading.effects.iter().any(|effect| contains(&effect.object, text));
        let wanted = verb && is(&query.operation, &heading.operation);
        let known = Rc::new(Known { heading, wanted, has_text });
        self.whats.insert(digest, known.clone());
        Some(known)
    }
}

fn heading<T: for<'de> Deserialize<'de>>(conn: &Connection, digest: Digest) -> Option<T> {
    let body: Option<String> = conn
        .prepare_cached("SELECT body FROM headings WHERE digest = ?1")
        .and_then(|mut statement| statement.query_row([digest.as_bytes()], |row| row.get(0)).optional())
        .ok()?;
    serde_json::from_str(&body?).ok()
}

fn is(wanted: &Option<String>, it: &str) -> bool {
    wanted.as_ref().is_none_or(|wanted| wanted == it)
}

/// A text as it stands between the quotation marks of JSON.
fn in_json(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(&json).to_owned()
}

/// Whether `text` holds what is looked for, in any letter case. `wanted` is in lower case.
fn contains(text: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| text.to_lowercase().contains(wanted))
}

#[cfg(test)]
mod tests;
