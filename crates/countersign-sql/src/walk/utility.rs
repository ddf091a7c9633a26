//! What do cursors, prepared statements, EXPLAIN, notifications, locks and upkeep do?

use countersign_core::Verb;
use pg_query::NodeEnum as N;
use pg_query::protobuf::{CallStmt, DoStmt, ExecuteStmt, ExplainStmt, LockStmt, Node, VacuumStmt};

use super::found::{Found, INSERT, LOCK};
use super::names::text_of;
use super::settings::{constant_text, is_on};
use super::statement::Shape;
use super::{SESSION, Walk, schema_and_name, words};
use crate::classified::StatementKind as K;
use crate::object;

impl<'t> Walk<'_, 't> {
    /// Statements about the session; others follow.
    pub(super) fn session_statement(&mut self, node: &'t N) -> Shape {
        match node {
            N::TransactionStmt(s) => return self.transaction(s),
            N::VariableSetStmt(s) => return self.set(s),
            N::DiscardStmt(s) => return self.discard(s),
            N::VariableShowStmt(s) => {
                self.add(Verb::Read, SESSION);
                return Shape::rows(K::Show { name: s.name.to_ascii_lowercase() }, "SHOW");
            }
            N::ConstraintsSetStmt(_) => {
                self.add(Verb::Read, SESSION);
                return Shape::new(K::Other, "SET CONSTRAINTS");
            }
            _ => {}
        }
        // From here on verdicts are not worth a cache, and several look at literals.
        self.found.used_constant = true;
        match node {
            N::PrepareStmt(s) => {
                for argument in &s.argtypes {
                    if let Some(N::TypeName(name)) = argument.node.as_ref() {
                        self.type_name(name);
                    }
                }
                self.inner(s.query.as_deref());
                Shape::new(K::Prepare { name: s.name.clone() }, "PREPARE")
            }
            N::ExecuteStmt(s) => self.execute(s),
            N::DeallocateStmt(s) => {
                self.add(Verb::Read, SESSION);
                let name = (!s.isall && !s.name.is_empty()).then(|| s.name.clone());
                Shape::new(K::Deallocate { name }, "DEALLOCATE")
            }
            N::DeclareCursorStmt(s) => {
                self.inner(s.query.as_deref());
                Shape::new(K::DeclareCursor { name: s.portalname.clone() }, "DECLARE CURSOR")
            }
            N::FetchStmt(s) => {
                self.add(Verb::Read, SESSION);
                let kind = K::Fetch { name: s.portalname.clone() };
                if s.ismove { Shape::new(kind, "MOVE") } else { Shape::rows(kind, "FETCH") }
            }
            N::ClosePortalStmt(s) => {
                self.add(Verb::Read, SESSION);
                let name = (!s.portalname.is_empty()).then(|| s.portalname.clone());
                Shape::new(K::CloseCursor { name }, "CLOSE CURSOR")
            }
            N::ExplainStmt(s) => self.explain(s),
            other => self.upkeep_statement(other),
        }
    }

    fn execute(&mut self, execute: &'t ExecuteStmt) -> Shape {
        self.nodes(&execute.params);
        self.unknown(object::named("prepared", &execute.name));
        Shape::rows(K::Execute { name: execute.name.clone() }, "EXECUTE")
    }

    /// EXPLAIN plans, and planning runs functions; only ANALYZE also writes.
    fn explain(&mut self, explain: &'t ExplainStmt) -> Shape {
        let mut analyze = false;
        for option in &explain.options {
            match option.node.as_ref() {
                // The server takes the last of several.
                Some(N::DefElem(option)) if option.defname == "analyze" => {
                    analyze |= is_on(option.arg.as_deref());
                }
                Some(N::DefElem(_)) => {}
                _ => self.unknown("syntax:ExplainStmt"),
            }
        }
        let outer = std::mem::take(&mut self.found);
        self.inner(explain.query.as_deref());
        let inner = std::mem::replace(&mut self.found, outer);
        self.found.merge(&if analyze { inner } else { Found::planned(inner) }, None);
        Shape::rows(K::Explain { analyze }, "EXPLAIN")
    }

    /// Notifications, code, locks and upkeep; others follow.
    fn upkeep_statement(&mut self, node: &'t N) -> Shape {
        match node {
            N::ListenStmt(s) => {
                self.add(Verb::Network, object::named("channel", &s.conditionname));
                Shape::new(K::Listen, "LISTEN")
            }
            N::NotifyStmt(s) => {
                self.add(Verb::Network, object::named("channel", &s.conditionname));
                Shape::new(K::Notify, "NOTIFY")
            }
            N::UnlistenStmt(_) => {
                self.add(Verb::Read, SESSION);
                Shape::new(K::Unlisten, "UNLISTEN")
            }
            N::DoStmt(s) => self.code_block(s),
            N::CallStmt(s) => self.procedure(s),
            N::LockStmt(s) => self.lock_tables(s),
            N::VacuumStmt(s) => self.vacuum(s),
            N::CheckPointStmt(_) => {
                self.add(Verb::Execute, "database");
                Shape::new(K::Other, "CHECKPOINT")
            }
            N::LoadStmt(s) => {
                self.add(Verb::Execute, object::named("file", &s.filename));
                Shape::new(K::Other, "LOAD")
            }
            other => self.outside_statement(other),
        }
    }

    fn code_block(&mut self, block: &DoStmt) -> Shape {
        let mut language = "plpgsql".to_owned();
        for option in &block.args {
            if let Some(N::DefElem(option)) = option.node.as_ref()
                && option.defname == "language"
                && let Some(name) = option.arg.as_deref().and_then(constant_text)
            {
                language = name;
            }
        }
        self.add(Verb::Execute, object::named("language", &language));
        Shape::new(K::Do, "DO")
    }

    fn procedure(&mut self, call: &'t CallStmt) -> Shape {
        let Some(function) = call.funccall.as_deref() else {
            self.unknown("syntax:CallStmt");
            return Shape::new(K::Call, "CALL");
        };
        self.nodes(&function.args);
        let names = words(&function.funcname);
        let (schema, name) = schema_and_name(&names);
        if !self.calls_somebodys(schema, name, None) {
            let name = format!("{}()", object::written(names.iter().copied()));
            self.unknown(name.as_str());
            self.add(Verb::Execute, name);
        }
        Shape::rows(K::Call, "CALL")
    }

    fn lock_tables(&mut self, lock: &LockStmt) -> Shape {
        for node in &lock.relations {
            match node.node.as_ref() {
                Some(N::RangeVar(range)) => {
                    if let Some(relation) = self.resolve(range) {
                        self.touch(relation, LOCK, range.inh);
                    }
                }
                _ => self.unknown("syntax:LockStmt"),
            }
        }
        Shape::new(K::Lock, "LOCK TABLE")
    }

    /// VACUUM and ANALYZE: they run the functions of index expressions, as writing does.
    fn vacuum(&mut self, vacuum: &'t VacuumStmt) -> Shape {
        for node in &vacuum.rels {
            match node.node.as_ref() {
                Some(N::VacuumRelation(relation)) => {
                    if let Some(relation) = relation.relation.as_ref().and_then(|range| self.resolve(range)) {
                        self.add(Verb::Write, object::qualified(&relation.schema, &relation.name));
                        let hidden = super::definition::writing(self.catalog, relation, self.depth);
                        self.found.merge(&hidden, None);
                    }
                }
                _ => self.unknown("syntax:VacuumStmt"),
            }
        }
        if vacuum.rels.is_empty() {
            self.add(Verb::Write, "database");
            self.add(Verb::Execute, "database");
        }
        let full = vacuum.options.iter().any(|option| {
            matches!(option.node.as_ref(), Some(N::DefElem(option)) if option.defname == "full" && is_on(option.arg.as_deref()))
        });
        if full {
            self.add(Verb::Schema, "database");
        }
        Shape::new(K::Vacuum, if vacuum.is_vacuumcmd { "VACUUM" } else { "ANALYZE" })
    }

    /// A table that is filled by what comes from outside.
    pub(super) fn filled(&mut self, range: &'t pg_query::protobuf::RangeVar) {
        if let Some(relation) = self.resolve(range) {
            self.touch(relation, INSERT, range.inh);
        }
    }

    /// The words of a list of names inside of a list.
    pub(super) fn object_words(node: &Node) -> Vec<&str> {
        match node.node.as_ref() {
            Some(N::List(list)) => words(&list.items),
            Some(N::TypeName(name)) => words(&name.names),
            Some(N::ObjectWithArgs(object)) => words(&object.objname),
            _ => text_of(node).into_iter().collect(),
        }
    }
}
