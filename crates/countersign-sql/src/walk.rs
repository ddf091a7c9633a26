//! What does a syntax tree do? One visitor over a list of allowed kinds of nodes: whatever isn't on it is `unknown`.

mod call;
mod ddl;
mod ddl_alter;
mod ddl_create;
mod definition;
mod dml;
mod expression;
mod found;
mod from;
mod json;
mod names;
mod outside;
mod privilege;
mod query;
mod relation;
mod settings;
mod statement;
mod utility;

use std::collections::HashMap;

use countersign_core::Verb;
use pg_query::NodeEnum;
use pg_query::protobuf::Node;

use crate::catalog::{Catalog, Relation};
use crate::session::Session;

pub(crate) use definition::type_is_plain;
pub(crate) use found::Found;
use names::{schema_and_name, words};

/// Definitions that lead to definitions: deeper than this is `unknown`.
const MAX_DEFINITIONS: u8 = 24;

/// The object of effects on the session itself: transaction control, harmless settings, SHOW, a SELECT that names
/// nothing.
pub(crate) const SESSION: &str = "session";

/// One walk over one statement, or over one definition of the catalog.
pub(crate) struct Walk<'c, 't> {
    catalog: &'c Catalog,
    /// The schemas in the order in which the server looks.
    path: Vec<&'c str>,
    user: &'c str,
    temp_shadowing: bool,
    /// Names of common table expressions that are visible here.
    ctes: Vec<&'t str>,
    /// What stands in the FROM clauses that are visible here, innermost last.
    scope: Vec<InScope<'c, 't>>,
    /// What was done with each relation so far, so that cycles of foreign keys end.
    seen: HashMap<u32, u8>,
    pub(crate) found: Found,
    via_view: Option<String>,
    expects: Expects,
    /// Columns that were met so far.
    columns: usize,
    depth: u8,
}

/// Which calls of an expression count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expects {
    Everything,
    /// In a column's default: its own sequence is part of the table.
    ADefault,
    /// In a condition that a query is planned with: only calls whose arguments are constant are computed then.
    Planning,
}

/// One thing that a column's qualifier can mean.
struct InScope<'c, 't> {
    alias: &'t str,
    /// `None`: a subquery, a function, renamed columns.
    relation: Option<&'c Relation>,
}

impl<'c, 't> Walk<'c, 't> {
    /// A walk over what a session sent.
    pub(crate) fn new(catalog: &'c Catalog, session: &'c Session) -> Self {
        Self {
            path: session.path(),
            user: &session.user,
            temp_shadowing: session.temp_shadowing,
            ..Self::of_definition(catalog, 0)
        }
    }

    /// A walk over a definition as the catalog printed it.
    pub(crate) fn of_definition(catalog: &'c Catalog, depth: u8) -> Self {
        Self {
            catalog,
            path: catalog.definition_path.iter().map(String::as_str).collect(),
            user: "",
            temp_shadowing: false,
            ctes: Vec::new(),
            scope: Vec::new(),
            seen: HashMap::new(),
            found: Found::default(),
            via_view: None,
            expects: Expects::Everything,
            columns: 0,
            depth,
        }
    }

    fn add(&mut self, verb: Verb, object: impl Into<String>) {
        self.found.add(verb, object);
    }

    fn unknown(&mut self, object: impl Into<String>) {
        self.found.add(Verb::Unknown, object);
    }

    /// A kind of node that isn't on the list at this place.
    fn unlisted(&mut self, node: &NodeEnum) {
        let debug = format!("{node:?}");
        let kind: String = debug.chars().take_while(char::is_ascii_alphanumeric).collect();
        self.unknown(format!("syntax:{kind}"));
    }

    fn nodes(&mut self, nodes: &'t [Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn maybe(&mut self, node: Option<&'t Node>) {
        if let Some(node) = node {
            self.node(node);
        }
    }
}
