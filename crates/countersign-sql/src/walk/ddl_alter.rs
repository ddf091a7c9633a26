//! What does ALTER do?

use countersign_core::Verb;
use pg_query::NodeEnum as N;
use pg_query::protobuf::{
    AlterTableCmd, AlterTableStmt, AlterTableType as A, ColumnDef, Constraint, Node, PartitionBoundSpec,
};

use super::names::words;
use super::statement::Shape;
use super::{Walk, definition};
use crate::classified::StatementKind as K;
use crate::object;

impl<'t> Walk<'_, 't> {
    /// ALTER; anything that is still left is not on the list.
    pub(super) fn alter_statement(&mut self, node: &'t N) -> Shape {
        let (tag, name) = match node {
            N::AlterTableStmt(s) => {
                self.alter_table(s);
                return Shape::new(K::Ddl, "ALTER TABLE");
            }
            N::AlterDomainStmt(s) => {
                if let Some(definition) = s.def.as_deref() {
                    self.ddl_node(definition);
                }
                ("ALTER DOMAIN", self.kind_name("type", &words(&s.type_name)))
            }
            N::AlterSeqStmt(s) => {
                let name = s.sequence.as_ref().map(|range| self.altered(range)).unwrap_or_default();
                self.add(Verb::Write, name.as_str());
                ("ALTER SEQUENCE", name)
            }
            N::AlterFunctionStmt(s) => {
                let words: Vec<&str> = s.func.iter().flat_map(|function| words(&function.objname)).collect();
                let name = format!("{}()", self.member_name(&words));
                for option in &s.actions {
                    match option.node.as_ref() {
                        Some(N::DefElem(option)) => self.function_option(option, &name),
                        _ => self.unknown("syntax:AlterFunctionStmt"),
                    }
                }
                ("ALTER FUNCTION", name)
            }
            N::AlterExtensionStmt(s) => {
                let name = object::named("extension", &s.extname);
                self.add(Verb::Execute, name.as_str());
                ("ALTER EXTENSION", name)
            }
            N::AlterExtensionContentsStmt(s) => {
                let name = object::named("extension", &s.extname);
                self.add(Verb::Privilege, name.as_str());
                ("ALTER EXTENSION", name)
            }
            other => return self.alter_other(other),
        };
        self.add(Verb::Schema, name);
        Shape::new(K::Ddl, tag)
    }

    /// ALTER of types, operators and text search; anything else is not on the list.
    fn alter_other(&mut self, node: &'t N) -> Shape {
        let (tag, name) = match node {
            N::AlterEnumStmt(s) => ("ALTER TYPE", self.kind_name("type", &words(&s.type_name))),
            N::AlterTypeStmt(s) => {
                let name = self.kind_name("type", &words(&s.type_name));
                self.add(Verb::Privilege, name.as_str());
                ("ALTER TYPE", name)
            }
            N::AlterOperatorStmt(s) => {
                let name = s.opername.as_ref().map(|name| words(&name.objname)).unwrap_or_default();
                let name = self.kind_name("operator", &name);
                self.add(Verb::Privilege, name.as_str());
                ("ALTER OPERATOR", name)
            }
            N::AlterOpFamilyStmt(s) => {
                let name = self.kind_name("operator", &words(&s.opfamilyname));
                self.add(Verb::Privilege, name.as_str());
                ("ALTER OPERATOR FAMILY", name)
            }
            N::AlterCollationStmt(s) => ("ALTER COLLATION", self.kind_name("object", &words(&s.collname))),
            N::AlterStatsStmt(s) => ("ALTER STATISTICS", self.kind_name("statistics", &words(&s.defnames))),
            N::AlterTsdictionaryStmt(s) => {
                ("ALTER TEXT SEARCH DICTIONARY", self.kind_name("object", &words(&s.dictname)))
            }
            N::AlterTsconfigurationStmt(s) => {
                ("ALTER TEXT SEARCH CONFIGURATION", self.kind_name("object", &words(&s.cfgname)))
            }
            N::AlterObjectDependsStmt(s) => {
                let name = match &s.relation {
                    Some(range) => self.altered(range),
                    None => self.object_name(s.object_type, s.object.as_deref()),
                };
                ("ALTER", name)
            }
            other => {
                self.unlisted(other);
                return Shape::new(K::Other, "");
            }
        };
        self.add(Verb::Schema, name);
        Shape::new(K::Ddl, tag)
    }

    fn alter_table(&mut self, alter: &'t AlterTableStmt) {
        let Some(range) = &alter.relation else {
            self.unknown("syntax:AlterTableStmt");
            return;
        };
        let relation = self.resolve(range);
        let name = relation.map_or_else(
            || object::written([range.schemaname.as_str(), range.relname.as_str()]),
            |relation| object::qualified(&relation.schema, &relation.name),
        );
        self.add(Verb::Schema, name.as_str());
        if let Some(relation) = relation {
            // Many forms compute rows anew.
            let written = definition::writing(self.catalog, relation, self.depth);
            self.found.merge(&written, None);
        }
        self.scope.push(super::InScope { alias: &range.relname, relation });
        for command in &alter.cmds {
            match command.node.as_ref() {
                Some(N::AlterTableCmd(command)) => self.table_command(command, &name),
                _ => self.unknown("syntax:AlterTableCmd"),
            }
        }
    }

    fn table_command(&mut self, command: &'t AlterTableCmd, table: &str) {
        let kind = A::try_from(command.subtype).unwrap_or(A::Undefined);
        match kind {
            A::AtChangeOwner => {
                self.add(Verb::Privilege, table);
                self.role(command.newowner.as_ref());
            }
            A::AtEnableTrig
            | A::AtEnableAlwaysTrig
            | A::AtEnableReplicaTrig
            | A::AtDisableTrig
            | A::AtEnableTrigAll
            | A::AtDisableTrigAll
            | A::AtEnableTrigUser
            | A::AtDisableTrigUser
            | A::AtEnableRule
            | A::AtEnableAlwaysRule
            | A::AtEnableReplicaRule
            | A::AtDisableRule
            | A::AtEnableRowSecurity
            | A::AtDisableRowSecurity
            | A::AtForceRowSecurity
            | A::AtNoForceRowSecurity => self.add(Verb::Privilege, table),
            A::AtDropColumn => self.add(Verb::Delete, table),
            A::AtAlterColumnType | A::AtAddColumn | A::AtSetExpression => self.add(Verb::Write, table),
            A::AtGenericOptions | A::AtAlterColumnGenericOptions => {
                self.add(Verb::Network, object::named("server", table));
            }
            A::Undefined => self.unknown("syntax:AlterTableCmd"),
            _ => {}
        }
        if command.behavior == pg_query::protobuf::DropBehavior::DropCascade as i32 {
            self.unknown(object::named("dependants", table));
        }
        if let Some(definition) = command.def.as_deref() {
            self.ddl_node(definition);
        }
    }

    pub(super) fn ddl_nodes(&mut self, nodes: &'t [Node]) {
        for node in nodes {
            self.ddl_node(node);
        }
    }

    /// A part of a definition; whatever isn't one is an expression.
    pub(super) fn ddl_node(&mut self, node: &'t Node) {
        let Some(inner) = node.node.as_ref() else { return };
        match inner {
            N::ColumnDef(column) => self.column_definition(column),
            N::Constraint(constraint) => self.constraint(constraint),
            N::TableLikeClause(like) => {
                if let Some(range) = &like.relation {
                    let name = self.altered(range);
                    self.add(Verb::Read, name);
                }
            }
            N::IndexElem(element) => self.maybe(element.expr.as_deref()),
            N::PartitionCmd(partition) => {
                if let Some(range) = &partition.name {
                    let name = self.altered(range);
                    self.add(Verb::Schema, name);
                }
                if let Some(bound) = &partition.bound {
                    self.partition_bound(bound);
                }
            }
            N::RangeVar(range) => {
                let name = self.altered(range);
                self.add(Verb::Schema, name);
            }
            N::List(list) => self.ddl_nodes(&list.items),
            N::TypeName(name) => self.type_name(name),
            N::DefElem(_) | N::RoleSpec(_) | N::ReplicaIdentityStmt(_) | N::AtalterConstraint(_) => {}
            _ => self.node(node),
        }
    }

    fn column_definition(&mut self, column: &'t ColumnDef) {
        if let Some(name) = &column.type_name {
            self.column_type(name);
        }
        self.maybe(column.raw_default.as_deref());
        self.ddl_nodes(&column.constraints);
    }

    /// `serial` is no type; it stands for a sequence.
    fn column_type(&mut self, name: &'t pg_query::protobuf::TypeName) {
        const SERIAL: [&str; 6] = ["serial", "serial2", "serial4", "serial8", "bigserial", "smallserial"];
        let is_serial = matches!(words(&name.names).as_slice(), [only] if SERIAL.contains(only));
        if !is_serial {
            self.type_name(name);
        }
    }

    fn constraint(&mut self, constraint: &'t Constraint) {
        self.maybe(constraint.raw_expr.as_deref());
        self.maybe(constraint.where_clause.as_deref());
        for exclusion in &constraint.exclusions {
            if let Some(N::List(pair)) = exclusion.node.as_ref() {
                for part in &pair.items {
                    match part.node.as_ref() {
                        Some(N::List(operator)) => self.operator(&operator.items),
                        _ => self.ddl_node(part),
                    }
                }
            }
        }
        if let Some(range) = &constraint.pktable {
            let name = self.altered(range);
            self.add(Verb::Read, name);
        }
    }

    pub(super) fn partition_bound(&mut self, bound: &'t PartitionBoundSpec) {
        self.nodes(&bound.listdatums);
        for list in [&bound.lowerdatums, &bound.upperdatums] {
            for datum in list {
                match datum.node.as_ref() {
                    Some(N::PartitionRangeDatum(datum)) => self.maybe(datum.value.as_deref()),
                    _ => self.node(datum),
                }
            }
        }
    }
}
