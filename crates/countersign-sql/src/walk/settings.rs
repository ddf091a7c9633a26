//! What do transaction control, SET, SHOW, RESET and DISCARD do?

use countersign_core::Verb;
use pg_query::NodeEnum as N;
use pg_query::protobuf::a_const::Val;
use pg_query::protobuf::{
    DiscardMode, DiscardStmt, Node, TransactionStmt, TransactionStmtKind as T, VariableSetKind,
    VariableSetStmt,
};

use super::statement::Shape;
use super::{SESSION, Walk};
use crate::classified::StatementKind as K;
use crate::{object, settings};

impl Walk<'_, '_> {
    /// BEGIN to ROLLBACK PREPARED. They read the session: policy decides about them under that name.
    pub(super) fn transaction(&mut self, statement: &TransactionStmt) -> Shape {
        let kind = T::try_from(statement.kind).unwrap_or(T::Undefined);
        let name = statement.savepoint_name.clone();
        self.transaction_modes(&statement.options);
        if matches!(kind, T::TransStmtPrepare | T::TransStmtCommitPrepared | T::TransStmtRollbackPrepared) {
            self.found.used_constant = true;
            self.add(Verb::Write, object::named("transaction", &statement.gid));
        } else {
            self.add(Verb::Read, SESSION);
        }
        match kind {
            T::TransStmtBegin => Shape::new(K::Begin, "BEGIN"),
            T::TransStmtStart => Shape::new(K::Begin, "START TRANSACTION"),
            T::TransStmtCommit => Shape::new(K::Commit, "COMMIT"),
            T::TransStmtRollback => Shape::new(K::Rollback, "ROLLBACK"),
            T::TransStmtSavepoint => Shape::new(K::Savepoint { name }, "SAVEPOINT"),
            T::TransStmtRelease => Shape::new(K::Release { name }, "RELEASE"),
            T::TransStmtRollbackTo => Shape::new(K::RollbackTo { name }, "ROLLBACK"),
            T::TransStmtPrepare => Shape::new(K::TwoPhase, "PREPARE TRANSACTION"),
            T::TransStmtCommitPrepared => Shape::new(K::TwoPhase, "COMMIT PREPARED"),
            T::TransStmtRollbackPrepared => Shape::new(K::TwoPhase, "ROLLBACK PREPARED"),
            T::Undefined => {
                self.unknown("syntax:TransactionStmt");
                Shape::new(K::Other, "")
            }
        }
    }

    /// SET and RESET.
    pub(super) fn set(&mut self, set: &VariableSetStmt) -> Shape {
        self.found.used_constant = true;
        let name = set.name.to_ascii_lowercase();
        let kind = VariableSetKind::try_from(set.kind).unwrap_or(VariableSetKind::Undefined);
        match kind {
            VariableSetKind::VarResetAll => {
                self.add(Verb::Read, SESSION);
                return Shape::new(K::Reset { name: None }, "RESET");
            }
            VariableSetKind::VarSetMulti => self.set_transaction(set),
            VariableSetKind::VarSetValue => {
                let value = only_value(&set.args);
                let harmless = settings::is_harmless(&name)
                    || value.as_deref().is_some_and(|value| settings::is_harmless_value(&name, value));
                if settings::is_encoding(&name) && !harmless {
                    self.found.encoding = Some(value.unwrap_or_default());
                }
                self.setting(&name, harmless);
            }
            VariableSetKind::VarSetDefault | VariableSetKind::VarReset => {
                // A session begins with UTF-8, so that is what it goes back to.
                self.setting(&name, settings::is_harmless(&name) || settings::is_encoding(&name));
            }
            VariableSetKind::VarSetCurrent | VariableSetKind::Undefined => self.setting(&name, false),
        }
        if kind == VariableSetKind::VarReset {
            return Shape::new(K::Reset { name: Some(name) }, "RESET");
        }
        Shape::new(K::Set { name, local: set.is_local }, "SET")
    }

    fn setting(&mut self, name: &str, harmless: bool) {
        if harmless {
            self.add(Verb::Read, SESSION);
        } else {
            self.add(Verb::Privilege, object::named("setting", name));
        }
    }

    /// SET TRANSACTION and SET SESSION CHARACTERISTICS.
    fn set_transaction(&mut self, set: &VariableSetStmt) {
        self.add(Verb::Read, SESSION);
        if set.name != "TRANSACTION SNAPSHOT" {
            self.transaction_modes(&set.args);
        }
    }

    /// READ WRITE leaves what a session was limited to by default.
    fn transaction_modes(&mut self, options: &[Node]) {
        for option in options {
            let Some(N::DefElem(option)) = option.node.as_ref() else {
                self.unknown("syntax:VariableSetStmt");
                continue;
            };
            let writable = option.defname == "transaction_read_only" && !is_on(option.arg.as_deref());
            if writable {
                self.add(Verb::Privilege, object::named("setting", "transaction_read_only"));
            }
        }
    }

    /// DISCARD.
    pub(super) fn discard(&mut self, discard: &DiscardStmt) -> Shape {
        self.add(Verb::Read, SESSION);
        if discard.target == DiscardMode::DiscardAll as i32 {
            Shape::new(K::DiscardAll, "DISCARD ALL")
        } else {
            Shape::new(K::Discard, "DISCARD")
        }
    }
}

/// The value of a setting when there is exactly one.
fn only_value(args: &[Node]) -> Option<String> {
    let [only] = args else { return None };
    constant_text(only)
}

/// A constant as text.
pub(super) fn constant_text(node: &Node) -> Option<String> {
    match node.node.as_ref()? {
        N::String(string) => Some(string.sval.clone()),
        N::Integer(integer) => Some(integer.ival.to_string()),
        N::Boolean(boolean) => Some(boolean.boolval.to_string()),
        N::Float(float) => Some(float.fval.clone()),
        N::AConst(constant) => match constant.val.as_ref()? {
            Val::Sval(string) => Some(string.sval.clone()),
            Val::Ival(integer) => Some(integer.ival.to_string()),
            Val::Boolval(boolean) => Some(boolean.boolval.to_string()),
            Val::Fval(float) => Some(float.fval.clone()),
            Val::Bsval(_) => None,
        },
        _ => None,
    }
}

/// Whether an option's value means yes; an option without a value does.
pub(super) fn is_on(value: Option<&Node>) -> bool {
    let Some(value) = value else { return true };
    constant_text(value).is_some_and(|text| {
        let text = text.to_ascii_lowercase();
        matches!(text.as_str(), "on" | "true" | "yes") || text.parse::<i64>().is_ok_and(|number| number != 0)
    })
}
