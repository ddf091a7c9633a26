//! Is a statement used after something of the same unit, or of the open transaction, may have changed what its names
//! mean? It was read as things were before; what it does is unknown then.

use std::sync::Arc;

use countersign_core::Verb;
use countersign_sql::{Statement, StatementKind as Kind};

use crate::names::{Known, Portal};

/// What is known of the meaning of names when a unit begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Footing {
    /// They may mean something else already.
    pub(crate) unsure: bool,
    /// The open transaction has changed something that its end, or a cursor of it, may change again.
    pub(crate) undoable: bool,
}

/// Whether one of these runs, in their order, uses names that may not mean what was read.
pub(crate) fn is_unsure(runs: &[Arc<Portal>], footing: Footing) -> bool {
    let mut unsure = footing.unsure;
    let mut text: Option<&str> = None;
    for run in runs {
        let Known::As(prepared) = &run.prepared else {
            // It is unknown by itself, and so is what it leaves.
            (unsure, text) = (true, None);
            continue;
        };
        let statements = &prepared.reading.sense.classified.statements;
        // A batch of one statement: whatever it calls was judged with it.
        let again = text == Some(&prepared.reading.text) && statements.iter().all(only_calls);
        text = Some(&prepared.reading.text);
        for statement in statements {
            if unsure && !again && uses_names(statement) {
                return true;
            }
            unsure |= shifts(statement, footing.undoable);
        }
    }
    false
}

/// Transaction control and settings mean the same whatever came before.
fn uses_names(statement: &Statement) -> bool {
    !matches!(
        statement.kind,
        Kind::Begin
            | Kind::Commit
            | Kind::Rollback
            | Kind::Savepoint { .. }
            | Kind::Release { .. }
            | Kind::RollbackTo { .. }
            | Kind::Set { .. }
            | Kind::Reset { .. }
            | Kind::Empty
    )
}

/// Whether names may mean something else after it.
fn shifts(statement: &Statement, undoable: bool) -> bool {
    let by_effect = statement
        .effects
        .iter()
        .any(|effect| matches!(effect.verb, Verb::Schema | Verb::Privilege | Verb::Execute | Verb::Unknown));
    let by_kind = match statement.kind {
        Kind::Reset { name: None } | Kind::Discard | Kind::DiscardAll => true,
        Kind::Commit | Kind::Rollback | Kind::RollbackTo { .. } | Kind::Fetch { .. } => undoable,
        _ => false,
    };
    by_effect || by_kind
}

/// Nothing but functions, at most, could change a meaning.
fn only_calls(statement: &Statement) -> bool {
    let other = |verb| matches!(verb, Verb::Schema | Verb::Privilege | Verb::Unknown);
    !statement.effects.iter().any(|effect| other(effect.verb))
}
