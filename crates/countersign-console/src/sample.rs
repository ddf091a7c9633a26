//! Which rows and cells of a sample are drawn, and which of them change? The same for the page and the terminal.

use std::collections::BTreeSet;

use countersign_core::{Sample, SampleRow};

use crate::cut::Cut;

/// More rows than this are counted instead of drawn.
const ROWS_DRAWN: usize = 20;
/// More columns than this are counted instead of drawn; those that change come first.
const COLUMNS_DRAWN: usize = 20;
/// Of a longer value only a part is drawn.
const VALUE_CHARS: usize = 120;

/// A sample as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleView<'a> {
    /// The names of the columns that are drawn; `None` for values beyond the names that were given.
    pub columns: Vec<Option<&'a str>>,
    /// The rows that are drawn.
    pub rows: Vec<Row<'a>>,
    /// How many rows the sample has beside those.
    pub hidden_rows: usize,
    /// How many columns it has beside those that are drawn.
    pub hidden_columns: usize,
    /// How many of the columns beside would change.
    pub hidden_changes: usize,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// What would become of it.
    pub fate: Fate,
    /// One cell for each column that is drawn.
    pub cells: Vec<Cell<'a>>,
}

/// What would become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It would no longer be there.
    Gone,
    /// At least one value would be another.
    Changed,
    /// No difference can be seen; masked values may differ nevertheless.
    Same,
}

impl Fate {
    /// The word shown.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Changed => "changed",
            Self::Same => "no change seen",
        }
    }
}

/// One value of a row, and what it would become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell<'a> {
    /// As it is.
    pub now: Value<'a>,
    /// As it would be, when that is another value.
    pub then: Option<Value<'a>>,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// SQL's NULL.
    Null,
    /// The sample has no value for this column.
    Missing,
    /// A text, or a part of it.
    Text(Cut<'a>),
}

impl<'a> SampleView<'a> {
    /// What is drawn of a sample.
    pub fn of(sample: &'a Sample) -> Self {
        let width = sample.rows.iter().map(width).chain([sample.columns.len()]).max().unwrap_or(0);
        let changing: BTreeSet<usize> =
            (0..width).filter(|at| sample.rows.iter().any(|row| changes(row, *at))).collect();
        let others = (0..width).filter(|at| !changing.contains(at));
        let drawn: BTreeSet<usize> = changing.iter().copied().chain(others).take(COLUMNS_DRAWN).collect();
        Self {
            columns: drawn.iter().map(|at| sample.columns.get(*at).map(String::as_str)).collect(),
            rows: sample.rows.iter().take(ROWS_DRAWN).map(|row| row_of(row, &drawn)).collect(),
            hidden_rows: sample.rows.len().saturating_sub(ROWS_DRAWN),
            hidden_columns: width.saturating_sub(drawn.len()),
            hidden_changes: changing.difference(&drawn).count(),
        }
    }
}

/// A row with more values than there are columns still shows them all.
fn width(row: &SampleRow) -> usize {
    row.before.len().max(row.after.as_ref().map_or(0, Vec::len))
}

fn changes(row: &SampleRow, at: usize) -> bool {
    row.after.as_ref().is_some_and(|after| row.before.get(at) != after.get(at))
}

fn row_of<'a>(row: &'a SampleRow, drawn: &BTreeSet<usize>) -> Row<'a> {
    let fate = match &row.after {
        None => Fate::Gone,
        Some(after) if *after == row.before => Fate::Same,
        Some(_) => Fate::Changed,
    };
    Row { fate, cells: drawn.iter().map(|at| cell_of(row, *at)).collect() }
}

fn cell_of(row: &SampleRow, at: usize) -> Cell<'_> {
    let before = row.before.get(at);
    let after = row.after.as_ref().map(|after| after.get(at)).filter(|after| *after != before);
    match (before, after) {
        (Some(Some(before)), Some(Some(Some(after)))) => {
            let (now, then) = Cut::pair(before, after, VALUE_CHARS);
            Cell { now: Value::Text(now), then: Some(Value::Text(then)) }
        }
        _ => Cell { now: value_of(before), then: after.map(value_of) },
    }
}

fn value_of(value: Option<&Option<String>>) -> Value<'_> {
    match value {
        None => Value::Missing,
        Some(None) => Value::Null,
        Some(Some(text)) => Value::Text(Cut::head(text, VALUE_CHARS)),
    }
}

#[cfg(test)]
mod tests;
