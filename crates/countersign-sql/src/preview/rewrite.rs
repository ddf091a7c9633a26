//! Which SELECT finds the rows that an UPDATE or DELETE would change?

use pg_query::NodeEnum as N;
use pg_query::protobuf::{
    self as pg, AStar, Alias, ColumnRef, FuncCall, LimitOption, Node, ParseResult, RangeSubselect, RangeVar,
    RawStmt, ResTarget, RowExpr, SelectStmt, SetOperation, WithClause,
};

/// The parts of an UPDATE or DELETE that choose its rows.
pub(super) struct Rewrite {
    target: RangeVar,
    others: Vec<Node>,
    filter: Option<Box<Node>>,
    with: Option<WithClause>,
    /// What UPDATE sets.
    sets: Vec<Node>,
    pub(super) deletes: bool,
}

impl Rewrite {
    /// `None` when the rows are those of a cursor. The target gets its schema: in a query, a common table expression of
    /// its name would hide it.
    pub(super) fn of(node: N, schema: &str) -> Option<Self> {
        let mut rewrite = match node {
            N::DeleteStmt(delete) => Self {
                target: delete.relation?,
                others: delete.using_clause,
                filter: delete.where_clause,
                with: delete.with_clause,
                sets: Vec::new(),
                deletes: true,
            },
            N::UpdateStmt(update) => Self {
                target: update.relation?,
                others: update.from_clause,
                filter: update.where_clause,
                with: update.with_clause,
                sets: update.target_list,
                deletes: false,
            },
            _ => return None,
        };
        schema.clone_into(&mut rewrite.target.schemaname);
        let of_cursor = matches!(
            rewrite.filter.as_deref().and_then(|filter| filter.node.as_ref()),
            Some(N::CurrentOfExpr(_))
        );
        (!of_cursor).then_some(rewrite)
    }

    /// Whether other tables take part, so that one row may be found several times.
    pub(super) fn joins(&self) -> bool {
        !self.others.is_empty()
    }

    /// The columns that UPDATE sets.
    pub(super) fn columns(&self) -> Vec<&str> {
        self.sets
            .iter()
            .filter_map(|set| match set.node.as_ref() {
                Some(N::ResTarget(target)) => Some(target.name.as_str()),
                _ => None,
            })
            .collect()
    }

    /// `SELECT count(*)`, or of distinct rows where a join may repeat them.
    pub(super) fn count(&self) -> SelectStmt {
        let mut count = FuncCall {
            funcname: vec![word("pg_catalog"), word("count")],
            agg_star: !self.joins(),
            agg_distinct: self.joins(),
            funcformat: pg::CoercionForm::CoerceExplicitCall.into(),
            ..FuncCall::default()
        };
        if self.joins() {
            // Partitions number their rows each for itself.
            let row = RowExpr {
                args: vec![self.column("tableoid"), self.column("ctid")],
                row_format: pg::CoercionForm::CoerceExplicitCall.into(),
                ..RowExpr::default()
            };
            count.args.push(node(N::RowExpr(Box::new(row))));
        }
        self.select(vec![target(node(N::FuncCall(Box::new(count))), "")])
    }

    /// Some of the rows, with the new values beside.
    pub(super) fn sample(&self, rows: u32) -> SelectStmt {
        let mut targets = vec![target(self.qualified(node(N::AStar(AStar {}))), "")];
        targets.extend(self.sets.iter().filter_map(after));
        let mut select = self.select(targets);
        limit(&mut select, rows);
        select
    }

    /// The rows, for a plan to estimate.
    pub(super) fn rows(&self) -> SelectStmt {
        self.select(vec![target(self.qualified(node(N::AStar(AStar {}))), "")])
    }

    /// The values of some columns of the rows.
    pub(super) fn values(&self, columns: &[String]) -> SelectStmt {
        self.select(columns.iter().map(|column| target(self.column(column), "")).collect())
    }

    fn select(&self, target_list: Vec<Node>) -> SelectStmt {
        let mut from_clause = vec![node(N::RangeVar(self.target.clone()))];
        from_clause.extend(self.others.iter().cloned());
        SelectStmt {
            target_list,
            from_clause,
            where_clause: self.filter.clone(),
            with_clause: self.with.clone(),
            ..plain()
        }
    }

    fn column(&self, name: &str) -> Node {
        self.qualified(word(name))
    }

    fn qualified(&self, field: Node) -> Node {
        let alias = self.target.alias.as_ref().map_or(&self.target.relname, |alias| &alias.aliasname);
        node(N::ColumnRef(ColumnRef { fields: vec![word(alias), field], location: 0 }))
    }
}

/// `expression AS "column (after)"`; nothing for DEFAULT, for parts of a column and for several columns at once.
fn after(set: &Node) -> Option<Node> {
    let Some(N::ResTarget(set)) = set.node.as_ref() else { return None };
    let value = set.val.as_deref()?;
    let plain = set.indirection.is_empty()
        && !matches!(value.node.as_ref(), Some(N::SetToDefault(_) | N::MultiAssignRef(_)) | None);
    plain.then(|| target(value.clone(), &format!("{} (after)", set.name)))
}

/// `SELECT count(*) FROM (query)`.
pub(super) fn count_of(query: &SelectStmt, with: Option<&WithClause>) -> SelectStmt {
    let count = FuncCall {
        funcname: vec![word("pg_catalog"), word("count")],
        agg_star: true,
        funcformat: pg::CoercionForm::CoerceExplicitCall.into(),
        ..FuncCall::default()
    };
    around(query, with, target(node(N::FuncCall(Box::new(count))), ""))
}

/// All rows of a query.
pub(super) fn all_of(query: &SelectStmt, with: Option<&WithClause>) -> SelectStmt {
    let star = node(N::ColumnRef(ColumnRef { fields: vec![node(N::AStar(AStar {}))], location: 0 }));
    around(query, with, target(star, ""))
}

/// Some rows of a query.
pub(super) fn sample_of(query: &SelectStmt, with: Option<&WithClause>, rows: u32) -> SelectStmt {
    let mut select = all_of(query, with);
    limit(&mut select, rows);
    select
}

fn around(query: &SelectStmt, with: Option<&WithClause>, wanted: Node) -> SelectStmt {
    let inner = RangeSubselect {
        lateral: false,
        subquery: Some(Box::new(node(N::SelectStmt(Box::new(query.clone()))))),
        alias: Some(Alias { aliasname: "rows_to_insert".to_owned(), colnames: Vec::new() }),
    };
    SelectStmt {
        target_list: vec![wanted],
        from_clause: vec![node(N::RangeSubselect(Box::new(inner)))],
        with_clause: with.cloned(),
        ..plain()
    }
}

fn limit(select: &mut SelectStmt, rows: u32) {
    let ival = i32::try_from(rows).unwrap_or(i32::MAX);
    let constant =
        pg::AConst { isnull: false, location: 0, val: Some(pg::a_const::Val::Ival(pg::Integer { ival })) };
    select.limit_count = Some(Box::new(node(N::AConst(constant))));
    select.limit_option = LimitOption::Count.into();
}

fn plain() -> SelectStmt {
    SelectStmt {
        limit_option: LimitOption::Default.into(),
        op: SetOperation::SetopNone.into(),
        ..SelectStmt::default()
    }
}

/// A SELECT as text.
pub(super) fn print(select: SelectStmt) -> Option<String> {
    let statement = RawStmt {
        stmt: Some(Box::new(node(N::SelectStmt(Box::new(select))))),
        stmt_location: 0,
        stmt_len: 0,
    };
    pg_query::deparse(
        &ParseResult { version: 0, stmts: vec![statement] },
        pg_query::DeparseOptions::default(),
    )
    .ok()
}

fn node(node: N) -> Node {
    Node { node: Some(node) }
}

fn word(word: &str) -> Node {
    node(N::String(pg::String { sval: word.to_owned() }))
}

fn target(value: Node, name: &str) -> Node {
    node(N::ResTarget(Box::new(ResTarget {
        name: name.to_owned(),
        indirection: Vec::new(),
        val: Some(Box::new(value)),
        location: 0,
    })))
}
