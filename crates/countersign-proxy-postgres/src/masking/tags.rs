//! Which columns of this database do the rules mean? Names become numbers, and what is masked in a table is masked in
//! its children, its parents and the views over it.

use std::collections::HashMap;
use std::sync::Arc;

use countersign_core::{MaskMode, Verb};
use countersign_mask::ColumnMask;
use countersign_sql::{Classified, Statement, StatementKind};

use super::lineage::{Lineage, Relation};
use super::{Rules, mode};

/// Samples of other tables' values, or other people's statements: masked whole wherever a rule names a column.
const TELLTALES: [&str; 6] = [
    "pg_statistic",
    "pg_statistic_ext_data",
    "pg_stats",
    "pg_stats_ext",
    "pg_stats_ext_exprs",
    "pg_stat_activity",
];

/// How strictly a column is masked, and under which name it is hashed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Tag(MaskMode, String);

/// Rules applied to one database.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    masked: HashMap<u32, HashMap<i16, Arc<ColumnMask>>>,
    lineage: Arc<Lineage>,
}

/// What a column of a result is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// No rule means it.
    Clear,
    /// Under this rule; the name is for the record.
    Masked(Arc<ColumnMask>, String),
    /// Computed, a whole row, or of a relation that nobody knows.
    Unknown,
}

type Found = HashMap<u32, HashMap<i16, Tag>>;

impl Tags {
    pub(super) fn new(rules: &Rules, lineage: Arc<Lineage>) -> Self {
        let mut found: Found = HashMap::new();
        for (pattern, mode) in rules.columns() {
            for (oid, relation) in &lineage.relations {
                name_columns(&mut found, *oid, relation, pattern, mode);
            }
        }
        if !found.is_empty() {
            for (oid, relation) in &lineage.relations {
                if relation.schema == "pg_catalog" && TELLTALES.contains(&relation.name.as_str()) {
                    for (number, column) in &relation.columns {
                        raise(&mut found, *oid, *number, Tag(MaskMode::Null, column.name.clone()));
                    }
                }
            }
            while spread(&mut found, &lineage) {}
        }
        let masks = |(number, Tag(strictness, name)): (i16, Tag)| {
            (number, Arc::new(ColumnMask { mode: mode(strictness), name }))
        };
        let masked = found.into_iter().map(|(oid, tags)| (oid, tags.into_iter().map(masks).collect()));
        Self { masked: masked.collect(), lineage }
    }

    pub(super) fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    pub(super) fn origin(&self, table: u32, number: i16) -> Origin {
        if table == 0 || number == 0 {
            return Origin::Unknown;
        }
        let Some(relation) = self.lineage.relations.get(&table) else { return Origin::Unknown };
        // Numbers of ctid, xmin and the like are negative; of another number nobody knows anything.
        let Some(column) = relation.columns.get(&number) else {
            return if number < 0 { Origin::Clear } else { Origin::Unknown };
        };
        match self.masked.get(&table).and_then(|columns| columns.get(&number)) {
            Some(mask) => Origin::Masked(Arc::clone(mask), format!("{}.{}", relation.name, column.name)),
            None => Origin::Clear,
        }
    }

    /// Whether what this text computes may hold masked values.
    pub(super) fn may_compute(&self, text: &Classified) -> bool {
        text.problem.is_some() || text.statements.iter().any(|statement| self.touches(statement))
    }

    fn touches(&self, statement: &Statement) -> bool {
        use Verb::{Execute, Network, Secret, Unknown};
        let unseen = |verb| matches!(verb, Execute | Network | Secret | Unknown);
        if statement.effects.iter().any(|effect| unseen(effect.verb)) {
            return true;
        }
        match statement.kind {
            // Their query stands somewhere else.
            StatementKind::Fetch { .. } | StatementKind::Execute { .. } => true,
            // A plan shows the text's own constants and no values.
            StatementKind::Explain { .. } => false,
            _ => statement.relations.iter().any(|relation| self.is_sensitive(relation.oid)),
        }
    }

    /// Whether a relation holds masked columns, or nobody knows what it holds.
    pub(super) fn is_sensitive(&self, oid: u32) -> bool {
        self.masked.contains_key(&oid) || !self.lineage.relations.contains_key(&oid)
    }
}

/// Tags the columns of `relation` that `pattern` means: `column`, `table.column`, `schema.table.column`, `*` last.
fn name_columns(found: &mut Found, oid: u32, relation: &Relation, pattern: &str, mode: MaskMode) {
    let mut parts = pattern.rsplit('.');
    let wanted = parts.next().unwrap_or_default();
    let fits = parts.next().is_none_or(|table| table == relation.name)
        && parts.next().is_none_or(|schema| schema == relation.schema);
    // `*` of everything would blank PostgreSQL's own catalogs as well; they have no rows of anybody's.
    if !fits || (pattern == "*" && is_systems(relation)) {
        return;
    }
    for (number, column) in &relation.columns {
        if wanted == "*" || wanted == column.name {
            raise(found, oid, *number, Tag(mode, column.name.clone()));
        }
    }
}

fn is_systems(relation: &Relation) -> bool {
    matches!(relation.schema.as_str(), "pg_catalog" | "information_schema")
}

/// Keeps the stricter of two modes, and the name of the column behind: what stands behind both sides of a join is hashed
/// alike. True when something changed.
fn raise(found: &mut Found, oid: u32, number: i16, tag: Tag) -> bool {
    let columns = found.entry(oid).or_default();
    let known = columns.get(&number);
    let strictest = known.map_or(tag.0, |known| known.0.max(tag.0));
    let raised = Tag(strictest, tag.1);
    let changed = known != Some(&raised);
    columns.insert(number, raised);
    changed
}

/// One round of spreading tags to kin and views; true when something changed.
fn spread(found: &mut Found, lineage: &Lineage) -> bool {
    let mut changed = false;
    for (parent, child) in &lineage.kin {
        changed |= share(found, lineage, *parent, *child) | share(found, lineage, *child, *parent);
    }
    for (oid, relation) in &lineage.relations {
        if let Some(definition) = &relation.definition {
            for (number, tag) in view_tags(found, *oid, relation, definition.as_ref()) {
                changed |= raise(found, *oid, number, tag);
            }
        }
    }
    changed
}

/// Columns of the same name have the same rule: a child's rows are its parent's too.
fn share(found: &mut Found, lineage: &Lineage, from: u32, to: u32) -> bool {
    let (Some(source), Some(target)) = (lineage.relations.get(&from), lineage.relations.get(&to)) else {
        return false;
    };
    let Some(tags) = found.get(&from).cloned() else { return false };
    let mut changed = false;
    for (number, tag) in tags {
        let Some(column) = source.columns.get(&number) else { continue };
        let twin = target.columns.iter().find(|(_, twin)| twin.name == column.name);
        if let Some((number, _)) = twin {
            changed |= raise(found, to, *number, tag);
        }
    }
    changed
}

fn view_tags(
    found: &Found,
    oid: u32,
    view: &Relation,
    definition: Option<&super::definition::Definition>,
) -> Vec<(i16, Tag)> {
    let Some(definition) = definition else {
        let all = view.columns.iter();
        return all.map(|(number, column)| (*number, Tag(MaskMode::Null, column.name.clone()))).collect();
    };
    // Before PostgreSQL 16 a view's own number is among what it uses.
    let mut others = definition.uses.iter().filter(|used| **used != oid);
    let reads = definition.opaque || others.any(|used| found.contains_key(used));
    let tag = |(number, column): (&i16, &super::lineage::Column)| match definition.origins.get(number) {
        Some((table, origin)) => {
            let tag = found.get(table).and_then(|columns| columns.get(origin))?;
            Some((*number, tag.clone()))
        }
        None => reads.then(|| (*number, Tag(MaskMode::Null, column.name.clone()))),
    };
    view.columns.iter().filter_map(tag).collect()
}
