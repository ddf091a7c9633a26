//! What does a query do: SELECT, VALUES, WITH and the statements that may stand in it?

use pg_query::NodeEnum as N;
use pg_query::protobuf::{CommonTableExpr, Node, SelectStmt, WithClause};

use super::Walk;

impl<'t> Walk<'_, 't> {
    /// A statement that may stand where a query does.
    pub(super) fn query(&mut self, node: &'t Node) {
        let Some(node) = node.node.as_ref() else { return };
        match node {
            N::SelectStmt(select) => self.select(select),
            N::InsertStmt(insert) => self.insert(insert),
            N::UpdateStmt(update) => self.update(update),
            N::DeleteStmt(delete) => self.delete(delete),
            N::MergeStmt(merge) => self.merge(merge),
            other => self.unlisted(other),
        }
    }

    /// SELECT, VALUES, TABLE and their combinations.
    pub(super) fn select(&mut self, select: &'t SelectStmt) {
        let (ctes, scope) = (self.ctes.len(), self.scope.len());
        self.with(select.with_clause.as_ref());
        if let (Some(left), Some(right)) = (select.larg.as_deref(), select.rarg.as_deref()) {
            self.select(left);
            self.select(right);
        }
        self.from(&select.from_clause);
        if let Some(into) = select.into_clause.as_deref() {
            self.into(into);
        }
        for list in [
            &select.distinct_clause,
            &select.target_list,
            &select.group_clause,
            &select.window_clause,
            &select.values_lists,
            &select.sort_clause,
        ] {
            self.nodes(list);
        }
        for clause in [&select.where_clause, &select.having_clause, &select.limit_offset, &select.limit_count]
        {
            self.maybe(clause.as_deref());
        }
        if !select.locking_clause.is_empty() {
            self.lock(&select.from_clause);
        }
        self.leave(ctes, scope);
    }

    /// Forgets the names that a finished query brought.
    pub(super) fn leave(&mut self, ctes: usize, scope: usize) {
        self.ctes.truncate(ctes);
        self.scope.truncate(scope);
    }

    /// WITH: a name is visible in what follows it, and with RECURSIVE everywhere in the clause.
    pub(super) fn with(&mut self, with: Option<&'t WithClause>) {
        let Some(with) = with else { return };
        if with.recursive {
            for cte in &with.ctes {
                if let Some(N::CommonTableExpr(cte)) = cte.node.as_ref() {
                    self.ctes.push(&cte.ctename);
                }
            }
        }
        for cte in &with.ctes {
            match cte.node.as_ref() {
                Some(N::CommonTableExpr(cte)) => self.common_table(cte, with.recursive),
                Some(other) => self.unlisted(other),
                None => {}
            }
        }
    }

    fn common_table(&mut self, cte: &'t CommonTableExpr, recursive: bool) {
        if let Some(query) = cte.ctequery.as_deref() {
            self.query(query);
        }
        if let Some(cycle) = cte.cycle_clause.as_deref() {
            self.operator_named(None, "=");
            self.maybe(cycle.cycle_mark_value.as_deref());
            self.maybe(cycle.cycle_mark_default.as_deref());
        }
        if !recursive {
            self.ctes.push(&cte.ctename);
        }
    }
}

/// Whether this is SELECT … INTO, which makes a table. INTO stands in the leftmost SELECT.
pub(super) fn target_of_into(select: &SelectStmt) -> bool {
    let mut leftmost = select;
    while let Some(left) = leftmost.larg.as_deref() {
        leftmost = left;
    }
    leftmost.into_clause.is_some()
}
