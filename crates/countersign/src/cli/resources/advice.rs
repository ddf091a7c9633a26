//! What should be done about what was found? Each column judged by its name and by what its values look like, and the
//! words that policies have for it.

use std::collections::BTreeSet;

use countersign_console::visible_line;
use countersign_proxy_postgres::discover::{Column, Database, Family, Look, Table, TableKind};

use super::personal::{self, Nature};

/// A column looks like something when so many of a hundred values do.
const MOST_PERCENT: u64 = 30;
/// The same for looks that are only a shape, such as a phone number's.
const UNSURE_PERCENT: u64 = 60;

/// What a column is to be treated as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Masked whole.
    Personal,
    /// Never shown.
    Secret,
    /// Free text in which something stands here and there: searched for that.
    Mixed,
}

impl Verdict {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Secret => "secret",
            Self::Mixed => "mixed",
        }
    }
}

/// A column that needs care, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sensitive {
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) column: String,
    pub(super) type_name: String,
    pub(super) verdict: Verdict,
    pub(super) reasons: Vec<String>,
    /// Detectors that found something in it.
    pub(super) kinds: Vec<&'static str>,
}

impl Sensitive {
    /// For people, on one line whatever the names hold.
    pub(super) fn shown(&self) -> String {
        visible_line(&format!("{}.{}.{}", self.schema, self.table, self.column))
    }

    /// How a policy names it: exactly when its names can be written there, else with more than it. `None` when nothing
    /// fits.
    pub(super) fn pattern(&self) -> Option<String> {
        let plain = |name: &str| {
            !name.is_empty()
                && name.trim() == name
                && !name.contains(['.', ',', '*'])
                && !name.contains(char::is_control)
        };
        let place = plain(&self.schema) && plain(&self.table);
        match (place, plain(&self.column)) {
            (true, true) => Some(format!("{}.{}.{}", self.schema, self.table, self.column)),
            (true, false) => Some(format!("{}.{}.*", self.schema, self.table)),
            (false, true) => Some(self.column.clone()),
            (false, false) => None,
        }
    }
}

/// Every column that needs care, in the order of the database. Views show what stands behind them, so theirs are not
/// judged again.
pub(super) fn sensitive(database: &Database) -> Vec<Sensitive> {
    let tables = database.tables.iter().filter(|table| table.kind != TableKind::View);
    tables.flat_map(|table| table.columns.iter().filter_map(|column| judge(table, column))).collect()
}

fn judge(table: &Table, column: &Column) -> Option<Sensitive> {
    let meaning = personal::meaning(&table.name, &column.name, column.family);
    let looks: Vec<&Look> = column.looks.iter().filter(|look| counts(look, column)).collect();
    let by_name = meaning.map(|meaning| match meaning.nature {
        Nature::Personal => Verdict::Personal,
        Nature::Secret => Verdict::Secret,
    });
    let verdict = match (by_name, by_looks(&looks, column)) {
        // A name says what a column is for; the looks of a few values don't say otherwise.
        (Some(named), _) => named,
        (None, Some(looked)) => looked,
        (None, None) => return None,
    };
    let mut reasons: Vec<String> =
        meaning.iter().map(|meaning| format!("its name means {}", meaning.what)).collect();
    let share =
        |look: &&Look| format!("{} of {} values look like `{}`", look.values, column.values, look.kind);
    reasons.extend(looks.iter().map(share));
    Some(Sensitive {
        schema: table.schema.clone(),
        table: table.name.clone(),
        column: column.name.clone(),
        type_name: column.type_name.clone(),
        verdict,
        reasons,
        kinds: looks.iter().map(|look| look.kind).collect(),
    })
}

/// Whether a look says anything: of those that are only a shape, most values must have it.
fn counts(look: &Look, column: &Column) -> bool {
    look.sure || is_share(look, column, UNSURE_PERCENT)
}

fn is_share(look: &Look, column: &Column, percent: u64) -> bool {
    look.values.saturating_mul(100) >= column.values.saturating_mul(percent)
}

fn by_looks(looks: &[&Look], column: &Column) -> Option<Verdict> {
    // A document has many parts; masking it whole would take all of them away.
    let most =
        looks.iter().find(|look| is_share(look, column, MOST_PERCENT) && column.family != Family::Document);
    match most {
        Some(look) if look.personal => Some(Verdict::Personal),
        Some(_) => Some(Verdict::Secret),
        None if looks.is_empty() => None,
        None => Some(Verdict::Mixed),
    }
}

/// Patterns for all columns of this verdict, each once; and the columns for which there is none.
pub(super) fn patterns(columns: &[Sensitive], verdict: Verdict) -> (Vec<String>, Vec<&Sensitive>) {
    let (mut seen, mut patterns, mut without) = (BTreeSet::new(), Vec::new(), Vec::new());
    for column in columns.iter().filter(|column| column.verdict == verdict) {
        match column.pattern() {
            Some(pattern) if seen.insert(pattern.clone()) => patterns.push(pattern),
            Some(_) => {}
            None => without.push(column),
        }
    }
    (patterns, without)
}

/// The detectors that found something in free text, each once, by name.
pub(super) fn mixed_kinds(columns: &[Sensitive]) -> Vec<&'static str> {
    let mixed = columns.iter().filter(|column| column.verdict == Verdict::Mixed);
    mixed.flat_map(|column| column.kinds.iter().copied()).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests;
