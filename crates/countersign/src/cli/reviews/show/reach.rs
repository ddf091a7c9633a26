//! What would it touch, on a terminal? The number, what follows elsewhere, what to know, and some of the rows.

use countersign_console::{Cut, Fate, SampleView, Value, counted, rows_text, scope_text};
use countersign_core::{Preview, Rows, Sample};

use super::sheet::Sheet;

/// Longer notes and names are shown in part.
const TEXT_CHARS: usize = 1000;
/// More than these are counted.
const LISTED: usize = 50;

/// The preview of the action, when it has one.
pub(super) fn reach(sheet: &mut Sheet, action: &serde_json::Value) {
    let Some(preview) = action.get("preview") else { return };
    match serde_json::from_value::<Preview>(preview.clone()) {
        Ok(preview) => draw(sheet, &preview),
        Err(_) => {
            sheet.row("would touch", "this version can't read what the gateway says about it; see --json");
        }
    }
}

fn draw(sheet: &mut Sheet, preview: &Preview) {
    sheet.row("would touch", &rows_text(preview.rows));
    let mut name = "elsewhere";
    for cascade in preview.cascades.iter().take(LISTED) {
        let (what, object) = (part(&cascade.what), part(&cascade.object));
        sheet.row(name, &format!("{} ({what} in {object})", rows_text(cascade.rows)));
        name = "";
    }
    more(sheet, preview.cascades.len(), "other place");
    for note in preview.notes.iter().take(LISTED) {
        sheet.row("note", &part(note));
    }
    more(sheet, preview.notes.len(), "note");
    if let Some(some) = &preview.sample {
        sample(sheet, some, preview.rows);
    }
}

fn more(sheet: &mut Sheet, all: usize, thing: &str) {
    let hidden = all.saturating_sub(LISTED);
    if hidden > 0 {
        sheet.row("", &left_out(hidden, thing));
    }
}

fn left_out(hidden: usize, thing: &str) -> String {
    let hidden = u64::try_from(hidden).unwrap_or(u64::MAX);
    format!("{} not shown; see --json", counted(hidden, &format!("more {thing}")))
}

fn sample(sheet: &mut Sheet, sample: &Sample, rows: Rows) {
    let view = SampleView::of(sample);
    sheet.row("rows shown", &scope_text(view.rows.len(), rows));
    for (at, row) in view.rows.iter().enumerate() {
        sheet.row("", &format!("row {}: {}", at.saturating_add(1), row.fate.word()));
        for (column, cell) in view.columns.iter().zip(&row.cells) {
            let name = column.map_or_else(|| "(no name)".to_owned(), part);
            let sign = match (row.fate, cell.then) {
                (Fate::Gone, _) => "-",
                (_, Some(_)) => "*",
                (_, None) => " ",
            };
            sheet.cell(sign, &name, &value(&cell.now));
            if let Some(then) = &cell.then {
                sheet.cell("→", "becomes", &value(then));
            }
        }
    }
    for (hidden, thing) in [(view.hidden_rows, "sample row"), (view.hidden_columns, "column")] {
        if hidden > 0 {
            sheet.row("", &left_out(hidden, thing));
        }
    }
    if view.hidden_changes > 0 {
        sheet.row("", &format!("{} of the columns that are not shown would change", view.hidden_changes));
    }
}

/// A text is in quotation marks, NULL is not.
fn value(value: &Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Missing => "(not given)".to_owned(),
        Value::Text(cut) => quoted(cut),
    }
}

/// A text or a part of it, and how much that is.
pub(super) fn quoted(cut: &Cut<'_>) -> String {
    let note = cut.note().map(|note| format!(" ({note})")).unwrap_or_default();
    format!("“{}”{note}", cut.text)
}

/// A text without quotation marks, or a part of it.
pub(super) fn part(text: &str) -> String {
    let cut = Cut::head(text, TEXT_CHARS);
    let note = cut.note().map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{}{note}", cut.text)
}
