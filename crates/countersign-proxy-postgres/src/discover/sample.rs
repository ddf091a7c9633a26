//! How many values look personal or secret? A few rows of each table go through the detectors; what stays of them is
//! how many there were of each kind.

use std::future::Future;
use std::pin::Pin;

use countersign_mask::{Detectors, Found, Key, Kind, Masking, Mode, Scratch};

use super::{Column, Family, Look, Sampling, Session, Table, TableKind, quoted};
use crate::control::{AskError, Cell};

/// Rows of one table.
const ROWS: usize = 200;
/// Characters of one value.
const CHARS: usize = 500;
/// Columns of one question, so that the answer stays within [`ANSWER_MAX`].
const COLUMNS: usize = 20;
const TABLES: usize = 500;
/// Larger than any answer within the three bounds above: 200 rows of 20 values of 500 characters of up to 4 bytes.
const ANSWER_MAX: usize = 16 << 20;
/// Milliseconds for one question.
const TIMEOUT: u32 = 5_000;
/// Larger tables are sampled by pages from everywhere; the first rows are often the oldest and the oddest.
const LARGE: u64 = 50_000;

/// Searches table after table until `deadline` ends.
pub(super) async fn search(
    session: &mut Session,
    tables: &mut [Table],
    mut deadline: Pin<&mut impl Future<Output = ()>>,
) {
    let Some(mut search) = Search::new() else { return };
    let worth = tables.iter_mut().filter(|table| !searchable(table).is_empty());
    let mut worth: Vec<&mut Table> = worth.collect();
    for table in &mut worth {
        table.sampling = Sampling::NotReached;
    }
    for table in worth.into_iter().take(TABLES) {
        let looked = tokio::select! {
            biased;
            () = deadline.as_mut() => return,
            looked = search.table(session, table) => looked,
        };
        table.sampling = match looked {
            Ok(rows) => Sampling::Looked(rows),
            Err(AskError::Refused(_)) => Sampling::Refused,
            Err(AskError::Lost(_) | AskError::Wire(_) | AskError::TooLong(_) | AskError::Senseless(_)) => {
                // Nothing more can be asked on this connection.
                return;
            }
        };
    }
}

/// Places of the columns that are worth searching. Views are not: they run whatever code stands in them.
fn searchable(table: &Table) -> Vec<usize> {
    if matches!(table.kind, TableKind::View | TableKind::Foreign) {
        return Vec::new();
    }
    let is_searched =
        |column: &Column| column.readable && matches!(column.family, Family::Text | Family::Document);
    let columns = table.columns.iter().enumerate();
    columns.filter(|(_, column)| is_searched(column)).map(|(at, _)| at).collect()
}

pub(super) fn question(table: &Table, places: &[usize]) -> String {
    let columns: Vec<String> = places
        .iter()
        .filter_map(|at| table.columns.get(*at))
        .map(|column| format!("left({}::text, {CHARS})", quoted(&column.name)))
        .collect();
    // An ordinary table's children are tables of their own.
    let only = if table.kind == TableKind::Table { "ONLY " } else { "" };
    let sample = table.rows.filter(|rows| *rows > LARGE).map_or_else(String::new, |rows| {
        let wanted = u64::try_from(ROWS).unwrap_or(u64::MAX).saturating_mul(1_000);
        let thousandths = (wanted.saturating_mul(100) / rows).clamp(1, 100_000);
        format!(" TABLESAMPLE system ({}.{:03}) REPEATABLE (1)", thousandths / 1_000, thousandths % 1_000)
    });
    let (schema, name) = (quoted(&table.schema), quoted(&table.name));
    format!("SELECT {} FROM {only}{schema}.{name}{sample} LIMIT {ROWS}", columns.join(", "))
}

pub(super) struct Search {
    detectors: Detectors,
    scratch: Scratch,
    key: Key,
}

impl Search {
    pub(super) fn new() -> Option<Self> {
        let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| *kind != Kind::QuotedValue).collect();
        let detectors = Detectors::new(&kinds).ok()?;
        // Nothing is hashed here, so the key is no secret.
        Some(Self { detectors, scratch: Scratch::new(), key: Key::new(&[0; 32]) })
    }

    /// How many rows were looked at.
    async fn table(&mut self, session: &mut Session, table: &mut Table) -> Result<u64, AskError> {
        let mut most = 0;
        for places in searchable(table).chunks(COLUMNS) {
            let answer = session.ask(&question(table, places), TIMEOUT, ANSWER_MAX).await?;
            most = most.max(u64::try_from(answer.rows.len()).unwrap_or(u64::MAX));
            for (at, place) in places.iter().enumerate() {
                if let Some(column) = table.columns.get_mut(*place) {
                    let cells = answer.rows.iter().filter_map(|row| row.get(at));
                    (column.values, column.looks) = self.column(cells);
                }
            }
        }
        Ok(most)
    }

    /// How many values there were, and how many of them looked like what.
    pub(super) fn column<'a>(&mut self, cells: impl Iterator<Item = &'a Cell>) -> (u64, Vec<Look>) {
        let mut values: u64 = 0;
        let mut counts = vec![0_u64; Kind::ALL.len()];
        for value in cells.flatten() {
            values = values.saturating_add(1);
            let found = self.value(value);
            for (count, kind) in counts.iter_mut().zip(Kind::ALL) {
                *count = count.saturating_add(u64::from(found.count(*kind) > 0));
            }
        }
        let unsure = [Kind::Phone, Kind::Ipv4];
        let mut looks: Vec<Look> = Kind::ALL
            .iter()
            .zip(counts)
            .filter(|(_, values)| *values > 0)
            .map(|(kind, values)| Look {
                kind: kind.name(),
                personal: kind.is_personal(),
                sure: !unsure.contains(kind),
                values,
            })
            .collect();
        looks.sort_by_key(|look| std::cmp::Reverse(look.values));
        (values, looks)
    }

    fn value(&mut self, value: &[u8]) -> Found {
        let mut found = Found::default();
        // In this mode nothing of the value is written anywhere.
        let masking = Masking { mode: Mode::Null, key: &self.key };
        self.detectors.scan(&mut self.scratch, value, &mut Vec::new(), masking, &mut found);
        found
    }
}
