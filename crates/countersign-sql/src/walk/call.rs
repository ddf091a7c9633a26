//! What does a function call do?

use countersign_core::Verb;
use pg_query::NodeEnum;
use pg_query::protobuf::a_const::Val;
use pg_query::protobuf::{AConst, FuncCall, Node, RangeVar};

use super::names::{schema_and_name, words};
use super::{Expects, SESSION, Walk};
use crate::catalog::SystemFunction;
use crate::functions::{Call, GRAMMAR_FUNCTIONS, call_of};
use crate::{lex, object, settings};

impl<'t> Walk<'_, 't> {
    /// A call with its arguments.
    pub(super) fn call(&mut self, call: &'t FuncCall) {
        let columns = self.columns;
        self.nodes(&call.args);
        if self.expects == Expects::Planning && self.columns > columns {
            return;
        }
        self.nodes(&call.agg_order);
        self.maybe(call.agg_filter.as_deref());
        if let Some(over) = &call.over {
            self.window(over);
        }
        self.callee(&call.funcname, &call.args);
    }

    /// The function that a name and its arguments may mean: every candidate counts.
    pub(super) fn callee(&mut self, name: &'t [Node], arguments: &[Node]) {
        let words = words(name);
        let (schema, name) = schema_and_name(&words);
        let mut known = self.calls_somebodys(schema, name, Some(arguments.len()));
        if schema.is_none_or(|schema| schema == "pg_catalog")
            && let Some(mark) = self.catalog.system_function(name)
        {
            known = true;
            self.found.varies |= mark != SystemFunction::Calm;
            self.calls_system(name, call_of(name, mark), arguments);
        }
        if schema == Some("pg_catalog") {
            self.grammar_function(name);
        }
        if schema == Some("information_schema") && name.starts_with("_pg_") {
            known = true;
        }
        let is_type = self.catalog.types_named(name).next().is_some() && self.type_named(schema, name);
        if !known && !is_type {
            self.unknown(format!("{}()", object::written(words.iter().copied())));
        }
    }

    /// Gathers every visible function of this name that isn't PostgreSQL's own; whether there is one.
    pub(super) fn calls_somebodys(
        &mut self,
        schema: Option<&str>,
        name: &str,
        arguments: Option<usize>,
    ) -> bool {
        let catalog = self.catalog;
        let mut known = false;
        for function in catalog.functions_named(name) {
            let visible = match schema {
                Some(schema) => function.schema == schema,
                None => self.path.contains(&function.schema.as_str()),
            };
            if !visible || arguments.is_some_and(|count| !function.accepts(count)) {
                continue;
            }
            known = true;
            if function.known_safe {
                continue;
            }
            self.add(Verb::Execute, object::function(&function.schema, &function.name));
            if name.starts_with("dblink") || name.starts_with("postgres_fdw") {
                self.add(Verb::Network, object::named("server", name));
            }
        }
        known
    }

    fn calls_system(&mut self, name: &str, call: Call, arguments: &[Node]) {
        let this = object::function("pg_catalog", name);
        match call {
            Call::Calm => {}
            Call::Acts => self.add(Verb::Execute, this),
            Call::RunsText => {
                self.unknown(this.as_str());
                self.add(Verb::Execute, this);
            }
            Call::Secret => self.add(Verb::Secret, this),
            Call::ReadsFile | Call::WritesFile => {
                let writes = call == Call::WritesFile;
                let path = self.literal(arguments, usize::from(writes));
                let file = object::named("file", path.unwrap_or("?"));
                self.add(if writes { Verb::Export } else { Verb::Secret }, file);
                self.add(Verb::Execute, this);
            }
            Call::WritesSequence if self.expects == Expects::ADefault => {}
            Call::WritesSequence => self.uses_sequence(Verb::Write, &this, arguments),
            Call::ReadsSequence => self.uses_sequence(Verb::Read, &this, arguments),
            Call::Sets => self.sets(arguments),
            Call::Notifies => {
                let channel = self.literal(arguments, 0).unwrap_or("?");
                self.add(Verb::Network, object::named("channel", channel));
            }
        }
    }

    fn uses_sequence(&mut self, verb: Verb, this: &str, arguments: &[Node]) {
        let Some(parts) = self.literal(arguments, 0).and_then(lex::split_identifier) else {
            self.unknown(this);
            return;
        };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (schema, name) = schema_and_name(&parts);
        let range = RangeVar {
            schemaname: schema.unwrap_or_default().to_owned(),
            relname: name.to_owned(),
            ..RangeVar::default()
        };
        if let Some(sequence) = self.resolve(&range) {
            self.add(verb, object::qualified(&sequence.schema, &sequence.name));
        }
    }

    fn sets(&mut self, arguments: &[Node]) {
        let value = self.literal(arguments, 1);
        match self.literal(arguments, 0) {
            Some(name)
                if settings::is_harmless(name)
                    || value.is_some_and(|value| settings::is_harmless_value(name, value)) =>
            {
                self.add(Verb::Read, SESSION);
            }
            Some(name) => {
                if settings::is_encoding(name)
                    && let Some(value) = value
                {
                    self.found.encoding = Some(value.to_owned());
                }
                self.add(Verb::Privilege, object::named("setting", &name.to_ascii_lowercase()));
            }
            None => {
                self.unknown("setting:?");
                self.add(Verb::Privilege, "setting:?");
            }
        }
    }

    /// The text of a literal argument. Whoever asks looks at a constant.
    fn literal<'n>(&mut self, arguments: &'n [Node], index: usize) -> Option<&'n str> {
        self.found.used_constant = true;
        let mut node = arguments.get(index)?;
        if let Some(NodeEnum::TypeCast(cast)) = node.node.as_ref() {
            node = cast.arg.as_deref()?;
        }
        match node.node.as_ref()? {
            NodeEnum::AConst(AConst { val: Some(Val::Sval(text)), .. }) => Some(&text.sval),
            _ => None,
        }
    }

    /// A construct of newer grammar, which an older server reads as a call of whatever has this name.
    pub(super) fn grammar_function(&mut self, name: &str) {
        let built_in = GRAMMAR_FUNCTIONS.iter().find(|(known, _)| *known == name);
        if built_in.is_some_and(|(_, since)| self.catalog.version() < *since) {
            self.calls_somebodys(None, name, None);
        }
    }
}
