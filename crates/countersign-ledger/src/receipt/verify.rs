//! Does the receipt hold? Checkpoint, inclusion, form, chain, openings, story, in this order: nothing is read out of
//! an entry before it is proved to be the log's.

use super::failure::{Code, Failure, Place};
use super::opening::{self, Unopened};
use super::report::Report;
use super::story::Story;
use super::{Receipt, ReceiptEntry};
use crate::checkpoint::{Checkpoint, TrustedLog};
use crate::leaf::Leaf;
use crate::proof::verify_inclusion;
use crate::text::shown;
use crate::tree::{Hash, leaf_hash};

/// An entry that is the log's, with what its opened content says.
#[derive(Debug)]
pub(super) struct Proved<'a> {
    pub(super) index: u64,
    pub(super) leaf: Leaf,
    pub(super) entry: &'a ReceiptEntry,
    pub(super) unopened: Unopened,
}

impl Proved<'_> {
    /// A content value that is shown.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.entry.content.get(name).map(|opened| opened.value.as_str())
    }

    /// A failure at this entry.
    pub(super) fn fail(&self, code: Code, detail: impl Into<String>) -> Failure {
        Failure::at(self.index, code, detail)
    }
}

impl Receipt {
    /// Checks everything against a trusted log, and says what was proved and what stayed closed.
    ///
    /// # Errors
    /// The first [`Failure`]; then nothing of the receipt may be believed.
    pub fn verify(&self, log: &TrustedLog) -> Result<Report, Failure> {
        let verified = log
            .verify(self.checkpoint.as_bytes())
            .map_err(|error| Failure::new(Place::Checkpoint, Code::CheckpointUntrusted, error.to_string()))?;
        if self.entries.is_empty() {
            return Err(Failure::new(Place::Receipt, Code::NoEntries, "it has no entries"));
        }
        let mut proved: Vec<Proved<'_>> = Vec::with_capacity(self.entries.len());
        let mut previous: Option<Hash> = None;
        for entry in &self.entries {
            if proved.last().is_some_and(|last| last.index >= entry.index) {
                let detail = "it stands behind an entry that is not before it in the log";
                return Err(Failure::at(entry.index, Code::OutOfOrder, detail));
            }
            let hash = included(entry, verified.checkpoint())?;
            proved.push(self.read(entry, previous)?);
            previous = Some(hash);
        }
        let story = Story::of(&proved)?;
        Ok(Report::new(self, &verified, &proved, story))
    }

    /// One entry, known to be the log's: its form, its case, its chain and its content.
    fn read<'a>(&self, entry: &'a ReceiptEntry, previous: Option<Hash>) -> Result<Proved<'a>, Failure> {
        let index = entry.index;
        let leaf = Leaf::parse(entry.leaf.as_bytes())
            .map_err(|error| Failure::at(index, Code::LeafMalformed, error.to_string()))?;
        if leaf.case != self.action {
            let detail = format!("it belongs to `{}`, not to `{}`", shown(&leaf.case), shown(&self.action));
            return Err(Failure::at(index, Code::OtherCase, detail));
        }
        if leaf.prev != previous {
            let detail = match (leaf.prev, previous) {
                (Some(_), None) => "an entry of this action before it is missing",
                (None, _) => "it says that it is the action's first entry, but it isn't",
                (Some(_), Some(_)) => "an entry between it and the one before is missing",
            };
            return Err(Failure::at(index, Code::ChainBroken, detail));
        }
        let unopened = opening::open(index, &leaf, &entry.content, entry.payload.as_ref())?;
        Ok(Proved { index, leaf, entry, unopened })
    }
}

/// The entry's leaf hash, when it is in the log.
fn included(entry: &ReceiptEntry, checkpoint: &Checkpoint) -> Result<Hash, Failure> {
    let hash = leaf_hash(entry.leaf.as_bytes());
    verify_inclusion(&hash, entry.index, checkpoint.size(), &entry.proof, checkpoint.root())
        .map_err(|error| Failure::at(entry.index, Code::NotIncluded, error.to_string()))?;
    Ok(hash)
}
