//! What leaves the database or comes from outside: COPY, foreign servers, publications, subscriptions?

use countersign_core::Verb;
use pg_query::NodeEnum as N;
use pg_query::protobuf::{CopyStmt, CreateForeignTableStmt, CreatePublicationStmt, Node};

use super::Walk;
use super::found::READ;
use super::statement::Shape;
use crate::classified::StatementKind as K;
use crate::object;

impl<'t> Walk<'_, 't> {
    /// COPY and everything about other servers; others follow.
    pub(super) fn outside_statement(&mut self, node: &'t N) -> Shape {
        let (tag, name) = match node {
            N::CopyStmt(s) => return self.copy(s),
            N::CreateForeignTableStmt(s) => return self.foreign_table(s),
            N::CreatePublicationStmt(s) => return self.publication(s),
            N::AlterPublicationStmt(s) => {
                self.published(&s.pubobjects, s.for_all_tables);
                ("ALTER PUBLICATION", object::named("publication", &s.pubname))
            }
            N::CreateSubscriptionStmt(s) => {
                ("CREATE SUBSCRIPTION", object::named("subscription", &s.subname))
            }
            N::AlterSubscriptionStmt(s) => ("ALTER SUBSCRIPTION", object::named("subscription", &s.subname)),
            N::DropSubscriptionStmt(s) => ("DROP SUBSCRIPTION", object::named("subscription", &s.subname)),
            N::CreateForeignServerStmt(s) => ("CREATE SERVER", object::named("server", &s.servername)),
            N::AlterForeignServerStmt(s) => ("ALTER SERVER", object::named("server", &s.servername)),
            N::ImportForeignSchemaStmt(s) => {
                self.add(Verb::Schema, object::named("schema", &s.local_schema));
                ("IMPORT FOREIGN SCHEMA", object::named("server", &s.server_name))
            }
            N::CreateFdwStmt(s) => ("CREATE FOREIGN DATA WRAPPER", object::named("wrapper", &s.fdwname)),
            N::AlterFdwStmt(s) => ("ALTER FOREIGN DATA WRAPPER", object::named("wrapper", &s.fdwname)),
            N::CreateUserMappingStmt(s) => self.user_mapping("CREATE USER MAPPING", &s.servername),
            N::AlterUserMappingStmt(s) => self.user_mapping("ALTER USER MAPPING", &s.servername),
            N::DropUserMappingStmt(s) => self.user_mapping("DROP USER MAPPING", &s.servername),
            other => return self.privilege_statement(other),
        };
        if matches!(node, N::CreateFdwStmt(_) | N::AlterFdwStmt(_)) {
            self.add(Verb::Privilege, name.as_str());
        }
        if matches!(node, N::DropSubscriptionStmt(_)) {
            self.add(Verb::Delete, name.as_str());
        }
        self.add(Verb::Schema, name.as_str());
        self.add(Verb::Network, name);
        Shape::new(K::Ddl, tag)
    }

    fn user_mapping(&mut self, tag: &'static str, server: &str) -> (&'static str, String) {
        let name = object::named("server", server);
        self.add(Verb::Secret, name.as_str());
        self.add(Verb::Privilege, name.as_str());
        (tag, name)
    }

    /// COPY. To the client it is an export of what it reads; files and programs are the server's.
    fn copy(&mut self, copy: &'t CopyStmt) -> Shape {
        let file = !copy.filename.is_empty() && !copy.is_program;
        let kind = K::Copy { from: copy.is_from, program: copy.is_program, file };
        if copy.is_from {
            if let Some(range) = &copy.relation {
                self.filled(range);
            }
        } else {
            self.exported(copy);
        }
        self.nodes(&copy.attlist);
        self.maybe(copy.where_clause.as_deref());
        if copy.is_program {
            self.add(Verb::Execute, object::named("program", &copy.filename));
        } else if file && copy.is_from {
            self.add(Verb::Secret, object::named("file", &copy.filename));
        } else if file {
            self.add(Verb::Export, object::named("file", &copy.filename));
        }
        Shape::new(kind, "COPY")
    }

    fn exported(&mut self, copy: &'t CopyStmt) {
        if let Some(range) = &copy.relation
            && let Some(relation) = self.resolve(range)
        {
            self.touch(relation, READ, range.inh);
        }
        self.inner(copy.query.as_deref());
        let read: Vec<String> = self
            .found
            .relations
            .iter()
            .filter(|used| used.via_view.is_none())
            .map(|used| object::qualified(&used.schema, &used.name))
            .collect();
        if read.is_empty() {
            self.add(Verb::Export, super::SESSION);
        }
        for name in read {
            self.add(Verb::Export, name);
        }
    }

    fn foreign_table(&mut self, create: &'t CreateForeignTableStmt) -> Shape {
        self.add(Verb::Network, object::named("server", &create.servername));
        if let Some(base) = &create.base_stmt {
            self.create_table(base);
        }
        Shape::new(K::Ddl, "CREATE FOREIGN TABLE")
    }

    fn publication(&mut self, create: &'t CreatePublicationStmt) -> Shape {
        let name = object::named("publication", &create.pubname);
        self.add(Verb::Schema, name.as_str());
        self.add(Verb::Network, name);
        self.published(&create.pubobjects, create.for_all_tables);
        Shape::new(K::Ddl, "CREATE PUBLICATION")
    }

    /// What a publication names is exported from then on.
    fn published(&mut self, objects: &'t [Node], everything: bool) {
        if everything {
            self.add(Verb::Export, "database");
        }
        for node in objects {
            let Some(N::PublicationObjSpec(spec)) = node.node.as_ref() else {
                self.unknown("syntax:PublicationObjSpec");
                continue;
            };
            match spec.pubtable.as_deref() {
                Some(table) => {
                    self.maybe(table.where_clause.as_deref());
                    if let Some(range) = &table.relation {
                        let name = self.altered(range);
                        self.add(Verb::Export, name);
                    }
                }
                None => self.add(Verb::Export, object::named("schema", &spec.name)),
            }
        }
    }
}
