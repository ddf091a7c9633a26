//! What an action would touch, as JSON. The shapes read back as the core's own types.

use countersign_core::{Cascade, Preview, Rows, Sample, SampleRow};
use serde::Serialize;
use utoipa::ToSchema;

/// What an action would touch, worked out before people were asked and covered by the digest that they approve.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewBody {
    /// Rows that the action itself would touch.
    rows: RowsBody,
    /// What follows elsewhere, such as deletions through foreign keys.
    cascades: Vec<CascadeBody>,
    /// Some of the rows; absent when none were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<SampleBody>,
    /// What to know beside the numbers: why a count is missing, that locks are held.
    notes: Vec<String>,
}

/// A number of rows, and how surely it is known.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowsBody {
    /// `exact`: counted. `estimate`: guessed by the resource, may be far off. `unknown`: neither could be had.
    #[schema(pattern = "^(exact|estimate|unknown)$")]
    known: &'static str,
    /// The number; absent when `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
}

/// What an action would touch beside its own object.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CascadeBody {
    /// For example `public.order_lines`.
    object: String,
    /// What happens to its rows, for example `delete`, `set null` or `set default`.
    what: String,
    rows: RowsBody,
}

/// Some of the rows that an action would touch. Sensitive values are masked already.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SampleBody {
    /// The names of the columns.
    columns: Vec<String>,
    rows: Vec<SampleRowBody>,
}

/// One row of a sample.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SampleRowBody {
    /// The values as they are, one for each column; `null` is SQL's NULL.
    before: Vec<Option<String>>,
    /// The values as they would be; absent when the row would be gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Vec<Option<String>>>,
}

impl PreviewBody {
    pub(super) fn of(preview: &Preview) -> Self {
        Self {
            rows: RowsBody::of(preview.rows),
            cascades: preview.cascades.iter().map(CascadeBody::of).collect(),
            sample: preview.sample.as_ref().map(SampleBody::of),
            notes: preview.notes.clone(),
        }
    }
}

impl RowsBody {
    fn of(rows: Rows) -> Self {
        match rows {
            Rows::Exact(rows) => Self { known: "exact", rows: Some(rows) },
            Rows::Estimate(rows) => Self { known: "estimate", rows: Some(rows) },
            Rows::Unknown => Self { known: "unknown", rows: None },
        }
    }
}

impl CascadeBody {
    fn of(cascade: &Cascade) -> Self {
        Self { object: cascade.object.clone(), what: cascade.what.clone(), rows: RowsBody::of(cascade.rows) }
    }
}

impl SampleBody {
    fn of(sample: &Sample) -> Self {
        Self { columns: sample.columns.clone(), rows: sample.rows.iter().map(SampleRowBody::of).collect() }
    }
}

impl SampleRowBody {
    fn of(row: &SampleRow) -> Self {
        Self { before: row.before.clone(), after: row.after.clone() }
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::{Preview, Rows};
    use serde_json::{Value, json};

    use super::PreviewBody;
    use crate::view::fixtures::{NOW, World};

    #[test]
    fn what_a_program_reads_is_what_people_see_and_what_the_digest_covers() {
        let world = World { now: NOW };
        for preview in [world.delete_preview(), world.update_preview(), world.unknown_preview()] {
            let body = serde_json::to_value(PreviewBody::of(&preview)).unwrap();
            let back: Preview =
                serde_json::from_value(body.clone()).unwrap_or_else(|error| panic!("{error} in {body}"));
            assert_eq!(back, preview);
            assert_eq!(back.digest(), preview.digest());
        }
    }

    #[test]
    fn unknown_has_no_number_and_a_gone_row_no_after() {
        let world = World { now: NOW };
        let unknown = Preview { rows: Rows::Unknown, ..world.delete_preview() };
        let body = serde_json::to_value(PreviewBody::of(&unknown)).unwrap();
        assert_eq!(body["rows"], json!({"known": "unknown"}));
        let gone = body["sample"]["rows"][1].as_object().unwrap();
        assert!(!gone.contains_key("after"));
        assert!(gone["before"].as_array().unwrap().contains(&Value::Null));
    }
}
