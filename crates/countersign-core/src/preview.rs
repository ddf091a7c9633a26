//! What would it touch? Counted or guessed before people are asked, and bound to what they approve.

use serde::{Deserialize, Serialize};

use crate::Digest;
use crate::digest::DigestWriter;

/// A number of rows, and how surely it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "known", content = "rows")]
pub enum Rows {
    /// Counted.
    Exact(u64),
    /// Guessed by the resource; may be far off.
    Estimate(u64),
    /// Neither could be had.
    Unknown,
}

impl Rows {
    /// The number when it was counted.
    pub const fn exact(self) -> Option<u64> {
        match self {
            Self::Exact(rows) => Some(rows),
            Self::Estimate(_) | Self::Unknown => None,
        }
    }
}

/// What an action would touch, as people see it. Its digest is part of the action's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Rows that the action itself would touch.
    pub rows: Rows,
    /// What follows elsewhere, such as deletions through foreign keys.
    pub cascades: Vec<Cascade>,
    /// Some of the rows, with sensitive values masked.
    pub sample: Option<Sample>,
    /// What people should know beside the numbers: why a count is missing, that locks are held.
    pub notes: Vec<String>,
}

/// What an action would touch beside its own object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cascade {
    /// The object, for example `public.order_lines`.
    pub object: String,
    /// What happens to its rows: `delete`, `set null`, `set default`.
    pub what: String,
    /// How many.
    pub rows: Rows,
}

/// Some of the rows that an action would touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows; each has as many values as there are columns, `None` for NULL.
    pub rows: Vec<SampleRow>,
}

/// One row of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleRow {
    /// The values as they are.
    pub before: Vec<Option<String>>,
    /// The values as they would be; `None` when the row would be gone.
    pub after: Option<Vec<Option<String>>>,
}

impl Preview {
    /// SHA-256 over every part.
    pub fn digest(&self) -> Digest {
        let mut writer = rows(DigestWriter::new("countersign/preview/v1"), self.rows).part(b"cascades");
        for cascade in &self.cascades {
            writer = writer.part(cascade.object.as_bytes()).part(cascade.what.as_bytes());
            writer = rows(writer, cascade.rows);
        }
        writer = writer.part(b"notes");
        for note in &self.notes {
            writer = writer.part(note.as_bytes());
        }
        writer = writer.part(b"sample");
        if let Some(sample) = &self.sample {
            for column in &sample.columns {
                writer = writer.part(column.as_bytes());
            }
            for row in &sample.rows {
                writer = values(writer.part(b"before"), &row.before);
                writer = match &row.after {
                    Some(after) => values(writer.part(b"after"), after),
                    None => writer.part(b"gone"),
                };
            }
        }
        writer.finish()
    }
}

fn rows(writer: DigestWriter, rows: Rows) -> DigestWriter {
    match rows {
        Rows::Exact(rows) => writer.part(b"exact").part(&rows.to_be_bytes()),
        Rows::Estimate(rows) => writer.part(b"estimate").part(&rows.to_be_bytes()),
        Rows::Unknown => writer.part(b"unknown"),
    }
}

/// The mark before each value keeps NULL apart from every text.
fn values(mut writer: DigestWriter, values: &[Option<String>]) -> DigestWriter {
    for value in values {
        writer = match value {
            Some(value) => writer.part(b"=").part(value.as_bytes()),
            None => writer.part(b"null"),
        };
    }
    writer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview() -> Preview {
        let row = SampleRow {
            before: vec![Some("1".to_owned()), None],
            after: Some(vec![Some("1".to_owned()), Some("x".to_owned())]),
        };
        Preview {
            rows: Rows::Exact(42),
            cascades: vec![Cascade {
                object: "public.lines".to_owned(),
                what: "delete".to_owned(),
                rows: Rows::Estimate(7),
            }],
            sample: Some(Sample { columns: vec!["id".to_owned(), "note".to_owned()], rows: vec![row] }),
            notes: vec!["counted".to_owned()],
        }
    }

    #[test]
    fn every_part_counts() {
        let changes: [fn(&mut Preview); 10] = [
            |p| p.rows = Rows::Exact(43),
            |p| p.rows = Rows::Estimate(42),
            |p| p.rows = Rows::Unknown,
            |p| p.cascades.clear(),
            |p| p.cascades[0].what = "set null".to_owned(),
            |p| p.cascades[0].rows = Rows::Exact(7),
            |p| p.notes.clear(),
            |p| p.sample = None,
            |p| p.sample.as_mut().unwrap().rows[0].before[1] = Some("null".to_owned()),
            |p| p.sample.as_mut().unwrap().rows[0].after = None,
        ];
        let before = preview().digest();
        for (at, change) in changes.iter().enumerate() {
            let mut changed = preview();
            change(&mut changed);
            assert_ne!(changed.digest(), before, "change {at}");
        }
    }
}
