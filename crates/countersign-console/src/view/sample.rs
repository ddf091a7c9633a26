//! How are rows drawn before and after? As a table in which a change is a sign, not only a colour.

use countersign_core::{Rows, Sample};
use maud::{Markup, html};

use super::reach::more;
use super::text::seen_cut;
use crate::cut::Cut;
use crate::reach::{counted, number_of, scope_text};
use crate::sample::{Cell, Fate, Row, SampleView, Value};

/// These stand open; the others are folded away, so that the statement below stays near.
const OPEN_ROWS: usize = 3;
const NAME_CHARS: usize = 80;

/// Some of the rows that the action would touch.
pub(super) fn sample(sample: &Sample, rows: Rows) -> Markup {
    let view = SampleView::of(sample);
    let (open, folded) = view.rows.split_at_checked(OPEN_ROWS).unwrap_or((&view.rows, &[]));
    html! {
        h3 { "Rows shown " span.scope { (scope_text(view.rows.len(), rows)) } }
        (table(&view.columns, open))
        @if !folded.is_empty() {
            details {
                summary { (counted(number_of(folded.len()), "more row")) }
                (table(&view.columns, folded))
            }
        }
        @if view.hidden_rows > 0 { (more(view.hidden_rows, "sample row")) }
        @if view.hidden_columns > 0 { (more(view.hidden_columns, "column")) }
        @if view.hidden_changes > 0 {
            p.alert role="note" { b { "Of these, " (counted(number_of(view.hidden_changes), "column")) " would change." } }
        }
    }
}

fn table(columns: &[Option<&str>], rows: &[Row<'_>]) -> Markup {
    html! {
        div.scroll.sample tabindex="0" role="region" aria-label="Rows shown" {
            table {
                thead { tr {
                    th scope="col" { "Row" }
                    @for column in columns { th scope="col" { (name(*column)) } }
                } }
                tbody { @for row in rows { (one(columns, row)) } }
            }
        }
    }
}

fn one(columns: &[Option<&str>], row: &Row<'_>) -> Markup {
    let sign = match row.fate {
        Fate::Gone => "✕",
        Fate::Changed => "→",
        Fate::Same => "=",
    };
    let class = match row.fate {
        Fate::Gone => "gone",
        Fate::Changed => "changes",
        Fate::Same => "same",
    };
    html! {
        tr class=(class) {
            th scope="row" { span.fate { span aria-hidden="true" { (sign) } " " (row.fate.word()) } }
            @for (column, cell) in columns.iter().zip(&row.cells) {
                // A phone has no room for a heading above; there the name stands in front of its value.
                td.changed[cell.then.is_some()] { span.column { (name(*column)) } div.values { (values(row.fate, cell)) } }
            }
        }
    }
}

fn values(fate: Fate, cell: &Cell<'_>) -> Markup {
    match (fate, &cell.then) {
        (Fate::Gone, _) => html! { del { (value(&cell.now)) } },
        (_, Some(then)) => html! {
            span.unseen { "was " } del { (value(&cell.now)) }
            span.becomes aria-hidden="true" { "→" } span.unseen { " becomes " }
            ins { (value(then)) }
        },
        (_, None) => value(&cell.now),
    }
}

/// NULL is a sign of its own, and a text that reads so is in quotation marks.
fn value(value: &Value<'_>) -> Markup {
    match value {
        Value::Null => html! { span.null { "NULL" } },
        Value::Missing => html! { span.null { "not given" } },
        Value::Text(cut) => text(cut),
    }
}

/// The same for a text.
pub(super) fn text(cut: &Cut<'_>) -> Markup {
    html! {
        @if cut.is_empty() { span.null { "empty text" } }
        @else if cut.text.trim().eq_ignore_ascii_case("null") { "“" (seen_cut(cut)) "” " span.null { "text" } }
        @else { (seen_cut(cut)) }
    }
}

fn name(column: Option<&str>) -> Markup {
    match column {
        Some(column) => seen_cut(&Cut::head(column, NAME_CHARS)),
        None => html! { span.null { "no name" } },
    }
}
