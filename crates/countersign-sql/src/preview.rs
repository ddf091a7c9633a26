//! How many rows would this statement change, and which? Queries that answer it without running it.
//!
//! Every query here is made from the statement's own syntax tree, printed by PostgreSQL's own printer, and classified
//! again: it is only returned when it does nothing but read. The caller runs them in a `READ ONLY` transaction with
//! short time-outs and binds the same parameters, with the types that the server named for them (a query may leave some
//! parameters out, and the server can't guess the type of one that is not used).

mod cascade;
mod rewrite;
#[cfg(test)]
mod tests;

use pg_query::NodeEnum as N;
use pg_query::protobuf::{InsertStmt, Node, SelectStmt, TruncateStmt};

use crate::catalog::{Catalog, Relation};
use crate::classified::{DmlTarget, Statement, StatementKind};
use crate::session::Session;
use crate::{bounds, classify, object, room};
pub use cascade::{CascadeAction, CascadeQuery};
use rewrite::Rewrite;

/// Queries about one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// One row, one number: how many rows the statement would change, exactly, on the data of that moment. Triggers that
    /// skip rows are not foreseen.
    pub count: Option<String>,
    /// Some of these rows as they are; for UPDATE with a column `COLUMN (after)` for each that it sets.
    pub sample: Option<String>,
    /// What happens to rows of other tables.
    pub cascades: Vec<CascadeQuery>,
    /// `EXPLAIN (FORMAT JSON)` of a query for the same rows, when planning it runs nobody's code; otherwise of one for all
    /// rows of the table, and `reason_not_exact` says so. An estimate: measured off by a factor of 200.
    pub explain: Option<String>,
    /// Why there is no exact count.
    pub reason_not_exact: Option<String>,
}

/// The queries for one statement of `text`, which [`classify`] gave for the same catalog and session. `None` for what
/// isn't INSERT, UPDATE, DELETE, MERGE or TRUNCATE.
pub fn preview(
    text: &str,
    statement: &Statement,
    catalog: &Catalog,
    session: &Session,
    sample_rows: u32,
) -> Option<Preview> {
    use StatementKind as K;
    if !matches!(statement.kind, K::Insert | K::Update | K::Delete | K::Merge | K::Truncate) {
        return None;
    }
    let own = text.get(statement.span.clone())?.trim();
    let judge = Judge { catalog, session };
    let mut preview =
        Preview { count: None, sample: None, cascades: Vec::new(), explain: None, reason_not_exact: None };
    let exact = if room::is_deep(bounds::check(own).ok()?) {
        Err("it nests too deep")
    } else {
        exact(own, statement, &judge, sample_rows, &mut preview)
    };
    if let Err(reason) = exact {
        preview.reason_not_exact = Some(reason.to_owned());
        estimate(own, statement, &judge, &mut preview);
    }
    Some(preview)
}

/// What the plan expects. Where planning would run code, all rows of the table: it can't be more.
fn estimate(own: &str, statement: &Statement, judge: &Judge<'_>, preview: &mut Preview) {
    if preview.explain.is_none() {
        preview.explain = judge.explained(own);
    }
    let bounded = matches!(statement.kind, StatementKind::Update | StatementKind::Delete);
    let Some(target) = statement.dml_target.as_ref().filter(|_| bounded && preview.explain.is_none()) else {
        return;
    };
    preview.explain = judge.explained(&format!("SELECT FROM {}", object::sql(&target.schema, &target.name)));
    if let Some(reason) = preview.reason_not_exact.as_mut().filter(|_| preview.explain.is_some()) {
        reason.push_str("; the estimate is of all rows of the table");
    }
}

/// Lets only those queries pass that do nothing but read.
struct Judge<'a> {
    catalog: &'a Catalog,
    session: &'a Session,
}

impl Judge<'_> {
    fn reads_only(&self, query: String) -> Option<String> {
        let verdict = classify(&query, self.catalog, self.session);
        (verdict.reads_only() && verdict.statements.len() == 1).then_some(query)
    }

    fn print(&self, select: SelectStmt) -> Option<String> {
        self.reads_only(rewrite::print(select)?)
    }

    fn explained(&self, statement: &str) -> Option<String> {
        self.reads_only(format!("EXPLAIN (FORMAT JSON) {statement}"))
    }
}

const ACTS: &str = "counting would run code or change something";

fn exact(
    own: &str,
    statement: &Statement,
    judge: &Judge<'_>,
    rows: u32,
    preview: &mut Preview,
) -> Result<(), &'static str> {
    let target = statement.dml_target.as_ref().ok_or("it does not name one table")?;
    let relation = judge.catalog.relation_by_oid(target.oid).ok_or("its table is not known")?;
    let node = parse(own).ok_or("it could not be read again")?;
    match node {
        N::InsertStmt(insert) => return exact_insert(*insert, statement, judge, rows, preview),
        N::TruncateStmt(truncate) => {
            let query = truncated(&truncate, target);
            preview.cascades = cascade::of_truncate(judge, relation, &truncate);
            preview.count = judge.reads_only(format!("SELECT pg_catalog.count(*) FROM {query}"));
            preview.sample = judge.reads_only(format!("SELECT * FROM {query} LIMIT {rows}"));
            return preview.count.as_ref().map(|_| ()).ok_or(ACTS);
        }
        N::MergeStmt(_) => return Err("the branches of MERGE depend on each row"),
        _ => {}
    }
    let rewrite = Rewrite::of(node, &relation.schema).ok_or("its rows are those of a cursor")?;
    // A query, because it asks for no right but to read.
    preview.explain = rewrite::print(rewrite.rows()).and_then(|query| judge.explained(&query));
    foreseeable(relation, &rewrite)?;
    if statement.varies {
        return Err("a function in it gives another value each time");
    }
    preview.cascades = cascade::of_rows(judge, relation, &rewrite);
    preview.count = judge.print(rewrite.count());
    preview.sample = judge.print(rewrite.sample(rows));
    preview.count.as_ref().map(|_| ()).ok_or(ACTS)
}

/// Whether a SELECT finds the same rows.
fn foreseeable(relation: &Relation, rewrite: &Rewrite) -> Result<(), &'static str> {
    if relation.row_security {
        return Err("row security may show other rows to a query than to a change");
    }
    if relation.has_rules {
        return Err("a rule rewrites it");
    }
    if relation.is_view() && rewrite.joins() {
        return Err("rows of a view can't be told apart");
    }
    Ok(())
}

fn exact_insert(
    insert: InsertStmt,
    statement: &Statement,
    judge: &Judge<'_>,
    rows: u32,
    preview: &mut Preview,
) -> Result<(), &'static str> {
    let on_conflict = insert.on_conflict_clause.is_some();
    let conflict = || Err("ON CONFLICT depends on the rows that are there");
    let Some(source) = insert.select_stmt else {
        if on_conflict {
            return conflict();
        }
        preview.count = Some("SELECT 1".to_owned());
        return Ok(());
    };
    let Some(N::SelectStmt(select)) = source.node else { return Err("its source is no query") };
    let all = rewrite::all_of(&select, insert.with_clause.as_ref());
    preview.explain = rewrite::print(all).and_then(|query| judge.explained(&query));
    if on_conflict {
        return conflict();
    }
    if !select.values_lists.is_empty() && select.limit_count.is_none() && select.limit_offset.is_none() {
        preview.count = Some(format!("SELECT {}", select.values_lists.len()));
        return Ok(());
    }
    if statement.varies {
        return Err("a function in it gives another value each time");
    }
    preview.count = judge.print(rewrite::count_of(&select, insert.with_clause.as_ref()));
    preview.sample = judge.print(rewrite::sample_of(&select, insert.with_clause.as_ref(), rows));
    preview.count.as_ref().map(|_| ()).ok_or(ACTS)
}

fn truncated(truncate: &TruncateStmt, target: &DmlTarget) -> String {
    let only =
        truncate.relations.iter().any(|node| matches!(&node.node, Some(N::RangeVar(range)) if !range.inh));
    let name = object::sql(&target.schema, &target.name);
    if only { format!("ONLY {name}") } else { name }
}

fn parse(text: &str) -> Option<N> {
    let mut statements = room::parse(text, 0).ok()?;
    let Node { node } = *statements.pop()?.stmt?;
    if statements.is_empty() { node } else { None }
}
