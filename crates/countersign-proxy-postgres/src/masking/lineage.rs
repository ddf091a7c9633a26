//! Where do columns come from? The numbers and names of every column, what stands behind views, and which tables are
//! children of which; asked of the server together with the catalog.

use std::collections::{BTreeMap, HashMap, HashSet};

use countersign_core::Digest;
use serde::Deserialize;

use super::definition::{self, Definition};

/// One statement, one text: the argument of [`Lineage::from_json`]. Run it with `search_path` set to `pg_catalog`.
pub(crate) const LINEAGE_QUERY: &str = include_str!("lineage.sql");

/// The columns of one database.
#[derive(Debug, Default)]
pub(crate) struct Lineage {
    pub(super) relations: HashMap<u32, Relation>,
    /// Types that are text without being PostgreSQL's own, `citext` for example.
    pub(super) texts: HashSet<u32>,
    /// Parents and children.
    pub(super) kin: Vec<(u32, u32)>,
    digest: Option<Digest>,
}

/// A table or view.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) schema: String,
    pub(super) name: String,
    /// By number.
    pub(super) columns: BTreeMap<i16, Column>,
    /// Of a view; `Some(None)` when it could not be read.
    pub(super) definition: Option<Option<Definition>>,
}

#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    /// A domain's base type.
    pub(super) type_oid: u32,
    /// COPY leaves these out.
    pub(super) generated: bool,
}

type List<T> = Option<Vec<T>>;

/// oid, schema, name, columns.
type RelationRow = (u32, String, String, List<ColumnRow>);
/// number, name, type, generated.
type ColumnRow = (i16, String, u32, bool);

#[derive(Deserialize)]
struct Document {
    relations: List<RelationRow>,
    views: List<(u32, String)>,
    inherits: List<(u32, u32)>,
    texts: List<u32>,
}

impl Lineage {
    /// Of the answer from which it was read; none when nothing is known.
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Reads the answer to [`LINEAGE_QUERY`].
    pub(crate) fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        let document: Document = serde_json::from_str(json)?;
        let mut lineage = Self {
            relations: HashMap::new(),
            texts: document.texts.unwrap_or_default().into_iter().collect(),
            kin: document.inherits.unwrap_or_default(),
            digest: Some(Digest::of(json.as_bytes())),
        };
        for (oid, schema, name, columns) in document.relations.unwrap_or_default() {
            let columns = columns.unwrap_or_default().into_iter();
            let columns = columns
                .map(|(number, name, type_oid, generated)| (number, Column { name, type_oid, generated }))
                .collect();
            lineage.relations.insert(oid, Relation { schema, name, columns, definition: None });
        }
        for (oid, tree) in document.views.unwrap_or_default() {
            if let Some(relation) = lineage.relations.get_mut(&oid) {
                relation.definition = Some(definition::read(&tree));
            }
        }
        Ok(lineage)
    }
}
