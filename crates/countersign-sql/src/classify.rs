//! What would this text do? The one entry of the classifier.

use std::collections::BTreeSet;
use std::ops::Range;

use countersign_core::{Effect, Effects, Verb};
use pg_query::protobuf::RawStmt;

use crate::bounds::{self, MAX_UNATTENDED};
use crate::catalog::Catalog;
use crate::classified::{Classified, Problem, Statement, StatementKind, changes_meaning, reads_only};
use crate::room;
use crate::session::Session;
use crate::walk::{SESSION, Walk};

/// The effects of a text in a session.
///
/// Never panics. Takes at most 2 MiB of the caller's stack: texts deeper than a few subqueries are worked on in a thread
/// of their own, and those deeper than [`crate::MAX_DEPTH`] are refused before they are parsed. Call it on threads that
/// stay: the parser never gives back the thread key that it takes for each thread it has run on.
pub fn classify(text: &str, catalog: &Catalog, session: &Session) -> Classified {
    if !session.standard_conforming_strings {
        return refused(text, Problem::NonstandardStrings);
    }
    let depth = match bounds::check(text) {
        Ok(depth) => depth,
        Err(problem) => return refused(text, problem),
    };
    room::with_room(depth, || parse_and_walk(text, depth, catalog, session))
        .unwrap_or_else(|| refused(text, Problem::TooDeep))
}

fn parse_and_walk(text: &str, depth: usize, catalog: &Catalog, session: &Session) -> Classified {
    let statements = match room::parse(text, depth) {
        Ok(statements) => statements,
        Err(problem) => return refused(text, problem),
    };
    let mut verdict = walk_all(text, &statements, catalog, session);
    if text.len() > MAX_UNATTENDED {
        verdict.effects.insert(Effect::new(Verb::Unknown, "text"));
        verdict.problem = Some(Problem::Large { bytes: text.len() });
    }
    if verdict.effects.len() > Effects::MAX {
        verdict.problem = Some(Problem::TooManyEffects { count: verdict.effects.len() });
    }
    verdict
}

fn walk_all(text: &str, statements: &[RawStmt], catalog: &Catalog, session: &Session) -> Classified {
    let mut verdict = Classified {
        statements: Vec::with_capacity(statements.len()),
        effects: BTreeSet::new(),
        used_constant: false,
        problem: None,
        encoding: None,
    };
    let mut meaning_changed = false;
    for raw in statements {
        let mut statement = one(text, raw, catalog, session, &mut verdict);
        if meaning_changed && uses_names(&statement) {
            // An earlier statement of this text may have changed what the names in this one mean.
            statement.effects.insert(Effect::new(Verb::Unknown, "text"));
            statement.reads_only = false;
        }
        meaning_changed |= changes_meaning(&statement.effects);
        if verdict.effects.len() <= Effects::MAX {
            verdict.effects.extend(statement.effects.iter().cloned());
        }
        verdict.statements.push(statement);
    }
    if verdict.statements.is_empty() {
        verdict.effects.insert(Effect::new(Verb::Read, SESSION));
        verdict.statements.push(alone(StatementKind::Empty, 0..text.len(), verdict.effects.clone()));
    }
    verdict
}

fn one(
    text: &str,
    raw: &RawStmt,
    catalog: &Catalog,
    session: &Session,
    verdict: &mut Classified,
) -> Statement {
    let span = span_of(text, raw);
    let mut walk = Walk::new(catalog, session);
    let Some(node) = raw.stmt.as_deref() else {
        return alone(StatementKind::Other, span, [Effect::new(Verb::Unknown, "syntax:none")].into());
    };
    let shape = walk.statement(node);
    let found = walk.found;
    verdict.used_constant |= found.used_constant;
    if verdict.encoding.is_none() {
        verdict.encoding = found.encoding;
    }
    Statement {
        kind: shape.kind,
        span,
        tag: shape.tag,
        reads_only: reads_only(&found.effects),
        effects: found.effects,
        varies: found.varies,
        relations: found.relations,
        returns_rows: shape.returns_rows,
        dml_target: shape.dml_target,
    }
}

/// Transaction control means the same whatever came before.
fn uses_names(statement: &Statement) -> bool {
    !matches!(
        statement.kind,
        StatementKind::Begin
            | StatementKind::Commit
            | StatementKind::Rollback
            | StatementKind::Savepoint { .. }
            | StatementKind::Release { .. }
            | StatementKind::RollbackTo { .. }
            | StatementKind::Set { .. }
            | StatementKind::Reset { .. }
            | StatementKind::Empty
    )
}

fn span_of(text: &str, raw: &RawStmt) -> Range<usize> {
    let start = usize::try_from(raw.stmt_location).unwrap_or(0).min(text.len());
    let length = usize::try_from(raw.stmt_len).unwrap_or(0);
    let end = if length == 0 { text.len() } else { (start + length).min(text.len()) };
    start..end
}

/// A text that could not be judged: one statement, `unknown`.
fn refused(text: &str, problem: Problem) -> Classified {
    let effects: BTreeSet<Effect> = [Effect::new(Verb::Unknown, "text")].into();
    Classified {
        statements: vec![alone(StatementKind::Other, 0..text.len(), effects.clone())],
        effects,
        used_constant: true,
        problem: Some(problem),
        encoding: None,
    }
}

fn alone(kind: StatementKind, span: Range<usize>, effects: BTreeSet<Effect>) -> Statement {
    Statement {
        kind,
        span,
        tag: "",
        reads_only: reads_only(&effects),
        effects,
        relations: Vec::new(),
        returns_rows: false,
        dml_target: None,
        varies: false,
    }
}
