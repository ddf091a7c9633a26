//! How many rows of other tables would go or change along?

use std::collections::HashSet;

use pg_query::protobuf::{DropBehavior, TruncateStmt};

use super::Judge;
use super::rewrite::{self, Rewrite};
use crate::catalog::{Key, Relation};
use crate::object;

/// Reviewers read these; more would not be read.
const MAX_QUERIES: usize = 20;

/// One count of rows in another table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CascadeQuery {
    /// The other table, as effects name it.
    pub table: String,
    /// One row, one number.
    pub sql: String,
    /// What happens to these rows.
    pub action: CascadeAction,
}

/// What happens to a row that refers to one that goes or changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CascadeAction {
    /// It is deleted.
    Delete,
    /// Its reference becomes NULL.
    SetNull,
    /// Its reference becomes the default.
    SetDefault,
    /// Its reference follows the new value.
    Update,
    /// The whole table is emptied.
    Truncate,
}

/// TRUNCATE … CASCADE empties whatever refers to the table.
pub(super) fn of_truncate(
    judge: &Judge<'_>,
    relation: &Relation,
    truncate: &TruncateStmt,
) -> Vec<CascadeQuery> {
    let mut queries = Vec::new();
    if truncate.behavior != DropBehavior::DropCascade as i32 {
        return queries;
    }
    let mut open = vec![relation];
    let mut seen = HashSet::from([relation.oid]);
    while let Some(parent) = open.pop() {
        for key in &parent.referenced_by {
            let Some(child) = judge.catalog.relation_by_oid(key.child) else { continue };
            if seen.insert(child.oid) && queries.len() < MAX_QUERIES {
                let sql =
                    format!("SELECT pg_catalog.count(*) FROM {}", object::sql(&child.schema, &child.name));
                push(&mut queries, judge, child, sql, CascadeAction::Truncate);
                open.push(child);
            }
        }
    }
    queries
}

/// The rows that refer to those of an UPDATE or DELETE, and those that refer to these.
pub(super) fn of_rows(judge: &Judge<'_>, relation: &Relation, rewrite: &Rewrite) -> Vec<CascadeQuery> {
    let mut queries = Vec::new();
    let changed = rewrite.columns();
    for key in &relation.referenced_by {
        let touched =
            rewrite.deletes || key.references.iter().any(|column| changed.contains(&column.as_str()));
        let action = action_of(if rewrite.deletes { key.on_delete } else { key.on_update }, rewrite.deletes);
        let (true, Some(action)) = (touched, action) else { continue };
        let Some(rows) = rewrite::print(rewrite.values(&key.references)) else { continue };
        let mut path = vec![relation.oid];
        follow(judge, key, &rows, action, &mut path, &mut queries);
    }
    queries
}

/// Counts the rows that a key makes follow, and goes on where they are deleted.
fn follow(
    judge: &Judge<'_>,
    key: &Key,
    rows: &str,
    action: CascadeAction,
    path: &mut Vec<u32>,
    queries: &mut Vec<CascadeQuery>,
) {
    let Some(child) = judge.catalog.relation_by_oid(key.child) else { return };
    let name = object::sql(&child.schema, &child.name);
    let filter = format!("({}) IN ({rows})", identifiers(&key.columns));
    if queries.len() >= MAX_QUERIES || path.contains(&child.oid) {
        return;
    }
    push(queries, judge, child, format!("SELECT pg_catalog.count(*) FROM {name} WHERE {filter}"), action);
    if action != CascadeAction::Delete {
        return;
    }
    path.push(child.oid);
    for next in &child.referenced_by {
        if let Some(action) = action_of(next.on_delete, true) {
            let rows = format!("SELECT {} FROM {name} WHERE {filter}", identifiers(&next.references));
            follow(judge, next, &rows, action, path, queries);
        }
    }
    path.pop();
}

fn push(
    queries: &mut Vec<CascadeQuery>,
    judge: &Judge<'_>,
    child: &Relation,
    sql: String,
    action: CascadeAction,
) {
    if let Some(sql) = judge.reads_only(sql) {
        queries.push(CascadeQuery { table: object::qualified(&child.schema, &child.name), sql, action });
    }
}

fn action_of(mark: char, deletes: bool) -> Option<CascadeAction> {
    match mark {
        'c' if deletes => Some(CascadeAction::Delete),
        'c' => Some(CascadeAction::Update),
        'n' => Some(CascadeAction::SetNull),
        'd' => Some(CascadeAction::SetDefault),
        _ => None,
    }
}

fn identifiers(names: &[String]) -> String {
    names.iter().map(|name| object::identifier(name)).collect::<Vec<_>>().join(", ")
}
