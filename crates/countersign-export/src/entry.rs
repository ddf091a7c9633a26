//! What is handed out of one entry? Its leaf, its place in the log, and the content that is shown.

use std::collections::BTreeMap;

use countersign_core::Timestamp;
use countersign_ledger::{Leaf, LeafError, hex, leaf_hash};

use crate::Disclosure;

/// Why an entry can't be handed out.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Its leaf can't be read.
    #[error("entry {index} can't be read")]
    Leaf {
        /// Which.
        index: u64,
        /// Why.
        source: LeafError,
    },
    /// It can't be written as JSON.
    #[error("entry {index} can't be written")]
    Write {
        /// Which.
        index: u64,
        /// Why.
        source: serde_json::Error,
    },
}

/// An entry as it may leave.
#[derive(Debug, Clone)]
pub struct Entry {
    pub(crate) index: u64,
    pub(crate) log: String,
    pub(crate) leaf: Leaf,
    /// The leaf's exact text.
    pub(crate) text: String,
    pub(crate) hash: String,
    pub(crate) time: Timestamp,
    /// What is shown, and nothing else.
    pub(crate) content: BTreeMap<String, String>,
}

impl Entry {
    /// Entry `index` of the log with this origin. Of `content`, only what is disclosed is kept.
    ///
    /// # Errors
    /// When the leaf is not one that the ledger can have written.
    pub fn open(
        log: &str,
        index: u64,
        leaf: &[u8],
        content: BTreeMap<String, String>,
        disclosure: &Disclosure,
    ) -> Result<Self, EntryError> {
        let parsed = Leaf::parse(leaf).map_err(|source| EntryError::Leaf { index, source })?;
        let not_a_time = |_cause| EntryError::Leaf { index, source: LeafError::Time(parsed.time.clone()) };
        Ok(Self {
            index,
            log: log.to_owned(),
            time: parsed.time.parse().map_err(not_a_time)?,
            // A leaf that was parsed is canonical JSON, and so UTF-8.
            text: String::from_utf8_lossy(leaf).into_owned(),
            hash: hex(&leaf_hash(leaf)),
            leaf: parsed,
            content: disclosure.shown(content),
        })
    }

    /// Where it stands in the log.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Milliseconds since 1970.
    pub(crate) fn millis(&self) -> i64 {
        self.time.as_micros().div_euclid(1000)
    }
}
