//! What was found, for people on standard error and for programs as one JSON object?

use countersign_console::visible_line;
use countersign_proxy_postgres::discover::{Sampling, Table, TableKind};
use serde_json::{Value, json};

use super::advice::Sensitive;
use super::files::Suggested;
use super::plan::Plan;

/// Tables and columns that are listed before the rest is only counted.
const LISTED: usize = 40;

/// The lines for people.
pub(super) fn lines(plan: &Plan, written: &[String]) -> Vec<String> {
    let database = &plan.database;
    let mut lines = vec![
        format!(
            "{}: PostgreSQL {}.{}, {} schema(s), {} table(s) and view(s)",
            plan.shown(),
            database.version / 10_000,
            database.version % 10_000,
            database.schemas.len(),
            database.tables.len()
        ),
        String::new(),
    ];
    lines.extend(database.tables.iter().take(LISTED).map(table));
    lines.extend(more(database.tables.len()));
    part(
        &mut lines,
        "looks personal or secret",
        "nothing, by names and by what was looked at",
        &columns(plan),
    );
    part(&mut lines, "careful", "nothing unusual", &plan.warnings);
    part(&mut lines, "next", "", &next(plan, written));
    lines
}

fn part(lines: &mut Vec<String>, title: &str, none: &str, items: &[String]) {
    lines.push(String::new());
    match items {
        [] => lines.push(format!("{title}: {none}")),
        items => {
            lines.push(format!("{title}:"));
            lines.extend(items.iter().map(|item| format!("  {item}")));
        }
    }
}

fn table(table: &Table) -> String {
    let name = visible_line(&format!("{}.{}", table.schema, table.name));
    let rows = match (table.kind, table.rows) {
        (TableKind::View, _) => "a view".to_owned(),
        (TableKind::Foreign, _) => "a table of another server".to_owned(),
        (_, Some(rows)) => format!("about {rows} rows"),
        (_, None) => "rows not counted yet".to_owned(),
    };
    let looked = match table.sampling {
        Sampling::Looked(rows) => format!(", {rows} looked at"),
        Sampling::Refused => ", not readable".to_owned(),
        Sampling::Skipped | Sampling::NotReached => String::new(),
    };
    format!("  {name:<40} {:>3} columns, {rows}{looked}", table.columns.len()).trim_end().to_owned()
}

fn columns(plan: &Plan) -> Vec<String> {
    let line = |column: &Sensitive| {
        let reasons = visible_line(&column.reasons.join("; "));
        format!("{:<40} {}: {reasons}", column.shown(), column.verdict.word())
    };
    let mut lines: Vec<String> = plan.columns.iter().take(LISTED).map(line).collect();
    lines.extend(more(plan.columns.len()).map(|line| line.trim_start().to_owned()));
    lines
}

fn more(count: usize) -> Option<String> {
    count.checked_sub(LISTED).filter(|more| *more > 0).map(|more| format!("  … and {more} more"))
}

/// What to do now, in order.
fn next(plan: &Plan, written: &[String]) -> Vec<String> {
    let (role, preview) = (plan.role(), plan.preview_role());
    let first = if written.is_empty() {
        "keep the three files: run it again with `--out FOLDER`, or copy them from above".to_owned()
    } else {
        format!("read what was written: {}", written.join(", "))
    };
    let steps = [
        first,
        format!("make the roles: psql -v ON_ERROR_STOP=1 -f {}", plan.role_file()),
        format!("give them passwords, in psql: \\password {role} and \\password {preview}"),
        format!("put those into {} and {}", plan.password_variable(), plan.preview_password_variable()),
        "fill in what is marked, and run `countersign check`".to_owned(),
        format!(
            "`countersign serve`, then `countersign agents add NAME --owner PERSON --team {}`",
            visible_line(&plan.team)
        ),
    ];
    steps.iter().enumerate().map(|(at, step)| format!("{}. {step}", at.saturating_add(1))).collect()
}

/// Everything for programs. Names come as they are; there are no values.
pub(super) fn json(plan: &Plan, files: &[Suggested], written: &[String]) -> Value {
    let database = &plan.database;
    let tables: Vec<Value> = database.tables.iter().map(table_json).collect();
    let columns: Vec<Value> = plan.columns.iter().map(column_json).collect();
    let files: serde_json::Map<String, Value> =
        files.iter().map(|file| (file.path.clone(), Value::from(file.text.as_str()))).collect();
    json!({
        "resource": plan.name,
        "host": plan.address.host,
        "port": plan.address.port,
        "database": database.name,
        "version": database.version,
        "encrypted": database.encrypted,
        "role": { "name": database.role.name, "superuser": database.role.superuser },
        "schemas": database.schemas.iter().map(|schema| schema.name.as_str()).collect::<Vec<_>>(),
        "tables": tables,
        "sensitive": columns,
        "warnings": plan.warnings,
        "files": files,
        "written": written,
        "next": next(plan, written),
    })
}

fn table_json(table: &Table) -> Value {
    let kind = match table.kind {
        TableKind::Table => "table",
        TableKind::Partitioned => "partitioned",
        TableKind::View => "view",
        TableKind::MaterializedView => "materialized_view",
        TableKind::Foreign => "foreign",
    };
    let (sampling, looked) = match table.sampling {
        Sampling::Skipped => ("skipped", None),
        Sampling::Looked(rows) => ("looked", Some(rows)),
        Sampling::Refused => ("refused", None),
        Sampling::NotReached => ("not_reached", None),
    };
    json!({
        "schema": table.schema, "name": table.name, "kind": kind, "rows_estimate": table.rows,
        "columns": table.columns.len(), "sampling": sampling, "rows_looked_at": looked,
    })
}

fn column_json(column: &Sensitive) -> Value {
    json!({
        "schema": column.schema, "table": column.table, "column": column.column, "type": column.type_name,
        "verdict": column.verdict.word(), "reasons": column.reasons, "kinds": column.kinds,
    })
}
