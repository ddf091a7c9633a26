//! What does a name stand for in this session?

use countersign_core::Verb;
use pg_query::NodeEnum;
use pg_query::protobuf::{ColumnRef, Node, RangeVar, TypeName};

use super::{Walk, definition};
use crate::catalog::Relation;
use crate::functions::{Call, call_of};
use crate::object;

/// The domains of the information schema; their checks only compare.
const STANDARD_DOMAINS: [&str; 5] =
    ["cardinal_number", "character_data", "sql_identifier", "time_stamp", "yes_or_no"];

/// The strings in a list of nodes, in order; other nodes are left out.
pub(crate) fn words(nodes: &[Node]) -> Vec<&str> {
    nodes.iter().filter_map(text_of).collect()
}

/// The text of a String node.
pub(crate) fn text_of(node: &Node) -> Option<&str> {
    match node.node.as_ref()? {
        NodeEnum::String(string) => Some(&string.sval),
        _ => None,
    }
}

/// Schema and name of a list of words; the database's name before them can only be this database.
pub(super) fn schema_and_name<'n>(names: &[&'n str]) -> (Option<&'n str>, &'n str) {
    match names {
        [.., schema, name] => (Some(schema), name),
        [name] => (None, name),
        [] => (None, ""),
    }
}

impl<'c, 't> Walk<'c, 't> {
    /// The relation that a RangeVar means, which is not a common table expression. Unresolved is `unknown`.
    pub(super) fn resolve(&mut self, range: &RangeVar) -> Option<&'c Relation> {
        let found = if range.schemaname.is_empty() {
            self.warn_of_shadow(&range.relname);
            let found = self.catalog.relation_on_path(&self.path, &range.relname);
            if let Some(relation) = found {
                self.warn_of_gap(&relation.schema, &range.relname);
            }
            found
        } else {
            self.catalog.relation(&range.schemaname, &range.relname)
        };
        if found.is_none() {
            self.unknown(object::written([range.schemaname.as_str(), range.relname.as_str()]));
        }
        found
    }

    /// The server passes over a schema that the role may not use: it means something else than what was found.
    fn warn_of_gap(&mut self, schema: &str, name: &str) {
        if !self.catalog.has_schema(schema) {
            self.unknown(object::written([name]));
        }
    }

    /// A temporary object hides every other object of its name.
    fn warn_of_shadow(&mut self, name: &str) {
        if self.temp_shadowing {
            self.unknown(object::written([name]));
        }
    }

    /// `schema.name` for something that a statement creates.
    pub(super) fn to_create(&self, range: &RangeVar) -> String {
        if range.relpersistence == "t" {
            return object::qualified("pg_temp", &range.relname);
        }
        self.created(Some(range.schemaname.as_str()).filter(|schema| !schema.is_empty()), &range.relname)
    }

    /// `schema.name` for something created under this name; without a schema, in the first that exists.
    pub(super) fn created(&self, schema: Option<&str>, name: &str) -> String {
        let first = || self.path.iter().find(|s| **s != "pg_catalog" && self.catalog.has_schema(s)).copied();
        schema
            .or_else(first)
            .map_or_else(|| object::written([name]), |schema| object::qualified(schema, name))
    }

    /// `schema.name` of a relation that a DDL statement names, and `unknown` when there is none.
    pub(super) fn altered(&mut self, range: &RangeVar) -> String {
        self.resolve(range).map_or_else(
            || object::written([range.schemaname.as_str(), range.relname.as_str()]),
            |relation| object::qualified(&relation.schema, &relation.name),
        )
    }

    /// An operator by name: PostgreSQL's own are calm, a visible one of somebody else runs its function.
    pub(super) fn operator(&mut self, name: &[Node]) {
        if !self.catalog.has_operators() {
            return;
        }
        let words = words(name);
        let (schema, name) = schema_and_name(&words);
        self.operator_named(schema, name);
    }

    pub(super) fn operator_named(&mut self, schema: Option<&str>, name: &str) {
        for operator in self.catalog.operators_named(name) {
            let visible = match schema {
                Some(schema) => operator.schema == schema,
                None => self.path.contains(&operator.schema.as_str()),
            };
            if visible {
                self.run(operator.function, &operator.schema, name);
            }
        }
    }

    /// Somebody's function behind an operator; one of PostgreSQL's own is named by the operator.
    fn run(&mut self, function: u32, schema: &str, operator: &str) {
        match self.catalog.function_by_oid(function) {
            Some(function) if function.known_safe => {}
            Some(function) => self.add(Verb::Execute, object::function(&function.schema, &function.name)),
            None => self.add(Verb::Execute, format!("operator:{schema}.{operator}")),
        }
    }

    /// A function that runs because of a trigger, a cast or an event.
    pub(super) fn runs_function(&mut self, oid: u32) {
        if oid < crate::catalog::FIRST_USER_OID {
            return;
        }
        match self.catalog.function_by_oid(oid) {
            Some(function) if function.known_safe => {}
            Some(function) => self.add(Verb::Execute, object::function(&function.schema, &function.name)),
            None => self.unknown("function"),
        }
    }

    /// A type: PostgreSQL's own are calm, a domain runs its checks, a type with casts may run them.
    pub(super) fn type_name(&mut self, name: &TypeName) {
        let words = words(&name.names);
        let (schema, name) = schema_and_name(&words);
        if schema.is_none() && self.temp_shadowing {
            self.unknown(object::named("type", name));
        }
        if self.type_named(schema, name) {
            return;
        }
        self.unknown(object::named("type", &object::written(words.iter().copied())));
    }

    /// Whether there is such a type; its effects are gathered.
    pub(super) fn type_named(&mut self, schema: Option<&str>, name: &str) -> bool {
        let catalog = self.catalog;
        let qualified = schema.is_some();
        let path = schema.map_or_else(|| self.path.clone(), |_| Vec::new());
        for schema in schema.into_iter().chain(path) {
            if let Some((oid, _)) = catalog.types_named(name).find(|(_, found)| found.schema == schema) {
                self.type_effects(oid);
                if !qualified {
                    self.warn_of_gap(schema, name);
                }
                return true;
            }
            if schema == "pg_catalog" && catalog.is_system_type(name) {
                return true;
            }
            if schema == "information_schema" && STANDARD_DOMAINS.contains(&name) {
                return true;
            }
        }
        false
    }

    fn type_effects(&mut self, oid: u32) {
        let found = definition::of_type(self.catalog, oid, self.depth);
        self.found.merge(&found, None);
    }

    /// A column, or, when the relation has none of that name, a call in attribute notation: `t.f` is `f(t)`.
    pub(super) fn column(&mut self, column: &'t ColumnRef) {
        self.columns += 1;
        let fields = &column.fields;
        let Some((last, qualifiers)) = fields.split_last() else { return };
        let (Some(name), Some(qualifier)) = (text_of(last), qualifiers.last().and_then(text_of)) else {
            return;
        };
        let mut innermost = None;
        let mut doubt = true;
        for entry in self.scope.iter().rev().filter(|entry| entry.alias == qualifier) {
            let has = entry.relation.map(|relation| relation.has_column(name));
            if innermost.is_none() {
                innermost = Some(has);
                doubt = false;
            }
            doubt |= has != Some(true);
        }
        if doubt && self.attribute_call(name) {
            return;
        }
        if innermost == Some(Some(false)) {
            self.unknown(object::written(words(fields)));
        }
    }

    /// What `(value).name` calls when `name` isn't a column; whether it may be a call that acts.
    pub(super) fn attribute_call(&mut self, name: &str) -> bool {
        let catalog = self.catalog;
        let mut calls = false;
        for function in catalog.functions_named(name) {
            if !function.known_safe && function.accepts(1) && self.path.contains(&function.schema.as_str()) {
                self.add(Verb::Execute, object::function(&function.schema, &function.name));
                calls = true;
            }
        }
        if let Some(mark) = catalog.system_function(name)
            && call_of(name, mark) != Call::Calm
        {
            self.add(Verb::Execute, object::function("pg_catalog", name));
            calls = true;
        }
        calls
    }
}
