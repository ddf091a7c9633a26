//! What would a statement touch? Asked on a connection of the gateway's own, in a transaction that can only read, with
//! a role that need not be allowed more, before people are asked about the statement.
//!
//! What can't be had within the time is said to be unknown; a preview never keeps people from being asked.

mod values;

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Cascade, Preview, Rows, Sample, SampleRow};
use countersign_sql::preview::{CascadeAction, Preview as Queries, preview as queries_for};

use crate::codec::Format;
use crate::codec::front::{self, BindValues, Execute, Target};
use crate::control::{Answer, AskError, ask, converse};
use crate::login::upstream::{Upstream, connect};
use crate::names::{Param, Portal, Prepared};
use crate::reading::Facts;
use crate::served::Served;
use values::{Disguise, ONLY_AFTER};

/// All of a preview has to be there by then.
const PREVIEW_WITHIN: Duration = Duration::from_secs(6);
/// Rows that people are shown.
const SAMPLE_ROWS: u32 = 5;
/// One answer. Bytes.
const ANSWER_MAX: usize = 4 << 20;
/// The read-only transaction, and how long one question may take in it.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '3s'; \
     SET LOCAL lock_timeout = '500ms'; SET LOCAL idle_in_transaction_session_timeout = '10s'";

/// What to look at.
pub(crate) struct Wanted {
    pub(crate) portal: Arc<Portal>,
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) facts: Facts,
    /// The statement comes inside of a transaction whose changes nobody else can see.
    pub(crate) in_transaction: bool,
}

/// What the statement would touch; `None` when it is no statement that changes rows.
pub(crate) async fn preview(served: &Served, wanted: Wanted) -> Option<Preview> {
    let reading = &wanted.prepared.reading;
    // Spans belong to the text that was classified, which may be another one of the same kind.
    let classified = countersign_sql::classify(&reading.text, &wanted.facts.catalog, &wanted.facts.meaning);
    let [statement] = classified.statements.as_slice() else { return None };
    let (catalog, meaning) = (&wanted.facts.catalog, &wanted.facts.meaning);
    let queries = queries_for(&reading.text, statement, catalog, meaning, SAMPLE_ROWS)?;
    let deadline = served.clock().sleep_until(served.now().plus(PREVIEW_WITHIN));
    let found = tokio::select! {
        found = look(served, &wanted, &queries) => found,
        () = deadline => Err(AskError::Senseless("it took too long".to_owned())),
    };
    let mut preview = found.unwrap_or_else(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "a statement could not be previewed");
        let notes = vec!["What it would touch could not be found out.".to_owned()];
        Preview { rows: Rows::Unknown, cascades: Vec::new(), sample: None, notes }
    });
    if wanted.in_transaction {
        preview.notes.push(
            "Counted outside of the open transaction, whose own changes nobody else can see yet.".to_owned(),
        );
    }
    Some(preview)
}

/// Of a change in a transaction that has changed what there is.
pub(crate) fn unseen() -> Preview {
    let note = "Not counted: the open transaction may have changed what its names mean, which nobody else can see yet.";
    Preview { rows: Rows::Unknown, cascades: Vec::new(), sample: None, notes: vec![note.to_owned()] }
}

async fn look(served: &Served, wanted: &Wanted, queries: &Queries) -> Result<Preview, AskError> {
    let clock = served.clock();
    let deadline = clock.sleep_until(clock.now().plus(PREVIEW_WITHIN));
    let address = served.config().preview.as_ref().unwrap_or(&served.config().upstream);
    let mut upstream = connect(address, &[], deadline).await.map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "no connection for previews");
        AskError::Senseless("no connection".to_owned())
    })?;
    ask(&mut upstream.wire, BEGIN, ANSWER_MAX).await?;
    ask(&mut upstream.wire, &search_path(&wanted.facts), ANSWER_MAX).await?;
    let mut asker = Asker { upstream, wanted, types: None };
    let preview = asker.all(queries).await;
    drop(ask(&mut asker.upstream.wire, "ROLLBACK", ANSWER_MAX).await);
    preview
}

/// Names mean what they mean in the session. Every schema is quoted.
fn search_path(facts: &Facts) -> String {
    let quoted =
        facts.meaning.search_path.iter().map(|schema| format!("\"{}\"", schema.replace('"', "\"\"")));
    let path: Vec<String> = quoted.collect();
    let path = if path.is_empty() { "''".to_owned() } else { path.join(", ") };
    format!("SET LOCAL search_path = {path}")
}

struct Asker<'a> {
    upstream: Upstream,
    wanted: &'a Wanted,
    /// The types of the statement's parameters, as the server understands it.
    types: Option<Vec<u32>>,
}

impl Asker<'_> {
    async fn all(&mut self, queries: &Queries) -> Result<Preview, AskError> {
        let mut notes = Vec::new();
        let mut rows = Rows::Unknown;
        if let Some(count) = &queries.count {
            match self.number(count).await? {
                Ok(number) => rows = Rows::Exact(number),
                Err(why) => notes.push(format!("No exact count: {why}.")),
            }
        }
        if let Some(reason) = &queries.reason_not_exact {
            notes.push(format!("No exact count: {reason}."));
        }
        if let (Rows::Unknown, Some(explain)) = (rows, &queries.explain)
            && let Ok(answer) = self.one(explain).await?
            && let Some(number) = answer.only_text().and_then(values::estimated_rows)
        {
            rows = Rows::Estimate(number);
        }
        let mut cascades = Vec::new();
        for cascade in &queries.cascades {
            let counted = self.number(&cascade.sql).await?;
            let rows = counted.map_or(Rows::Unknown, Rows::Exact);
            // What is not there need not be read.
            if rows != Rows::Exact(0) {
                cascades.push(Cascade { object: cascade.table.clone(), what: what(cascade.action), rows });
            }
        }
        let sample = match &queries.sample {
            Some(sample) => self.one(sample).await?.ok().and_then(|answer| shown(&answer)),
            None => None,
        };
        Ok(Preview { rows, cascades, sample, notes })
    }

    /// One number, or why the server would not tell.
    async fn number(&mut self, query: &str) -> Result<Result<u64, String>, AskError> {
        let answer = self.one(query).await?;
        Ok(answer.and_then(|answer| {
            let number = answer.only_text().and_then(|text| text.parse().ok());
            number.ok_or_else(|| "the server gave no number".to_owned())
        }))
    }

    /// One question within a savepoint, so that one that fails leaves the others. The inner error is the server's.
    async fn one(&mut self, query: &str) -> Result<Result<Answer, String>, AskError> {
        let wire = &mut self.upstream.wire;
        ask(wire, "SAVEPOINT one", ANSWER_MAX).await?;
        let answered = if self.wanted.portal.params.is_empty() {
            ask(wire, query, ANSWER_MAX).await
        } else {
            self.bound(query).await
        };
        let wire = &mut self.upstream.wire;
        ask(wire, "ROLLBACK TO one", ANSWER_MAX).await?;
        match answered {
            Ok(answer) => Ok(Ok(answer)),
            Err(AskError::Refused(why)) => Ok(Err(why)),
            Err(error) => Err(error),
        }
    }

    /// The question with the statement's own parameters, in the types that the server gives them in the statement: a
    /// rewritten question may leave one out, and the server can't guess the type of one that is not there.
    async fn bound(&mut self, query: &str) -> Result<Answer, AskError> {
        let types = match &self.types {
            Some(types) => types.clone(),
            None => {
                let types = self.describe().await?;
                self.types = Some(types.clone());
                types
            }
        };
        let formats: Vec<Format> = self.wanted.portal.params.iter().map(|(format, _)| *format).collect();
        let params: Vec<Option<&[u8]>> =
            self.wanted.portal.params.iter().map(|(_, value): &Param| value.as_deref()).collect();
        let mut messages = Vec::new();
        front::parse(&mut messages, "", query, &types)?;
        let values = BindValues { param_formats: &formats, params: &params, result_formats: &[] };
        front::bind(&mut messages, "", "", &values)?;
        front::describe(&mut messages, Target::Portal(""))?;
        front::execute(&mut messages, Execute { portal: "", max_rows: 0 })?;
        front::sync(&mut messages);
        converse(&mut self.upstream.wire, &messages, ANSWER_MAX).await
    }

    /// Understanding a statement runs nothing of it.
    async fn describe(&mut self) -> Result<Vec<u32>, AskError> {
        let prepared = &self.wanted.prepared;
        let mut messages = Vec::new();
        front::parse(&mut messages, "", &prepared.reading.text, &prepared.types)?;
        front::describe(&mut messages, Target::Statement(""))?;
        front::sync(&mut messages);
        Ok(converse(&mut self.upstream.wire, &messages, ANSWER_MAX).await?.parameter_types)
    }
}

fn what(action: CascadeAction) -> String {
    match action {
        CascadeAction::Delete => "delete",
        CascadeAction::SetNull => "set null",
        CascadeAction::SetDefault => "set default",
        CascadeAction::Update => "update",
        CascadeAction::Truncate => "empty",
    }
    .to_owned()
}

/// The rows as people see them: sensitive values masked, and what an UPDATE sets beside what is there.
fn shown(answer: &Answer) -> Option<Sample> {
    let mut disguise = Disguise::new()?;
    let is_after = |column: &&String| column.ends_with(ONLY_AFTER);
    let columns: Vec<String> = answer.columns.iter().filter(|column| !is_after(column)).cloned().collect();
    let changes = answer.columns.iter().any(|column| is_after(&column));
    let rows = answer.rows.iter().map(|row| {
        let cells: Vec<(&String, Option<String>)> = answer
            .columns
            .iter()
            .zip(row)
            .map(|(column, cell)| (column, disguise.cell(cell.as_deref())))
            .collect();
        let find =
            |name: &str| cells.iter().find(|(column, _)| *column == name).map(|(_, cell)| cell.clone());
        let before = columns.iter().map(|column| find(column).flatten()).collect();
        let after =
            |column: &String| find(&format!("{column}{ONLY_AFTER}")).or_else(|| find(column)).flatten();
        SampleRow { before, after: changes.then(|| columns.iter().map(after).collect()) }
    });
    let rows: Vec<SampleRow> = rows.collect();
    (!rows.is_empty()).then_some(Sample { columns, rows })
}
