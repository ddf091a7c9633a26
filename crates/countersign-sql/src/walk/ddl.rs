//! What do DROP, COMMENT, RENAME, SET SCHEMA and the upkeep of databases do, and how are their objects named?

use countersign_core::Verb;
use pg_query::NodeEnum as N;
use pg_query::protobuf::{CreatedbStmt, DropBehavior, DropStmt, Node, ObjectType, RenameStmt};

use super::names::schema_and_name;
use super::statement::Shape;
use super::{Walk, definition};
use crate::classified::StatementKind as K;
use crate::object;

impl<'t> Walk<'_, 't> {
    /// DDL; others are unlisted.
    pub(super) fn ddl_statement(&mut self, node: &'t N) -> Shape {
        let tag = match node {
            N::DropStmt(s) => {
                self.drop(s);
                "DROP"
            }
            N::RenameStmt(s) => {
                self.rename(s);
                "ALTER"
            }
            N::AlterObjectSchemaStmt(s) => {
                let name = match &s.relation {
                    Some(range) => self.altered(range),
                    None => self.object_name(s.object_type, s.object.as_deref()),
                };
                self.add(Verb::Schema, name);
                self.add(Verb::Schema, object::named("schema", &s.newschema));
                "ALTER"
            }
            N::CommentStmt(s) => {
                let name = self.object_name(s.objtype, s.object.as_deref());
                self.add(Verb::Schema, name);
                "COMMENT"
            }
            N::CreatedbStmt(s) => {
                self.create_database(s);
                "CREATE DATABASE"
            }
            N::DropdbStmt(s) => {
                let name = object::named("database", &s.dbname);
                self.add(Verb::Schema, name.as_str());
                self.add(Verb::Delete, name);
                "DROP DATABASE"
            }
            N::AlterDatabaseStmt(s) => {
                self.add(Verb::Schema, object::named("database", &s.dbname));
                "ALTER DATABASE"
            }
            N::AlterDatabaseRefreshCollStmt(s) => {
                self.add(Verb::Schema, object::named("database", &s.dbname));
                "ALTER DATABASE"
            }
            N::CreateTableSpaceStmt(s) => {
                self.add(Verb::Schema, object::named("tablespace", &s.tablespacename));
                self.add(Verb::Execute, object::named("file", &s.location));
                "CREATE TABLESPACE"
            }
            N::DropTableSpaceStmt(s) => {
                let name = object::named("tablespace", &s.tablespacename);
                self.add(Verb::Schema, name.as_str());
                self.add(Verb::Delete, name);
                "DROP TABLESPACE"
            }
            N::AlterTableSpaceOptionsStmt(s) => {
                self.add(Verb::Schema, object::named("tablespace", &s.tablespacename));
                "ALTER TABLESPACE"
            }
            N::AlterTableMoveAllStmt(s) => {
                self.add(Verb::Schema, object::named("tablespace", &s.orig_tablespacename));
                self.add(Verb::Schema, object::named("tablespace", &s.new_tablespacename));
                "ALTER TABLESPACE"
            }
            other => return self.rebuild_statement(other),
        };
        Shape::new(K::Ddl, tag)
    }

    /// REFRESH, REINDEX and CLUSTER compute their contents anew.
    fn rebuild_statement(&mut self, node: &'t N) -> Shape {
        let (tag, range) = match node {
            N::RefreshMatViewStmt(s) => ("REFRESH MATERIALIZED VIEW", s.relation.as_ref()),
            N::ReindexStmt(s) => ("REINDEX", s.relation.as_ref()),
            N::ClusterStmt(s) => ("CLUSTER", s.relation.as_ref()),
            other => return self.create_statement(other),
        };
        let Some(range) = range else {
            self.add(Verb::Schema, "database");
            self.add(Verb::Execute, "database");
            return Shape::new(K::Ddl, tag);
        };
        let Some(relation) = self.resolve(range) else { return Shape::new(K::Ddl, tag) };
        let name = object::qualified(&relation.schema, &relation.name);
        if relation.kind == 'm' {
            self.add(Verb::Write, name.as_str());
            let found = definition::refreshed(self.catalog, relation, self.depth);
            self.found.merge(&found, Some(&name));
        } else {
            self.add(Verb::Schema, name);
        }
        let written = definition::writing(self.catalog, relation, self.depth);
        self.found.merge(&written, None);
        if relation.kind == 'i' {
            // An index has its table's expressions, and which table that is isn't known here.
            self.unknown(object::qualified(&relation.schema, &relation.name));
        }
        Shape::new(K::Ddl, tag)
    }

    fn create_database(&mut self, create: &CreatedbStmt) {
        self.add(Verb::Schema, object::named("database", &create.dbname));
        for option in &create.options {
            if let Some(N::DefElem(option)) = option.node.as_ref()
                && option.defname == "template"
                && let Some(template) = option.arg.as_deref().and_then(super::settings::constant_text)
            {
                self.add(Verb::Read, object::named("database", &template));
            }
        }
    }

    /// DROP: schema and delete; what CASCADE takes along isn't known in full.
    fn drop(&mut self, drop: &'t DropStmt) {
        let kind = drop.remove_type;
        for node in &drop.objects {
            let name = self.object_name(kind, Some(node));
            self.add(Verb::Schema, name.as_str());
            self.add(Verb::Delete, name.as_str());
            if kind == ObjectType::ObjectPolicy as i32 {
                self.add(Verb::Privilege, name.as_str());
            }
            if drop.behavior == DropBehavior::DropCascade as i32 {
                self.drops_along(kind, node);
                self.unknown(object::named("dependants", &name));
            }
        }
    }

    fn drops_along(&mut self, kind: i32, node: &'t Node) {
        if kind != ObjectType::ObjectSchema as i32 {
            return;
        }
        let catalog = self.catalog;
        for schema in Self::object_words(node) {
            for relation in catalog.relations_in(schema).filter(|relation| relation.kind != 'i') {
                self.add(Verb::Delete, object::qualified(&relation.schema, &relation.name));
            }
        }
    }

    fn rename(&mut self, rename: &'t RenameStmt) {
        let is_role = rename.rename_type == ObjectType::ObjectRole as i32;
        let name = match &rename.relation {
            Some(range) => self.altered(range),
            None if is_role => object::named("role", &rename.subname),
            None if rename.object.is_none() => object::named(kind_word(rename.rename_type), &rename.subname),
            None => self.object_name(rename.rename_type, rename.object.as_deref()),
        };
        self.add(Verb::Schema, name.as_str());
        if is_role || rename.rename_type == ObjectType::ObjectPolicy as i32 {
            self.add(Verb::Privilege, name);
        }
    }

    /// The object of a statement that names it by a list of words: `schema.name` for relations and functions, else
    /// `kind:name`.
    pub(super) fn object_name(&mut self, kind: i32, node: Option<&'t Node>) -> String {
        let words = node.map(Self::object_words).unwrap_or_default();
        let kind_of = ObjectType::try_from(kind).unwrap_or(ObjectType::Undefined);
        match kind_of {
            ObjectType::ObjectTable
            | ObjectType::ObjectView
            | ObjectType::ObjectMatview
            | ObjectType::ObjectSequence
            | ObjectType::ObjectIndex
            | ObjectType::ObjectForeignTable => self.relation_name(&words),
            ObjectType::ObjectColumn
            | ObjectType::ObjectTrigger
            | ObjectType::ObjectRule
            | ObjectType::ObjectPolicy
            | ObjectType::ObjectTabconstraint => {
                let table = words.split_last().map_or(&[][..], |(_, table)| table);
                self.relation_name(table)
            }
            ObjectType::ObjectFunction
            | ObjectType::ObjectProcedure
            | ObjectType::ObjectRoutine
            | ObjectType::ObjectAggregate => format!("{}()", self.member_name(&words)),
            _ => object::named(kind_word(kind), &self.member_name(&words)),
        }
    }

    fn relation_name(&mut self, words: &[&str]) -> String {
        let (schema, name) = schema_and_name(words);
        let relation = match schema {
            Some(schema) => self.catalog.relation(schema, name),
            None => self.catalog.relation_on_path(&self.path, name),
        };
        if let Some(relation) = relation {
            return object::qualified(&relation.schema, &relation.name);
        }
        let name = object::written(words.iter().copied());
        self.unknown(name.as_str());
        name
    }

    /// A function or type as it is found on the path, else as it is written.
    pub(super) fn member_name(&self, words: &[&str]) -> String {
        let (schema, name) = schema_and_name(words);
        let on_path = || {
            let found = self.catalog.functions_named(name).find(|f| self.path.contains(&f.schema.as_str()));
            found.map(|function| function.schema.as_str())
        };
        match schema.or_else(on_path) {
            Some(schema) => object::qualified(schema, name),
            None => object::written(words.iter().copied()),
        }
    }
}

/// `table`, `event-trigger`, …: the grammar's name of a kind of object.
fn kind_word(kind: i32) -> &'static str {
    match ObjectType::try_from(kind).unwrap_or(ObjectType::Undefined) {
        ObjectType::ObjectSchema => "schema",
        ObjectType::ObjectDatabase => "database",
        ObjectType::ObjectTablespace => "tablespace",
        ObjectType::ObjectRole => "role",
        ObjectType::ObjectExtension => "extension",
        ObjectType::ObjectForeignServer => "server",
        ObjectType::ObjectFdw => "wrapper",
        ObjectType::ObjectLanguage => "language",
        ObjectType::ObjectPublication => "publication",
        ObjectType::ObjectSubscription => "subscription",
        ObjectType::ObjectEventTrigger => "event-trigger",
        ObjectType::ObjectType | ObjectType::ObjectDomain | ObjectType::ObjectDomconstraint => "type",
        ObjectType::ObjectOperator => "operator",
        ObjectType::ObjectCast => "cast",
        ObjectType::ObjectLargeobject => "large-object",
        ObjectType::ObjectParameterAcl => "setting",
        _ => "object",
    }
}
