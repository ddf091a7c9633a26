//! What does a FROM clause read, and which names does it bring?

use pg_query::NodeEnum as N;
use pg_query::protobuf::{Alias, JoinExpr, Node, RangeTableFunc, RangeTableSample, RangeVar};

use super::found::{LOCK, READ};
use super::names::words;
use super::{InScope, Walk};

impl<'t> Walk<'_, 't> {
    /// Everything in a FROM clause.
    pub(super) fn from(&mut self, items: &'t [Node]) {
        for item in items {
            self.item_of_from(item);
        }
    }

    fn item_of_from(&mut self, item: &'t Node) {
        let Some(node) = item.node.as_ref() else { return };
        match node {
            N::RangeVar(range) => self.relation_in_from(range),
            N::RangeSubselect(select) => {
                if let Some(query) = select.subquery.as_deref() {
                    self.query(query);
                }
                self.opaque(select.alias.as_ref());
            }
            N::JoinExpr(join) => self.join(join),
            N::RangeFunction(function) => {
                self.functions(&function.functions);
                self.column_definitions(&function.coldeflist);
                self.opaque(function.alias.as_ref());
                self.function_name_as_alias(&function.functions);
            }
            N::RangeTableSample(sample) => self.sample(sample),
            N::RangeTableFunc(table) => self.xml_table(table),
            N::JsonTable(table) => {
                self.json_table(table);
                self.opaque(table.alias.as_ref());
            }
            other => self.unlisted(other),
        }
    }

    fn relation_in_from(&mut self, range: &'t RangeVar) {
        let name = range.alias.as_ref().map_or(range.relname.as_str(), |alias| alias.aliasname.as_str());
        if range.schemaname.is_empty() && self.ctes.contains(&range.relname.as_str()) {
            self.scope.push(InScope { alias: name, relation: None });
            return;
        }
        let relation = self.resolve(range);
        if let Some(relation) = relation {
            self.touch(relation, READ, range.inh);
        }
        let renamed = range.alias.as_ref().is_some_and(|alias| !alias.colnames.is_empty());
        self.scope.push(InScope { alias: name, relation: relation.filter(|_| !renamed) });
    }

    fn opaque(&mut self, alias: Option<&'t Alias>) {
        if let Some(alias) = alias {
            self.scope.push(InScope { alias: &alias.aliasname, relation: None });
        }
    }

    /// Each function comes as a pair of the call and its column definitions.
    fn functions(&mut self, functions: &'t [Node]) {
        for function in functions {
            let Some(N::List(pair)) = function.node.as_ref() else {
                self.node(function);
                continue;
            };
            let mut pair = pair.items.iter();
            self.maybe(pair.next());
            for definitions in pair {
                if let Some(N::List(definitions)) = definitions.node.as_ref() {
                    self.column_definitions(&definitions.items);
                } else {
                    self.node(definitions);
                }
            }
        }
    }

    /// A function in FROM without an alias is named by its function.
    fn function_name_as_alias(&mut self, functions: &'t [Node]) {
        for function in functions {
            let Some(N::List(pair)) = function.node.as_ref() else { continue };
            let call = pair.items.first().and_then(|node| node.node.as_ref());
            if let Some(N::FuncCall(call)) = call
                && let Some(name) = words(&call.funcname).last()
            {
                self.scope.push(InScope { alias: name, relation: None });
            }
        }
    }

    fn join(&mut self, join: &'t JoinExpr) {
        for side in [&join.larg, &join.rarg].into_iter().flatten() {
            self.item_of_from(side);
        }
        if join.is_natural || !join.using_clause.is_empty() {
            self.operator_named(None, "=");
        }
        self.opaque(join.alias.as_ref());
        self.opaque(join.join_using_alias.as_ref());
        self.maybe(join.quals.as_deref());
    }

    fn sample(&mut self, sample: &'t RangeTableSample) {
        if let Some(relation) = sample.relation.as_deref() {
            self.item_of_from(relation);
        }
        self.nodes(&sample.args);
        self.maybe(sample.repeatable.as_deref());
        let method = words(&sample.method);
        let standard =
            matches!(method.as_slice(), ["system" | "bernoulli"] | ["pg_catalog", "system" | "bernoulli"]);
        let shadowed =
            method.len() == 1 && method.first().is_some_and(|name| self.calls_somebodys(None, name, None));
        if !standard && !shadowed {
            self.callee(&sample.method, &[]);
        }
    }

    fn xml_table(&mut self, table: &'t RangeTableFunc) {
        self.maybe(table.docexpr.as_deref());
        self.maybe(table.rowexpr.as_deref());
        self.nodes(&table.namespaces);
        for column in &table.columns {
            match column.node.as_ref() {
                Some(N::RangeTableFuncCol(column)) => {
                    if let Some(name) = &column.type_name {
                        self.type_name(name);
                    }
                    self.maybe(column.colexpr.as_deref());
                    self.maybe(column.coldefexpr.as_deref());
                }
                Some(other) => self.unlisted(other),
                None => {}
            }
        }
        self.opaque(table.alias.as_ref());
    }

    /// `AS x(a int, b mydomain)`.
    pub(super) fn column_definitions(&mut self, columns: &'t [Node]) {
        for column in columns {
            match column.node.as_ref() {
                Some(N::ColumnDef(column)) => {
                    if let Some(name) = &column.type_name {
                        self.type_name(name);
                    }
                }
                Some(other) => self.unlisted(other),
                None => {}
            }
        }
    }

    /// FOR UPDATE and its like lock the rows of every relation in this FROM, also inside of its subqueries and views.
    pub(super) fn lock(&mut self, items: &'t [Node]) {
        for item in items {
            match item.node.as_ref() {
                Some(N::RangeVar(range)) => {
                    let is_cte = range.schemaname.is_empty() && self.ctes.contains(&range.relname.as_str());
                    if !is_cte && let Some(relation) = self.resolve(range) {
                        self.touch(relation, LOCK, range.inh);
                    }
                }
                Some(N::RangeSubselect(select)) => {
                    if let Some(N::SelectStmt(inner)) =
                        select.subquery.as_deref().and_then(|node| node.node.as_ref())
                    {
                        self.lock(&inner.from_clause);
                    }
                }
                Some(N::JoinExpr(join)) => {
                    for side in [&join.larg, &join.rarg].into_iter().flatten() {
                        self.lock(std::slice::from_ref(&**side));
                    }
                }
                Some(N::RangeTableSample(sample)) => {
                    if let Some(relation) = sample.relation.as_deref() {
                        self.lock(std::slice::from_ref(relation));
                    }
                }
                _ => {}
            }
        }
    }
}
