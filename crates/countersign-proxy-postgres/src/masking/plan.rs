//! What becomes of each column of this result? Worked out once per result, from where the server says that its columns
//! come from.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_mask::{ColumnMask, Found};

use super::Kit;
use super::tags::Origin;
use crate::codec::Format;
use crate::codec::back::RowDescription;

/// For each column what becomes of its values.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) kit: Arc<Kit>,
    pub(super) cells: Vec<Cell>,
}

/// What becomes of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Pass,
    Null,
    Mask(Arc<ColumnMask>, Shape),
    Search(Shape),
}

/// How a value's bytes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Text as it is.
    Text,
    /// JSON, which must stay JSON.
    Json,
    /// The same behind a byte that says which version: `jsonb` in its binary form.
    Jsonb,
    /// Something binary, in which nothing can be replaced: NULL when anything is found in it.
    Binary,
}

/// How far what is known of a statement goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// What it computes holds nothing that is masked.
    Clean,
    /// What it computes may hold masked values.
    Computes,
    /// Definitions may be others than those that are known: only what is surely masked, or not at all, is certain.
    Nothing,
}

/// What was masked: for the record, which says what and how much, and never the values.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    columns: BTreeSet<String>,
    computed: usize,
    pub(super) found: Found,
}

impl Tally {
    /// For people: `masked customers.email (hash), 2 computed columns; found 3 email, 1 card`.
    pub(crate) fn note(&self) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        let mut columns: Vec<String> = self.columns.iter().cloned().collect();
        match self.computed {
            0 => {}
            1 => columns.push("1 computed column".to_owned()),
            more => columns.push(format!("{more} computed columns")),
        }
        if !columns.is_empty() {
            parts.push(format!("masked {}", columns.join(", ")));
        }
        let found: Vec<String> = self.found.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        if !found.is_empty() {
            parts.push(format!("found {}", found.join(", ")));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// Where a column of a result comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) table: u32,
    pub(super) number: i16,
    pub(super) type_oid: u32,
    pub(super) format: Format,
}

impl Plan {
    /// For the rows that this describes.
    pub(crate) fn of_rows(
        kit: &Arc<Kit>,
        columns: &RowDescription<'_>,
        trust: Trust,
        tally: &mut Tally,
    ) -> Self {
        let sources = columns.fields().map(|field| Source {
            table: field.table_oid,
            number: field.attnum,
            type_oid: field.type_oid,
            format: field.format,
        });
        Self::of(kit, sources, trust, tally)
    }

    pub(super) fn of(
        kit: &Arc<Kit>,
        sources: impl Iterator<Item = Source>,
        trust: Trust,
        tally: &mut Tally,
    ) -> Self {
        let cells = sources.map(|source| cell(kit, source, trust, tally)).collect();
        Self { kit: Arc::clone(kit), cells }
    }

    /// Whether every value passes as it is.
    pub(crate) fn passes(&self) -> bool {
        self.cells.iter().all(|cell| *cell == Cell::Pass)
    }
}

fn cell(kit: &Kit, source: Source, trust: Trust, tally: &mut Tally) -> Cell {
    match kit.tags.origin(source.table, source.number) {
        Origin::Masked(mask, name) => {
            tally.columns.insert(format!("{name} ({})", mask.mode));
            match text_shape(kit, source) {
                Some(shape) => Cell::Mask(mask, shape),
                // A half of a number or a date would be read as another one.
                None => Cell::Null,
            }
        }
        // Of a relation that nobody knows, or computed from what nobody may see.
        Origin::Unknown if kit.names_columns() && (trust != Trust::Clean || source.table != 0) => {
            tally.computed += 1;
            Cell::Null
        }
        // A view may show something else than it did when the catalog was read.
        Origin::Clear if kit.names_columns() && trust == Trust::Nothing => {
            tally.computed += 1;
            Cell::Null
        }
        Origin::Unknown | Origin::Clear => match search_shape(kit, source) {
            Some(shape) if kit.searches() => Cell::Search(shape),
            _ => Cell::Pass,
        },
    }
}

/// `name`, `text`, `bpchar`, `varchar`, `xml`, `unknown` and PostgreSQL's one-byte `char`.
const TEXTS: [u32; 7] = [19, 25, 1042, 1043, 142, 705, 18];
const JSON: u32 = 114;
const JSONB: u32 = 3802;

/// The shape of a type whose values are text in both formats.
fn text_shape(kit: &Kit, source: Source) -> Option<Shape> {
    match (source.type_oid, source.format) {
        (JSON, _) | (JSONB, Format::Text) => Some(Shape::Json),
        (JSONB, Format::Binary) => Some(Shape::Jsonb),
        (oid, _) if TEXTS.contains(&oid) || kit.tags.lineage().texts.contains(&oid) => Some(Shape::Text),
        _ => None,
    }
}

/// Numbers, truth, times, bits, addresses, UUIDs and numbers of objects: their types say more than their looks.
const PLAIN: [u32; 42] = [
    16, 20, 21, 23, 24, 26, 27, 28, 29, 700, 701, 790, 829, 774, 869, 650, 1082, 1083, 1114, 1184, 1186,
    1266, 1560, 1562, 1700, 2202, 2203, 2204, 2205, 2206, 2278, 2950, 3220, 3734, 3769, 4089, 4096, 5069,
    600, 601, 602, 718,
];

fn search_shape(kit: &Kit, source: Source) -> Option<Shape> {
    let searched = |format| match format {
        Format::Text => Shape::Text,
        Format::Binary => Shape::Binary,
    };
    text_shape(kit, source).or_else(|| (!PLAIN.contains(&source.type_oid)).then(|| searched(source.format)))
}
