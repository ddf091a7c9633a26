//! What do the definitions behind a relation or a type do? Worked out at first use and kept in the catalog.

use std::sync::{Arc, OnceLock};

use countersign_core::Verb;
use pg_query::NodeEnum as N;
use pg_query::protobuf::{Node, SelectStmt};

use super::{Expects, Found, MAX_DEFINITIONS, Walk};
use crate::catalog::{Catalog, FIRST_USER_OID, Relation};
use crate::{bounds, object, room};

/// Whether reading a value of a type runs nobody's code.
pub(crate) fn type_is_plain(catalog: &Catalog, oid: u32) -> bool {
    catalog.type_by_oid(oid).is_some() && of_type(catalog, oid, 0).effects.is_empty()
}

/// What reading a view does.
pub(super) fn view(catalog: &Catalog, view: &Relation, depth: u8) -> Arc<Found> {
    kept(&view.hidden.view, depth, |depth| {
        let name = object::qualified(&view.schema, &view.name);
        let mut found = match view.definition.as_deref() {
            Some(text) => of_query(catalog, text, depth, &name),
            None => doubt(&name),
        };
        if view.kind == 'm' {
            // Its rows were stored before: they are still those of its tables, but no function runs.
            found.effects.retain(|effect| matches!(effect.verb, Verb::Read | Verb::Secret | Verb::Unknown));
        }
        found
    })
}

/// What filling a materialized view again does, functions included.
pub(super) fn refreshed(catalog: &Catalog, view: &Relation, depth: u8) -> Found {
    let name = object::qualified(&view.schema, &view.name);
    match view.definition.as_deref() {
        Some(text) if depth < MAX_DEFINITIONS => of_query(catalog, text, depth + 1, &name),
        _ => doubt(&name),
    }
}

/// What any use of a relation does beyond its name: policies, and casts of its columns' types.
pub(super) fn reading(catalog: &Catalog, relation: &Relation, depth: u8) -> Arc<Found> {
    kept(&relation.hidden.reading, depth, |depth| {
        let mut found = of_expressions(catalog, relation, &relation.conditions, Expects::Planning, depth);
        if relation.row_security {
            let policies = of_expressions(catalog, relation, &relation.policies, Expects::Everything, depth);
            found.merge(&policies, None);
        }
        for (_, type_oid) in &relation.columns {
            found.merge(&of_type(catalog, *type_oid, depth), None);
        }
        if let Some(row) = catalog.row_type_of(relation.oid) {
            found.merge(&casts(catalog, row, depth), None);
        }
        found
    })
}

/// What writing rows does: defaults, generated columns, checks, expressions of indexes.
pub(super) fn writing(catalog: &Catalog, relation: &Relation, depth: u8) -> Arc<Found> {
    kept(&relation.hidden.writing, depth, |depth| {
        let mut found = of_expressions(catalog, relation, &relation.defaults, Expects::ADefault, depth);
        let conditions = of_expressions(catalog, relation, &relation.conditions, Expects::Everything, depth);
        found.merge(&conditions, None);
        found
    })
}

/// What making a value of a type does: checks of domains, also inside of rows, arrays and ranges; casts.
pub(super) fn of_type(catalog: &Catalog, oid: u32, depth: u8) -> Arc<Found> {
    static NOTHING: OnceLock<Arc<Found>> = OnceLock::new();
    let Some(known) = catalog.type_by_oid(oid).filter(|_| oid >= FIRST_USER_OID) else {
        return Arc::clone(NOTHING.get_or_init(Arc::default));
    };
    kept(&known.hidden, depth, |depth| {
        let mut found = casts(catalog, oid, depth);
        for part in &known.parts {
            found.merge(&of_type(catalog, *part, depth), None);
        }
        if let Some(relation) = catalog.relation_by_oid(known.relation).filter(|_| known.kind == 'c') {
            for (_, column) in &relation.columns {
                found.merge(&of_type(catalog, *column, depth), None);
            }
        }
        for check in &known.checks {
            found.merge(&expression(check, catalog, Expects::Everything, depth, "type"), None);
        }
        found
    })
}

fn casts(catalog: &Catalog, oid: u32, depth: u8) -> Found {
    let mut walk = Walk::of_definition(catalog, depth);
    for function in catalog.casts_of(oid) {
        walk.runs_function(*function);
    }
    walk.found
}

/// The kept answer, or the answer of `work` one level deeper. Definitions that go in circles end in doubt.
fn kept(cell: &OnceLock<Arc<Found>>, depth: u8, work: impl FnOnce(u8) -> Found) -> Arc<Found> {
    if let Some(found) = cell.get() {
        return Arc::clone(found);
    }
    if depth >= MAX_DEFINITIONS {
        return Arc::new(doubt("definition"));
    }
    let found = Arc::new(work(depth + 1));
    Arc::clone(cell.get_or_init(|| found))
}

fn doubt(object: &str) -> Found {
    let mut found = Found::default();
    found.add(Verb::Unknown, object);
    found
}

/// Walks the one SELECT of a definition's text, where the stack suffices: definitions lead to definitions, so every
/// fourth gets a new one. `None` when it can't be read.
fn with_select(text: &str, depth: u8, work: impl FnOnce(&SelectStmt) -> Found + Send) -> Option<Found> {
    let own = bounds::check(text).ok()?;
    let needed = if depth.is_multiple_of(4) { room::DEEP } else { own };
    room::with_room(needed, || parse(text, own).map(|select| work(&select)))?
}

fn parse(text: &str, depth: usize) -> Option<Box<SelectStmt>> {
    let mut statements = room::parse(text, depth).ok()?;
    match statements.pop()?.stmt?.node? {
        N::SelectStmt(select) if statements.is_empty() => Some(select),
        _ => None,
    }
}

fn of_query(catalog: &Catalog, text: &str, depth: u8, name: &str) -> Found {
    let found = with_select(text, depth, |select| {
        let mut walk = Walk::of_definition(catalog, depth);
        walk.select(select);
        let mut bases = Vec::new();
        outermost(&walk, &select.from_clause, &mut bases);
        Found { bases, ..walk.found }
    });
    found.unwrap_or_else(|| doubt(name))
}

fn outermost(walk: &Walk<'_, '_>, items: &[Node], bases: &mut Vec<u32>) {
    for item in items {
        match item.node.as_ref() {
            Some(N::RangeVar(range)) => {
                let relation = if range.schemaname.is_empty() {
                    walk.catalog.relation_on_path(&walk.path, &range.relname)
                } else {
                    walk.catalog.relation(&range.schemaname, &range.relname)
                };
                bases.extend(relation.map(|relation| relation.oid));
            }
            Some(N::JoinExpr(join)) => {
                for side in [&join.larg, &join.rarg].into_iter().flatten() {
                    outermost(walk, std::slice::from_ref(&**side), bases);
                }
            }
            _ => {}
        }
    }
}

fn of_expressions(
    catalog: &Catalog,
    relation: &Relation,
    texts: &[String],
    expects: Expects,
    depth: u8,
) -> Found {
    let name = object::qualified(&relation.schema, &relation.name);
    let mut found = Found::default();
    for text in texts {
        found.merge(&expression(text, catalog, expects, depth, &name), None);
    }
    found
}

/// An expression as the catalog prints it. Several index expressions come as a list, which a SELECT takes too.
fn expression(text: &str, catalog: &Catalog, expects: Expects, depth: u8, name: &str) -> Found {
    let found = with_select(&format!("SELECT {text}"), depth, |select| {
        let mut walk = Walk { expects, ..Walk::of_definition(catalog, depth) };
        walk.select(select);
        Found { used_constant: false, ..walk.found }
    });
    found.unwrap_or_else(|| doubt(name))
}
