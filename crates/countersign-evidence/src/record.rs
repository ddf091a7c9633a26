//! What does one entry say, and what stands beside it? A line of `records.jsonl`: the exact leaf, its index, and the
//! content that is shown, each value with the salt that opens its commitment.

use std::collections::BTreeMap;

use countersign_core::Timestamp;
use countersign_ledger::receipt::ReceiptEntry;
use countersign_ledger::{Content, Leaf, content_commitment};

use crate::period::time;

/// One entry, read. Its place in the log is proved elsewhere.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its index in the log.
    pub index: u64,
    /// The leaf's exact text.
    pub text: String,
    /// What it says.
    pub leaf: Leaf,
    /// When it happened, by the gateway's clock.
    pub time: Timestamp,
    /// The content that is shown, by name.
    pub content: BTreeMap<String, String>,
}

/// Why a line is no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is not of the form.
    #[error("it is not a record")]
    Form(#[from] serde_json::Error),
    /// The leaf is none.
    #[error("its leaf can't be read")]
    Leaf(#[from] countersign_ledger::LeafError),
    /// A value that is shown is not what the leaf commits to.
    #[error("`{0}` is not what the leaf commits to")]
    Content(String),
}

impl Record {
    /// Reads an entry with the content that it shows, each value opened against its commitment.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn read(entry: &ReceiptEntry) -> Result<Self, RecordError> {
        let leaf = Leaf::parse(entry.leaf.as_bytes())?;
        let mut content = BTreeMap::new();
        for (name, opened) in &entry.content {
            let value = Content::new(name, opened.value.as_str());
            let committed = content_commitment(&opened.salt, &value).ok();
            if !committed.is_some_and(|commitment| leaf.sd.contains(&commitment)) {
                return Err(RecordError::Content(name.clone()));
            }
            content.insert(name.clone(), opened.value.clone());
        }
        // A leaf was read, so its time is one.
        let time = time(&leaf.time).unwrap_or(Timestamp::from_micros(0));
        Ok(Self { index: entry.index, text: entry.leaf.clone(), leaf, time, content })
    }

    /// Reads a line of `records.jsonl`.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn parse(line: &str) -> Result<Self, RecordError> {
        Self::read(&serde_json::from_str(line)?)
    }

    pub(crate) fn shown(&self, name: &str) -> Option<&str> {
        self.content.get(name).map(String::as_str)
    }
}

/// Takes away what is not to be shown. What stays can still be opened, and what went stays committed to.
pub fn withhold(entry: &mut ReceiptEntry, shown: &[String], payloads: bool) {
    entry.content.retain(|name, _| shown.contains(name));
    if !payloads {
        entry.payload = None;
    }
}
