//! What is drawn, and that nothing goes missing without being counted.

use countersign_core::{Sample, SampleRow};

use super::{COLUMNS_DRAWN, Cell, Fate, ROWS_DRAWN, SampleView, Value};
use crate::cut::Cut;

fn some(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| Some((*value).to_owned())).collect()
}

fn text(text: &str) -> Value<'_> {
    Value::Text(Cut::head(text, 1000))
}

#[test]
fn null_text_and_absent_values_are_three_things() {
    let row =
        SampleRow { before: vec![None, Some("NULL".to_owned())], after: Some(some(&["", "NULL", "x"])) };
    let sample = Sample { columns: vec!["a".to_owned(), "b".to_owned()], rows: vec![row] };
    let view = SampleView::of(&sample);
    assert_eq!(view.columns, [Some("a"), Some("b"), None]);
    let [row] = view.rows.as_slice() else { panic!("{view:?}") };
    assert_eq!(row.fate, Fate::Changed);
    assert_eq!(
        row.cells,
        [
            Cell { now: Value::Null, then: Some(text("")) },
            Cell { now: text("NULL"), then: None },
            Cell { now: Value::Missing, then: Some(text("x")) },
        ]
    );
}

#[test]
fn a_row_is_gone_changed_or_without_a_difference_that_can_be_seen() {
    let row = |after| SampleRow { before: some(&["1"]), after };
    let rows = vec![row(None), row(Some(some(&["2"]))), row(Some(some(&["1"])))];
    let sample = Sample { columns: vec!["id".to_owned()], rows };
    let fates: Vec<Fate> = SampleView::of(&sample).rows.iter().map(|row| row.fate).collect();
    assert_eq!(fates, [Fate::Gone, Fate::Changed, Fate::Same]);
}

#[test]
fn a_change_in_a_far_column_is_drawn_before_columns_that_stay() {
    let before: Vec<Option<String>> = (0..100).map(|at| Some(at.to_string())).collect();
    let mut after = before.clone();
    *after.last_mut().unwrap() = None;
    let columns = (0..100).map(|at| format!("c{at}")).collect();
    let sample = Sample { columns, rows: vec![SampleRow { before, after: Some(after) }] };
    let view = SampleView::of(&sample);
    assert_eq!(view.columns.first().unwrap(), &Some("c0"));
    assert_eq!(view.columns.last().unwrap(), &Some("c99"));
    assert_eq!((view.columns.len(), view.hidden_columns), (COLUMNS_DRAWN, 100 - COLUMNS_DRAWN));
    assert_eq!(view.hidden_changes, 0);
    assert_eq!(view.rows[0].cells.last().unwrap().then, Some(Value::Null));
}

#[test]
fn rows_and_changing_columns_beyond_the_limits_are_counted() {
    let row = SampleRow { before: some(&["a"; 30]), after: Some(some(&["b"; 30])) };
    let sample = Sample { columns: Vec::new(), rows: vec![row; ROWS_DRAWN + 7] };
    let view = SampleView::of(&sample);
    assert_eq!((view.rows.len(), view.hidden_rows), (ROWS_DRAWN, 7));
    assert_eq!((view.hidden_columns, view.hidden_changes), (30 - COLUMNS_DRAWN, 30 - COLUMNS_DRAWN));
}
