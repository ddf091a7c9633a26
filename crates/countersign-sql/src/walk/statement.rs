//! Which statement is it, and who knows what it does?

use countersign_core::Verb;
use pg_query::NodeEnum as N;
use pg_query::protobuf::{Node, RangeVar};

use super::{SESSION, Walk};
use crate::classified::{DmlTarget, StatementKind as K};

/// What a statement is, apart from its effects.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) kind: K,
    pub(crate) tag: &'static str,
    pub(crate) returns_rows: bool,
    pub(crate) dml_target: Option<DmlTarget>,
}

impl Shape {
    pub(super) const fn new(kind: K, tag: &'static str) -> Self {
        Self { kind, tag, returns_rows: false, dml_target: None }
    }

    pub(super) const fn rows(kind: K, tag: &'static str) -> Self {
        Self { kind, tag, returns_rows: true, dml_target: None }
    }
}

impl<'t> Walk<'_, 't> {
    /// One whole statement. Whatever has no effect of its own reads the session.
    pub(crate) fn statement(&mut self, node: &'t Node) -> Shape {
        let Some(node) = node.node.as_ref() else {
            self.unknown("syntax:none");
            return Shape::new(K::Other, "");
        };
        if !self.catalog.loaded && !matches!(node, N::TransactionStmt(_) | N::VariableShowStmt(_)) {
            self.unknown("catalog");
        }
        let shape = self.planned_statement(node);
        for function in &self.catalog.casts_everywhere {
            self.runs_function(*function);
        }
        if shape.kind == K::Ddl || shape.kind == K::Grant {
            for function in &self.catalog.event_triggers {
                self.runs_function(*function);
            }
        }
        if self.found.effects.is_empty() {
            self.add(Verb::Read, SESSION);
        }
        shape
    }

    /// The statements with a plan; others follow.
    fn planned_statement(&mut self, node: &'t N) -> Shape {
        match node {
            N::SelectStmt(select) => {
                self.select(select);
                let into = super::query::target_of_into(select);
                if into { Shape::new(K::Ddl, "SELECT INTO") } else { Shape::rows(K::Select, "SELECT") }
            }
            N::InsertStmt(s) => {
                self.insert(s);
                self.dml(K::Insert, "INSERT", s.relation.as_ref(), true, s.returning_clause.is_some())
            }
            N::UpdateStmt(s) => {
                self.update(s);
                let filtered = s.where_clause.is_some();
                self.dml(K::Update, "UPDATE", s.relation.as_ref(), filtered, s.returning_clause.is_some())
            }
            N::DeleteStmt(s) => {
                self.delete(s);
                let filtered = s.where_clause.is_some();
                self.dml(K::Delete, "DELETE", s.relation.as_ref(), filtered, s.returning_clause.is_some())
            }
            N::MergeStmt(s) => {
                self.merge(s);
                self.dml(K::Merge, "MERGE", s.relation.as_ref(), true, s.returning_clause.is_some())
            }
            N::TruncateStmt(s) => {
                self.truncate(s);
                let only = match s.relations.as_slice() {
                    [Node { node: Some(N::RangeVar(range)) }] => Some(range),
                    _ => None,
                };
                self.dml(K::Truncate, "TRUNCATE TABLE", only, false, false)
            }
            other => self.session_statement(other),
        }
    }

    fn dml(
        &self,
        kind: K,
        tag: &'static str,
        range: Option<&RangeVar>,
        filtered: bool,
        returning: bool,
    ) -> Shape {
        let relation = range.and_then(|range| {
            if range.schemaname.is_empty() {
                self.catalog.relation_on_path(&self.path, &range.relname)
            } else {
                self.catalog.relation(&range.schemaname, &range.relname)
            }
        });
        let dml_target = relation.map(|relation| DmlTarget {
            schema: relation.schema.clone(),
            name: relation.name.clone(),
            oid: relation.oid,
            filtered,
            returning,
        });
        Shape { kind, tag, returns_rows: returning, dml_target }
    }

    /// A statement that another one holds: EXPLAIN, PREPARE, DECLARE, COPY (…), CREATE … AS.
    pub(super) fn inner(&mut self, node: Option<&'t Node>) {
        let Some(node) = node else { return };
        match node.node.as_ref() {
            Some(
                N::SelectStmt(_) | N::InsertStmt(_) | N::UpdateStmt(_) | N::DeleteStmt(_) | N::MergeStmt(_),
            ) => self.query(node),
            Some(
                other @ (N::CreateTableAsStmt(_)
                | N::ExecuteStmt(_)
                | N::DeclareCursorStmt(_)
                | N::RefreshMatViewStmt(_)),
            ) => {
                let _shape = self.session_statement(other);
            }
            Some(other) => self.unlisted(other),
            None => {}
        }
    }
}
