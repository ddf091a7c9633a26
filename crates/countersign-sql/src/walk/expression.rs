//! What does an expression do?

use pg_query::NodeEnum as N;
use pg_query::protobuf::{AExpr, AExprKind, AIndirection, Node, SubLink, WindowDef};

use super::Walk;
use super::names::text_of;

impl<'t> Walk<'_, 't> {
    /// Any node that may stand in an expression or in one of its lists.
    pub(super) fn node(&mut self, node: &'t Node) {
        let Some(node) = node.node.as_ref() else { return };
        match node {
            N::ColumnRef(column) => self.column(column),
            N::AConst(_)
            | N::ParamRef(_)
            | N::AStar(_)
            | N::String(_)
            | N::Integer(_)
            | N::Float(_)
            | N::Boolean(_)
            | N::BitString(_)
            | N::SqlvalueFunction(_)
            | N::SetToDefault(_)
            | N::CurrentOfExpr(_) => {}
            N::AExpr(expression) => self.operation(expression),
            N::FuncCall(call) => self.call(call),
            N::TypeCast(cast) => {
                self.maybe(cast.arg.as_deref());
                if let Some(name) = &cast.type_name {
                    self.type_name(name);
                }
            }
            N::BoolExpr(e) => self.nodes(&e.args),
            N::NullTest(e) => self.maybe(e.arg.as_deref()),
            N::BooleanTest(e) => self.maybe(e.arg.as_deref()),
            N::SubLink(link) => self.sublink(link),
            N::CollateClause(e) => self.maybe(e.arg.as_deref()),
            N::AIndirection(e) => self.indirection(e),
            N::AIndices(e) => {
                self.maybe(e.lidx.as_deref());
                self.maybe(e.uidx.as_deref());
            }
            N::AArrayExpr(e) => self.nodes(&e.elements),
            N::List(list) => self.nodes(&list.items),
            N::RowExpr(e) => self.nodes(&e.args),
            N::CoalesceExpr(e) => self.nodes(&e.args),
            N::MinMaxExpr(e) => self.nodes(&e.args),
            N::GroupingFunc(e) => self.nodes(&e.args),
            N::GroupingSet(e) => self.nodes(&e.content),
            N::NamedArgExpr(e) => self.maybe(e.arg.as_deref()),
            N::CaseExpr(_) | N::CaseWhen(_) => self.case(node),
            N::ResTarget(target) => {
                self.nodes(&target.indirection);
                self.maybe(target.val.as_deref());
            }
            N::MultiAssignRef(e) => self.maybe(e.source.as_deref()),
            N::SortBy(sort) => {
                self.maybe(sort.node.as_deref());
                if !sort.use_op.is_empty() {
                    self.operator(&sort.use_op);
                }
            }
            N::WindowDef(window) => self.window(window),
            N::XmlExpr(e) => {
                self.nodes(&e.named_args);
                self.nodes(&e.args);
            }
            N::XmlSerialize(e) => {
                self.maybe(e.expr.as_deref());
                if let Some(name) = &e.type_name {
                    self.type_name(name);
                }
            }
            N::MergeSupportFunc(_) => self.grammar_function("merge_action"),
            other => self.sql_json(other),
        }
    }

    /// An operator with its operands; several forms mean an operator that they don't write.
    fn operation(&mut self, expression: &'t AExpr) {
        self.maybe(expression.lexpr.as_deref());
        self.maybe(expression.rexpr.as_deref());
        match AExprKind::try_from(expression.kind).unwrap_or(AExprKind::Undefined) {
            AExprKind::AexprBetween
            | AExprKind::AexprNotBetween
            | AExprKind::AexprBetweenSym
            | AExprKind::AexprNotBetweenSym => {
                for name in ["<", "<=", ">", ">="] {
                    self.operator_named(None, name);
                }
            }
            AExprKind::AexprDistinct
            | AExprKind::AexprNotDistinct
            | AExprKind::AexprNullif
            | AExprKind::AexprIn => {
                self.operator_named(None, "=");
                self.operator(&expression.name);
            }
            AExprKind::AexprOp
            | AExprKind::AexprOpAny
            | AExprKind::AexprOpAll
            | AExprKind::AexprLike
            | AExprKind::AexprIlike
            | AExprKind::AexprSimilar => self.operator(&expression.name),
            AExprKind::Undefined => self.unknown("syntax:AExpr"),
        }
    }

    fn sublink(&mut self, link: &'t SubLink) {
        self.maybe(link.testexpr.as_deref());
        if link.oper_name.is_empty() {
            self.operator_named(None, "=");
        } else {
            self.operator(&link.oper_name);
        }
        if let Some(query) = link.subselect.as_deref() {
            self.query(query);
        }
    }

    /// `(value).field`, `value[1]`: a field that no composite type has is a call.
    fn indirection(&mut self, indirection: &'t AIndirection) {
        self.maybe(indirection.arg.as_deref());
        for step in &indirection.indirection {
            if let Some(name) = text_of(step) {
                self.field(indirection, name);
            } else {
                self.node(step);
            }
        }
    }

    fn field(&mut self, indirection: &'t AIndirection, name: &'t str) {
        let whole_row = indirection.arg.as_deref().and_then(|arg| match arg.node.as_ref() {
            Some(N::ColumnRef(column)) if column.fields.len() == 1 => column.fields.first().and_then(text_of),
            _ => None,
        });
        let certain = whole_row.is_some_and(|alias| {
            let mut entries = self.scope.iter().filter(|entry| entry.alias == alias).peekable();
            entries.peek().is_some() && entries.all(|e| e.relation.is_some_and(|r| r.has_column(name)))
        });
        if !certain {
            self.attribute_call(name);
        }
    }

    fn case(&mut self, node: &'t N) {
        match node {
            N::CaseExpr(case) => {
                if case.arg.is_some() {
                    self.operator_named(None, "=");
                }
                self.maybe(case.arg.as_deref());
                self.nodes(&case.args);
                self.maybe(case.defresult.as_deref());
            }
            N::CaseWhen(when) => {
                self.maybe(when.expr.as_deref());
                self.maybe(when.result.as_deref());
            }
            other => self.unlisted(other),
        }
    }

    /// OVER (…) and WINDOW.
    pub(super) fn window(&mut self, window: &'t WindowDef) {
        self.nodes(&window.partition_clause);
        self.nodes(&window.order_clause);
        self.maybe(window.start_offset.as_deref());
        self.maybe(window.end_offset.as_deref());
    }
}
