//! What happened? Pages of actions by filter, and one action's story entry by entry.

use std::collections::BTreeMap;

use countersign_core::{ActionId, ActionRecord, Page, Query, TimelineEntry, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::{Store, StoreError, actions, entries};

impl Store {
    /// A page of actions, newest first, without their payloads and results.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn records(&self, query: Query) -> Result<Page<ActionRecord>, StoreError> {
        self.catch_up().await;
        self.read_long(move |conn| page(conn, &query)).await
    }

    /// One action's entries in order, with the content that stands beside them.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn timeline(&self, action: ActionId) -> Result<Vec<TimelineEntry>, StoreError> {
        self.catch_up().await;
        self.read_long(move |conn| story(conn, &action.to_string())).await
    }
}

fn page(conn: &Connection, query: &Query) -> Result<Page<ActionRecord>, StoreError> {
    let limit = query.limit.clamp(1, Query::LIMIT_MAX);
    let (filter, mut values) = filter(query);
    let sql = format!(
        "SELECT {} FROM {} WHERE {filter} ORDER BY a.seq DESC LIMIT ?",
        actions::columns(true),
        actions::FROM,
    );
    values.push(Value::Integer(i64::from(limit) + 1));
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows =
        statement.query_map(params_from_iter(values), actions::raw)?.collect::<Result<Vec<_>, _>>()?;
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    let next = rows.last().map(|row| row.seq).filter(|_| more);
    let items = rows.into_iter().map(actions::Raw::into_listed).collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

/// The condition and its values. Only text of this file goes into the SQL; what a person typed is a value.
fn filter(query: &Query) -> (String, Vec<Value>) {
    let mut conditions = vec!["1".to_owned()];
    let mut values = Vec::new();
    let mut text = |condition: &'static str, value: Option<&String>| {
        if let Some(value) = value {
            conditions.push(condition.to_owned());
            values.push(Value::Text(value.clone()));
        }
    };
    text("a.decision = ?", query.decision.as_ref());
    text("a.resource = ?", query.resource.as_ref());
    text("a.agent = ?", query.agent.as_ref());
    text("a.operation = ?", query.operation.as_ref());
    if let Some(verb) = query.verb {
        conditions.push("instr(a.verbs, ?) > 0".to_owned());
        values.push(Value::Text(format!(" {verb} ")));
    }
    if let Some(sought) = &query.text {
        conditions.push(format!(
            "(instr(lower(CAST({} AS TEXT)), ?) > 0 OR instr(lower(CAST({} AS TEXT)), ?) > 0)",
            actions::OPENED_BODY,
            actions::OPENED_PAYLOAD
        ));
        let sought = Value::Text(sought.to_lowercase());
        values.extend([sought.clone(), sought]);
    }
    let mut number = |condition: &'static str, value: Option<i64>| {
        if let Some(value) = value {
            conditions.push(condition.to_owned());
            values.push(Value::Integer(value));
        }
    };
    number("a.received_at >= ?", query.from.map(Timestamp::as_micros));
    number("a.received_at < ?", query.until.map(Timestamp::as_micros));
    number("a.seq < ?", query.cursor.map(|cursor| i64::try_from(cursor).unwrap_or(i64::MAX)));
    let mut sql = conditions.join(" AND ");
    if !query.states.is_empty() {
        let marks = vec!["?"; query.states.len()].join(", ");
        sql.push_str(&format!(" AND r.state IN ({marks})"));
        values.extend(query.states.iter().map(|state| Value::Text(state.word().to_owned())));
    }
    (sql, values)
}

fn story(conn: &Connection, case: &str) -> Result<Vec<TimelineEntry>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT idx, kind, time, leaf FROM entries WHERE case_id = ?1 ORDER BY idx")?;
    let rows = statement.query_map([case], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, i64>(2)?,
            row.get::<_, Vec<u8>>(3)?,
        ))
    })?;
    rows.map(|row| {
        let (index, kind, time, leaf) = row?;
        Ok(TimelineEntry {
            index: u64::try_from(index).unwrap_or(0),
            kind,
            time: Timestamp::from_micros(time),
            leaf: String::from_utf8_lossy(&leaf).into_owned(),
            content: contents(conn, index)?,
        })
    })
    .collect()
}

/// By name, without the salts and without what has been erased.
fn contents(conn: &Connection, index: i64) -> Result<BTreeMap<String, String>, StoreError> {
    let beside = entries::beside(conn, index)?;
    Ok(beside.into_iter().filter_map(|(name, (_salt, value))| Some((name, value?))).collect())
}
