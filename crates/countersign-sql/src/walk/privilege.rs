//! What changes who may do what: grants, roles, owners, policies, settings of others, labels, event triggers?

use countersign_core::Verb;
use pg_query::NodeEnum as N;
use pg_query::protobuf::{
    GrantStmt, GrantTargetType, Node, ObjectType, RoleSpec, RoleSpecType, VariableSetStmt,
};

use super::Walk;
use super::statement::Shape;
use crate::classified::StatementKind as K;
use crate::object;

impl<'t> Walk<'_, 't> {
    /// Statements about privileges; others are DDL.
    pub(super) fn privilege_statement(&mut self, node: &'t N) -> Shape {
        let tag = match node {
            N::GrantStmt(s) => {
                self.grant(s);
                if s.is_grant { "GRANT" } else { "REVOKE" }
            }
            N::GrantRoleStmt(s) => {
                for role in &s.granted_roles {
                    if let Some(N::AccessPriv(granted)) = role.node.as_ref() {
                        self.add(Verb::Privilege, object::named("role", &granted.priv_name));
                    }
                }
                self.roles(&s.grantee_roles);
                if s.is_grant { "GRANT ROLE" } else { "REVOKE ROLE" }
            }
            N::AlterDefaultPrivilegesStmt(s) => {
                if let Some(action) = &s.action {
                    self.roles(&action.grantees);
                }
                self.add(Verb::Privilege, "database");
                "ALTER DEFAULT PRIVILEGES"
            }
            N::AlterOwnerStmt(s) => {
                let name = match &s.relation {
                    Some(range) => self.altered(range),
                    None => self.object_name(s.object_type, s.object.as_deref()),
                };
                self.add(Verb::Privilege, name);
                self.role(s.newowner.as_ref());
                "ALTER OWNER"
            }
            N::CreateRoleStmt(s) => {
                self.add(Verb::Privilege, object::named("role", &s.role));
                "CREATE ROLE"
            }
            N::AlterRoleStmt(s) => {
                self.role(s.role.as_ref());
                "ALTER ROLE"
            }
            N::AlterRoleSetStmt(s) => {
                self.role(s.role.as_ref());
                self.setting_of(s.setstmt.as_ref());
                "ALTER ROLE"
            }
            N::DropRoleStmt(s) => {
                self.roles(&s.roles);
                "DROP ROLE"
            }
            N::DropOwnedStmt(s) => {
                self.roles(&s.roles);
                self.add(Verb::Delete, "database");
                self.add(Verb::Schema, "database");
                "DROP OWNED"
            }
            N::ReassignOwnedStmt(s) => {
                self.roles(&s.roles);
                self.role(s.newrole.as_ref());
                "REASSIGN OWNED"
            }
            other => return self.protection_statement(other),
        };
        Shape::new(K::Grant, tag)
    }

    /// Policies, labels, settings of the system and of databases.
    fn protection_statement(&mut self, node: &'t N) -> Shape {
        let tag = match node {
            N::CreatePolicyStmt(s) => {
                let name = s.table.as_ref().map(|table| self.altered(table));
                self.add(Verb::Privilege, name.unwrap_or_default());
                self.maybe(s.qual.as_deref());
                self.maybe(s.with_check.as_deref());
                "CREATE POLICY"
            }
            N::AlterPolicyStmt(s) => {
                let name = s.table.as_ref().map(|table| self.altered(table));
                self.add(Verb::Privilege, name.unwrap_or_default());
                self.maybe(s.qual.as_deref());
                self.maybe(s.with_check.as_deref());
                "ALTER POLICY"
            }
            N::SecLabelStmt(s) => {
                let name = self.object_name(s.objtype, s.object.as_deref());
                self.add(Verb::Privilege, name);
                "SECURITY LABEL"
            }
            N::AlterSystemStmt(s) => {
                self.setting_of(s.setstmt.as_ref());
                self.add(Verb::Privilege, "system");
                "ALTER SYSTEM"
            }
            N::AlterDatabaseSetStmt(s) => {
                self.add(Verb::Privilege, object::named("database", &s.dbname));
                self.setting_of(s.setstmt.as_ref());
                "ALTER DATABASE"
            }
            N::CreateEventTrigStmt(s) => {
                self.add(Verb::Privilege, object::named("event-trigger", &s.trigname));
                self.callee(&s.funcname, &[]);
                "CREATE EVENT TRIGGER"
            }
            N::AlterEventTrigStmt(s) => {
                self.add(Verb::Privilege, object::named("event-trigger", &s.trigname));
                "ALTER EVENT TRIGGER"
            }
            N::CreatePlangStmt(s) => {
                self.add(Verb::Privilege, object::named("language", &s.plname));
                self.add(Verb::Schema, object::named("language", &s.plname));
                "CREATE LANGUAGE"
            }
            other => return self.ddl_statement(other),
        };
        Shape::new(K::Grant, tag)
    }

    fn setting_of(&mut self, set: Option<&VariableSetStmt>) {
        let name = set.map(|set| set.name.to_ascii_lowercase()).filter(|name| !name.is_empty());
        self.add(Verb::Privilege, object::named("setting", name.as_deref().unwrap_or("*")));
    }

    pub(super) fn role(&mut self, role: Option<&RoleSpec>) {
        let Some(role) = role else {
            self.add(Verb::Privilege, object::named("role", "*"));
            return;
        };
        let name = match RoleSpecType::try_from(role.roletype).unwrap_or(RoleSpecType::Undefined) {
            RoleSpecType::RolespecCstring => role.rolename.as_str(),
            RoleSpecType::RolespecPublic => "public",
            RoleSpecType::RolespecCurrentRole
            | RoleSpecType::RolespecCurrentUser
            | RoleSpecType::RolespecSessionUser => self.user,
            RoleSpecType::Undefined => "?",
        };
        self.add(Verb::Privilege, object::named("role", name));
    }

    fn roles(&mut self, roles: &[Node]) {
        for role in roles {
            match role.node.as_ref() {
                Some(N::RoleSpec(role)) => self.role(Some(role)),
                _ => self.unknown("syntax:RoleSpec"),
            }
        }
    }

    /// GRANT and REVOKE: the objects, and the roles that gain or lose.
    fn grant(&mut self, grant: &'t GrantStmt) {
        self.roles(&grant.grantees);
        let in_schemas = grant.targtype == GrantTargetType::AclTargetAllInSchema as i32;
        for node in &grant.objects {
            let name = match node.node.as_ref() {
                Some(N::RangeVar(range)) => self.altered(range),
                _ if in_schemas => self.object_name(ObjectType::ObjectSchema as i32, Some(node)),
                _ => self.object_name(grant.objtype, Some(node)),
            };
            self.add(Verb::Privilege, name);
        }
    }
}
