//! Which SQL would run, on a terminal? Each statement whole, in a block, with its parameters beneath.

use countersign_console::{Cut, Parameter, Sql, Statement, Statements, counted};

use super::reach::{part, quoted};
use super::sheet::Sheet;

/// More than these are counted; the payload below has them all.
const PARAMETERS_LISTED: usize = 500;
/// Of longer parameters a part is shown; the payload below has them whole.
const PARAMETER_CHARS: usize = 500;

/// The statements of a database message; nothing for other messages.
pub(super) fn statements(sheet: &mut Sheet, protocol: &str, payload: &str) {
    let Some(statements) = Statements::of(protocol, payload.as_bytes()) else { return };
    let all = statements.list.len();
    for (at, statement) in statements.list.iter().enumerate() {
        let place = if all == 1 { String::new() } else { format!("{} of {all}", at.saturating_add(1)) };
        sheet.row("statement", &place);
        one(sheet, statement);
    }
    others(sheet, &statements.other);
}

fn one(sheet: &mut Sheet, statement: &Statement) {
    match &statement.sql {
        Sql::Text(text) => sheet.block(text),
        Sql::Prepared(name) => {
            sheet.row("", &format!("what was prepared as “{name}”; its text is not known here"));
        }
    }
    for (at, parameter) in statement.parameters.iter().take(PARAMETERS_LISTED).enumerate() {
        sheet.row(&format!("${}", at.saturating_add(1)), &value(parameter));
    }
    let hidden = statement.parameters.len().saturating_sub(PARAMETERS_LISTED);
    if hidden > 0 {
        let hidden = u64::try_from(hidden).unwrap_or(u64::MAX);
        sheet.row("", &format!("{}, in the payload below", counted(hidden, "more parameter")));
    }
    others(sheet, &statement.other);
}

fn value(parameter: &Parameter) -> String {
    match parameter {
        Parameter::Null => "NULL".to_owned(),
        Parameter::Text(text) => quoted(&Cut::head(text, PARAMETER_CHARS)),
        Parameter::Binary(hex) => format!("binary: {}", part(hex)),
        Parameter::Json(json) => format!("JSON: {}", part(json)),
    }
}

fn others(sheet: &mut Sheet, others: &[(String, String)]) {
    for (name, json) in others {
        sheet.row("with", &format!("{} = {}", part(name), part(json)));
    }
}
