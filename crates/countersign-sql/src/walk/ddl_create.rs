//! What does CREATE do?

use countersign_core::Verb;
use pg_query::NodeEnum as N;
use pg_query::protobuf::{
    CreateFunctionStmt, CreateStmt, CreateTableAsStmt, CreateTrigStmt, DefElem, DefineStmt, IndexStmt,
    IntoClause, ObjectType, RuleStmt, ViewStmt,
};

use super::names::{schema_and_name, words};
use super::settings::constant_text;
use super::statement::Shape;
use super::{Walk, settings};
use crate::classified::StatementKind as K;
use crate::object;

impl<'t> Walk<'_, 't> {
    /// CREATE of relations and code; others follow.
    pub(super) fn create_statement(&mut self, node: &'t N) -> Shape {
        let tag = match node {
            N::CreateStmt(s) => {
                self.create_table(s);
                "CREATE TABLE"
            }
            N::CreateTableAsStmt(s) => return self.create_table_as(s),
            N::ViewStmt(s) => {
                self.create_view(s);
                "CREATE VIEW"
            }
            N::IndexStmt(s) => {
                self.create_index(s);
                "CREATE INDEX"
            }
            N::CreateFunctionStmt(s) => {
                self.create_function(s);
                if s.is_procedure { "CREATE PROCEDURE" } else { "CREATE FUNCTION" }
            }
            N::CreateTrigStmt(s) => {
                self.create_trigger(s);
                "CREATE TRIGGER"
            }
            N::RuleStmt(s) => {
                self.create_rule(s);
                "CREATE RULE"
            }
            N::CreateSeqStmt(s) => {
                let name = s.sequence.as_ref().map(|range| self.to_create(range));
                self.add(Verb::Schema, name.unwrap_or_default());
                "CREATE SEQUENCE"
            }
            N::CreateSchemaStmt(s) => {
                self.add(Verb::Schema, object::named("schema", &s.schemaname));
                if let Some(role) = &s.authrole {
                    self.role(Some(role));
                }
                for element in &s.schema_elts {
                    if let Some(element) = element.node.as_ref() {
                        let _shape = self.outside_statement(element);
                    }
                }
                "CREATE SCHEMA"
            }
            other => return self.create_other(other),
        };
        Shape::new(K::Ddl, tag)
    }

    /// CREATE of extensions, types, casts, operators; others are ALTER.
    fn create_other(&mut self, node: &'t N) -> Shape {
        let (tag, name) = match node {
            N::CreateExtensionStmt(s) => {
                let name = object::named("extension", &s.extname);
                self.add(Verb::Execute, name.as_str());
                ("CREATE EXTENSION", name)
            }
            N::CreateCastStmt(s) => {
                if let Some(function) = &s.func {
                    self.callee(&function.objname, &function.objargs);
                }
                ("CREATE CAST", "cast".to_owned())
            }
            N::CreateTransformStmt(s) => ("CREATE TRANSFORM", object::named("language", &s.lang)),
            N::CreateConversionStmt(s) => {
                ("CREATE CONVERSION", self.kind_name("conversion", &words(&s.conversion_name)))
            }
            N::DefineStmt(s) => self.define(s),
            N::CreateDomainStmt(s) => {
                if let Some(name) = &s.type_name {
                    self.type_name(name);
                }
                self.ddl_nodes(&s.constraints);
                ("CREATE DOMAIN", self.kind_name("type", &words(&s.domainname)))
            }
            N::CompositeTypeStmt(s) => {
                self.column_definitions(&s.coldeflist);
                let name = s.typevar.as_ref().map(|range| self.to_create(range));
                ("CREATE TYPE", object::named("type", &name.unwrap_or_default()))
            }
            N::CreateEnumStmt(s) => ("CREATE TYPE", self.kind_name("type", &words(&s.type_name))),
            N::CreateRangeStmt(s) => {
                // Its functions (subtype_diff, canonical) run whenever values are made.
                self.add(Verb::Privilege, self.kind_name("type", &words(&s.type_name)));
                ("CREATE TYPE", self.kind_name("type", &words(&s.type_name)))
            }
            N::CreateOpClassStmt(s) => {
                ("CREATE OPERATOR CLASS", self.kind_name("operator", &words(&s.opclassname)))
            }
            N::CreateOpFamilyStmt(s) => {
                ("CREATE OPERATOR FAMILY", self.kind_name("operator", &words(&s.opfamilyname)))
            }
            N::CreateAmStmt(s) => {
                self.add(Verb::Privilege, object::named("object", &s.amname));
                ("CREATE ACCESS METHOD", object::named("object", &s.amname))
            }
            N::CreateStatsStmt(s) => {
                for node in &s.exprs {
                    if let Some(N::StatsElem(element)) = node.node.as_ref() {
                        self.maybe(element.expr.as_deref());
                    }
                }
                self.from(&s.relations);
                ("CREATE STATISTICS", self.kind_name("statistics", &words(&s.defnames)))
            }
            other => return self.alter_statement(other),
        };
        self.add(Verb::Schema, name);
        Shape::new(K::Ddl, tag)
    }

    pub(super) fn kind_name(&self, kind: &str, words: &[&str]) -> String {
        let (schema, name) = schema_and_name(words);
        object::named(kind, &self.created(schema, name))
    }

    fn define(&mut self, define: &'t DefineStmt) -> (&'static str, String) {
        let names = words(&define.defnames);
        match ObjectType::try_from(define.kind).unwrap_or(ObjectType::Undefined) {
            ObjectType::ObjectAggregate => {
                let (schema, name) = schema_and_name(&names);
                ("CREATE AGGREGATE", format!("{}()", self.created(schema, name)))
            }
            ObjectType::ObjectOperator => ("CREATE OPERATOR", self.kind_name("operator", &names)),
            ObjectType::ObjectType => {
                // A base type names functions written in C.
                let name = self.kind_name("type", &names);
                self.add(Verb::Privilege, name.as_str());
                ("CREATE TYPE", name)
            }
            _ => ("CREATE", self.kind_name("object", &names)),
        }
    }

    /// CREATE TABLE, also for foreign tables.
    pub(super) fn create_table(&mut self, create: &'t CreateStmt) {
        let name = create.relation.as_ref().map(|range| self.to_create(range));
        self.add(Verb::Schema, name.unwrap_or_default());
        self.ddl_nodes(&create.table_elts);
        self.ddl_nodes(&create.constraints);
        self.ddl_nodes(&create.nnconstraints);
        for parent in &create.inh_relations {
            match parent.node.as_ref() {
                Some(N::RangeVar(range)) => {
                    let name = self.altered(range);
                    self.add(Verb::Schema, name);
                }
                _ => self.unknown("syntax:CreateStmt"),
            }
        }
        if let Some(name) = &create.of_typename {
            self.type_name(name);
        }
        if let Some(bound) = &create.partbound {
            self.partition_bound(bound);
        }
        if let Some(partition) = &create.partspec {
            for part in &partition.part_params {
                match part.node.as_ref() {
                    Some(N::PartitionElem(part)) => self.maybe(part.expr.as_deref()),
                    _ => self.unknown("syntax:PartitionSpec"),
                }
            }
        }
    }

    fn create_table_as(&mut self, create: &'t CreateTableAsStmt) -> Shape {
        self.inner(create.query.as_deref());
        if let Some(into) = create.into.as_deref() {
            self.into(into);
        }
        let view = create.objtype == ObjectType::ObjectMatview as i32;
        Shape::new(K::Ddl, if view { "CREATE MATERIALIZED VIEW" } else { "CREATE TABLE AS" })
    }

    /// The new table of SELECT INTO and CREATE TABLE AS.
    pub(super) fn into(&mut self, into: &'t IntoClause) {
        let name = into.rel.as_ref().map(|range| self.to_create(range)).unwrap_or_default();
        self.add(Verb::Schema, name.as_str());
        self.add(Verb::Write, name);
    }

    fn create_view(&mut self, create: &'t ViewStmt) {
        let name = create.view.as_ref().map(|range| self.to_create(range));
        self.add(Verb::Schema, name.unwrap_or_default());
        self.inner(create.query.as_deref());
    }

    fn create_index(&mut self, index: &'t IndexStmt) {
        let name = index.relation.as_ref().map(|range| self.altered(range));
        self.add(Verb::Schema, name.unwrap_or_default());
        self.ddl_nodes(&index.index_params);
        self.maybe(index.where_clause.as_deref());
        for operator in &index.exclude_op_names {
            if let Some(N::List(operator)) = operator.node.as_ref() {
                self.operator(&operator.items);
            }
        }
    }

    /// Code that anybody may call with the owner's rights, or in a language without limits, is a privilege.
    fn create_function(&mut self, create: &'t CreateFunctionStmt) {
        let names = words(&create.funcname);
        let (schema, name) = schema_and_name(&names);
        let function = format!("{}()", self.created(schema, name));
        self.add(Verb::Schema, function.as_str());
        for option in &create.options {
            match option.node.as_ref() {
                Some(N::DefElem(option)) => self.function_option(option, &function),
                _ => self.unknown("syntax:CreateFunctionStmt"),
            }
        }
        for parameter in &create.parameters {
            if let Some(N::FunctionParameter(parameter)) = parameter.node.as_ref() {
                self.maybe(parameter.defexpr.as_deref());
            }
        }
        if create.sql_body.is_some() {
            // Its statements run when it is called, and a call is an effect of its own.
            self.found.used_constant = true;
        }
    }

    pub(super) fn function_option(&mut self, option: &DefElem, function: &str) {
        let value = option.arg.as_deref();
        match option.defname.as_str() {
            "security" if settings::is_on(value) => self.add(Verb::Privilege, function),
            "set" | "leakproof" | "support" => self.add(Verb::Privilege, function),
            "language" => {
                let language = value.and_then(constant_text).unwrap_or_default();
                if !matches!(language.as_str(), "sql" | "plpgsql") {
                    self.add(Verb::Privilege, object::named("language", &language));
                }
            }
            _ => {}
        }
    }

    /// A trigger runs its function with every later write.
    fn create_trigger(&mut self, create: &'t CreateTrigStmt) {
        let name = create.relation.as_ref().map(|range| self.altered(range));
        self.add(Verb::Schema, name.unwrap_or_default());
        self.maybe(create.when_clause.as_deref());
        self.callee(&create.funcname, &[]);
    }

    /// A rule rewrites every later statement on its relation.
    fn create_rule(&mut self, rule: &'t RuleStmt) {
        let name = rule.relation.as_ref().map(|range| self.altered(range)).unwrap_or_default();
        self.add(Verb::Schema, name.as_str());
        self.add(Verb::Privilege, name);
        for alias in ["old", "new"] {
            self.scope.push(super::InScope { alias, relation: None });
        }
        self.maybe(rule.where_clause.as_deref());
        for action in &rule.actions {
            match action.node.as_ref() {
                Some(N::NotifyStmt(notify)) => {
                    self.add(Verb::Network, object::named("channel", &notify.conditionname));
                }
                _ => self.inner(Some(action)),
            }
        }
    }
}
