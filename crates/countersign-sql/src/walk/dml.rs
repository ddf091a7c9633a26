//! What do INSERT, UPDATE, DELETE, MERGE and TRUNCATE do?

use pg_query::NodeEnum as N;
use pg_query::protobuf::{
    CmdType, DeleteStmt, DropBehavior, InsertStmt, MergeStmt, MergeWhenClause, Node, OnConflictAction,
    OnConflictClause, RangeVar, ReturningClause, TruncateStmt, UpdateStmt,
};

use super::found::{DELETE, INSERT, READ, TRUNCATE, UPDATE};
use super::{InScope, Walk};

impl<'c, 't> Walk<'c, 't> {
    /// INSERT, with ON CONFLICT and RETURNING.
    pub(super) fn insert(&mut self, insert: &'t InsertStmt) {
        let (ctes, scope) = (self.ctes.len(), self.scope.len());
        self.with(insert.with_clause.as_ref());
        if let Some(source) = insert.select_stmt.as_deref() {
            self.query(source);
        }
        let conflict = insert.on_conflict_clause.as_deref();
        let updates = conflict.is_some_and(|c| c.action == OnConflictAction::OnconflictUpdate as i32);
        let access = INSERT
            | if updates { UPDATE } else { 0 }
            | if insert.returning_clause.is_some() { READ } else { 0 };
        self.target(insert.relation.as_ref(), access, conflict.map(|c| c.target_list.as_slice()));
        self.scope.push(InScope { alias: "excluded", relation: self.scope.last().and_then(|e| e.relation) });
        self.nodes(&insert.cols);
        if let Some(conflict) = conflict {
            self.on_conflict(conflict);
        }
        self.returning(insert.returning_clause.as_ref());
        self.leave(ctes, scope);
    }

    fn on_conflict(&mut self, conflict: &'t OnConflictClause) {
        if let Some(infer) = conflict.infer.as_deref() {
            for element in &infer.index_elems {
                match element.node.as_ref() {
                    Some(N::IndexElem(element)) => self.maybe(element.expr.as_deref()),
                    Some(other) => self.unlisted(other),
                    None => {}
                }
            }
            self.maybe(infer.where_clause.as_deref());
        }
        self.nodes(&conflict.target_list);
        self.maybe(conflict.where_clause.as_deref());
    }

    /// UPDATE.
    pub(super) fn update(&mut self, update: &'t UpdateStmt) {
        let (ctes, scope) = (self.ctes.len(), self.scope.len());
        self.with(update.with_clause.as_ref());
        let access = UPDATE | if update.returning_clause.is_some() { READ } else { 0 };
        self.target(update.relation.as_ref(), access, Some(&update.target_list));
        self.from(&update.from_clause);
        self.nodes(&update.target_list);
        self.maybe(update.where_clause.as_deref());
        self.returning(update.returning_clause.as_ref());
        self.leave(ctes, scope);
    }

    /// DELETE.
    pub(super) fn delete(&mut self, delete: &'t DeleteStmt) {
        let (ctes, scope) = (self.ctes.len(), self.scope.len());
        self.with(delete.with_clause.as_ref());
        let access = DELETE | if delete.returning_clause.is_some() { READ } else { 0 };
        self.target(delete.relation.as_ref(), access, None);
        self.from(&delete.using_clause);
        self.maybe(delete.where_clause.as_deref());
        self.returning(delete.returning_clause.as_ref());
        self.leave(ctes, scope);
    }

    /// MERGE: each branch does its own.
    pub(super) fn merge(&mut self, merge: &'t MergeStmt) {
        let (ctes, scope) = (self.ctes.len(), self.scope.len());
        self.with(merge.with_clause.as_ref());
        let branches: Vec<&MergeWhenClause> = merge
            .merge_when_clauses
            .iter()
            .filter_map(|branch| match branch.node.as_ref() {
                Some(N::MergeWhenClause(branch)) => Some(&**branch),
                _ => None,
            })
            .collect();
        if branches.len() != merge.merge_when_clauses.len() {
            self.unknown("syntax:MergeStmt");
        }
        let mut access = if merge.returning_clause.is_some() { READ } else { 0 };
        for branch in &branches {
            access |= self.branch_access(branch);
        }
        let sets = branches.iter().flat_map(|branch| &branch.target_list);
        self.target_with(merge.relation.as_ref(), access, sets);
        if let Some(source) = merge.source_relation.as_deref() {
            self.from(std::slice::from_ref(source));
        }
        self.maybe(merge.join_condition.as_deref());
        for branch in branches {
            self.maybe(branch.condition.as_deref());
            self.nodes(&branch.target_list);
            self.nodes(&branch.values);
        }
        self.returning(merge.returning_clause.as_ref());
        self.leave(ctes, scope);
    }

    fn branch_access(&mut self, branch: &MergeWhenClause) -> u8 {
        match CmdType::try_from(branch.command_type).unwrap_or(CmdType::Undefined) {
            CmdType::CmdInsert => INSERT,
            CmdType::CmdUpdate => UPDATE,
            CmdType::CmdDelete => DELETE,
            CmdType::CmdNothing => 0,
            CmdType::Undefined
            | CmdType::CmdUnknown
            | CmdType::CmdSelect
            | CmdType::CmdMerge
            | CmdType::CmdUtility => {
                self.unknown("syntax:MergeWhenClause");
                0
            }
        }
    }

    fn target(&mut self, range: Option<&'t RangeVar>, access: u8, sets: Option<&'t [Node]>) {
        self.target_with(range, access, sets.into_iter().flatten());
    }

    /// The table that is written. It is never a common table expression.
    fn target_with(&mut self, range: Option<&'t RangeVar>, access: u8, sets: impl Iterator<Item = &'t Node>) {
        let Some(range) = range else { return };
        let name = range.alias.as_ref().map_or(range.relname.as_str(), |alias| alias.aliasname.as_str());
        let relation = self.resolve(range);
        self.scope.push(InScope { alias: name, relation });
        let Some(relation) = relation else { return };
        self.touch(relation, access, range.inh);
        if access & UPDATE != 0 {
            let columns: Vec<&str> = sets
                .filter_map(|set| match set.node.as_ref() {
                    Some(N::ResTarget(target)) => Some(target.name.as_str()),
                    _ => None,
                })
                .collect();
            self.cascade_update(relation, &columns);
        }
    }

    fn returning(&mut self, returning: Option<&'t ReturningClause>) {
        let Some(returning) = returning else { return };
        for name in ["old", "new"] {
            self.scope.push(InScope { alias: name, relation: None });
        }
        for option in &returning.options {
            match option.node.as_ref() {
                Some(N::ReturningOption(option)) => {
                    self.scope.push(InScope { alias: &option.value, relation: None });
                }
                Some(other) => self.unlisted(other),
                None => {}
            }
        }
        self.nodes(&returning.exprs);
    }

    /// TRUNCATE, perhaps with everything that refers to the tables.
    pub(super) fn truncate(&mut self, truncate: &'t TruncateStmt) {
        let cascades = truncate.behavior == DropBehavior::DropCascade as i32;
        for node in &truncate.relations {
            let Some(N::RangeVar(range)) = node.node.as_ref() else {
                self.unknown("syntax:TruncateStmt");
                continue;
            };
            if let Some(relation) = self.resolve(range) {
                self.touch(relation, TRUNCATE, range.inh);
                if cascades {
                    self.cascade_truncate(relation);
                }
            }
        }
    }
}
