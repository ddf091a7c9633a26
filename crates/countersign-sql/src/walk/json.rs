//! What does SQL/JSON grammar do?

use pg_query::NodeEnum as N;
use pg_query::protobuf::{
    JsonAggConstructor, JsonBehavior, JsonFuncExpr, JsonOutput, JsonTable, JsonTableColumn,
    JsonTablePathSpec, JsonValueExpr,
};

use super::Walk;

impl<'t> Walk<'_, 't> {
    /// The constructors and functions of SQL/JSON; anything else is unlisted.
    pub(super) fn sql_json(&mut self, node: &'t N) {
        match node {
            N::JsonValueExpr(e) => self.json_value(Some(e)),
            N::JsonArgument(e) => self.json_value(e.val.as_deref()),
            N::JsonIsPredicate(e) => self.maybe(e.expr.as_deref()),
            N::JsonKeyValue(e) => {
                self.maybe(e.key.as_deref());
                self.json_value(e.value.as_deref());
            }
            N::JsonFuncExpr(e) => self.json_function(e),
            N::JsonParseExpr(e) => self.json_made("json", e.expr.as_deref(), e.output.as_ref()),
            N::JsonScalarExpr(e) => {
                self.maybe(e.expr.as_deref());
                self.json_made("json_scalar", None, e.output.as_ref());
            }
            N::JsonSerializeExpr(e) => self.json_made("json_serialize", e.expr.as_deref(), e.output.as_ref()),
            N::JsonObjectConstructor(e) => {
                self.nodes(&e.exprs);
                self.json_made("json_object", None, e.output.as_ref());
            }
            N::JsonArrayConstructor(e) => {
                self.nodes(&e.exprs);
                self.json_made("json_array", None, e.output.as_ref());
            }
            N::JsonArrayQueryConstructor(e) => {
                if let Some(query) = e.query.as_deref() {
                    self.query(query);
                }
                self.json_made("json_array", None, e.output.as_ref());
            }
            N::JsonObjectAgg(e) => {
                if let Some(pair) = e.arg.as_deref() {
                    self.maybe(pair.key.as_deref());
                    self.json_value(pair.value.as_deref());
                }
                self.json_aggregate("json_objectagg", e.constructor.as_deref());
            }
            N::JsonArrayAgg(e) => {
                self.json_value(e.arg.as_deref());
                self.json_aggregate("json_arrayagg", e.constructor.as_deref());
            }
            other => self.unlisted(other),
        }
    }

    fn json_made(&mut self, name: &str, value: Option<&'t JsonValueExpr>, output: Option<&'t JsonOutput>) {
        self.grammar_function(name);
        self.json_value(value);
        self.json_output(output);
    }

    fn json_value(&mut self, value: Option<&'t JsonValueExpr>) {
        if let Some(value) = value {
            self.maybe(value.raw_expr.as_deref());
            self.maybe(value.formatted_expr.as_deref());
        }
    }

    fn json_output(&mut self, output: Option<&'t JsonOutput>) {
        if let Some(name) = output.and_then(|output| output.type_name.as_ref()) {
            self.type_name(name);
        }
    }

    fn json_function(&mut self, e: &'t JsonFuncExpr) {
        for name in ["json_exists", "json_query", "json_value"] {
            self.grammar_function(name);
        }
        self.json_value(e.context_item.as_deref());
        self.maybe(e.pathspec.as_deref());
        self.nodes(&e.passing);
        self.json_output(e.output.as_ref());
        self.json_behaviour(e.on_empty.as_deref());
        self.json_behaviour(e.on_error.as_deref());
    }

    fn json_behaviour(&mut self, behaviour: Option<&'t JsonBehavior>) {
        self.maybe(behaviour.and_then(|behaviour| behaviour.expr.as_deref()));
    }

    fn json_aggregate(&mut self, name: &str, aggregate: Option<&'t JsonAggConstructor>) {
        self.grammar_function(name);
        let Some(aggregate) = aggregate else { return };
        self.json_output(aggregate.output.as_ref());
        self.maybe(aggregate.agg_filter.as_deref());
        self.nodes(&aggregate.agg_order);
        if let Some(over) = aggregate.over.as_deref() {
            self.window(over);
        }
    }

    /// JSON_TABLE in FROM.
    pub(super) fn json_table(&mut self, table: &'t JsonTable) {
        self.grammar_function("json_table");
        self.json_value(table.context_item.as_deref());
        self.json_path(table.pathspec.as_deref());
        self.nodes(&table.passing);
        self.json_behaviour(table.on_error.as_deref());
        for column in &table.columns {
            match column.node.as_ref() {
                Some(N::JsonTableColumn(column)) => self.json_column(column),
                Some(other) => self.unlisted(other),
                None => {}
            }
        }
    }

    fn json_path(&mut self, path: Option<&'t JsonTablePathSpec>) {
        self.maybe(path.and_then(|path| path.string.as_deref()));
    }

    fn json_column(&mut self, column: &'t JsonTableColumn) {
        if let Some(name) = &column.type_name {
            self.type_name(name);
        }
        self.json_path(column.pathspec.as_deref());
        self.json_behaviour(column.on_empty.as_deref());
        self.json_behaviour(column.on_error.as_deref());
        for nested in &column.columns {
            match nested.node.as_ref() {
                Some(N::JsonTableColumn(nested)) => self.json_column(nested),
                Some(other) => self.unlisted(other),
                None => {}
            }
        }
    }
}
