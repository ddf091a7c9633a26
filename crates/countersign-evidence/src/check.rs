//! Is a pack what it says? Every file, every entry, every receipt, every number, from the log's key alone. The first
//! thing that is wrong ends it, with its place.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use countersign_ledger::checkpoint::TrustedLog;
use countersign_ledger::note::VerifierKey;
use countersign_ledger::receipt::Receipt;
use countersign_ledger::tile::Bundle;
use countersign_ledger::tree::Edge;
use countersign_ledger::{Kind, leaf_hash};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::manifest::{self, MANIFEST, Manifest, SUMS};
use crate::pack::{LOG, RECEIPTS, RECORDS, STATEMENTS, SUMMARY};
use crate::period::Period;
use crate::record::Record;
use crate::statement::{Envelope, Statement};
use crate::summary::{Counting, Summary};

/// What holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The log's origin.
    pub origin: String,
    /// The period.
    pub period: Period,
    /// Files under the signature.
    pub files: usize,
    /// Entries of the log.
    pub entries: u64,
    /// Records of the period.
    pub records: u64,
    /// Receipts that hold.
    pub receipts: usize,
    /// Statements that hold.
    pub statements: usize,
    /// Exceptions that the records show.
    pub exceptions: usize,
}

/// Where and why it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The file, with the line or the entry where there is one.
    pub place: String,
    /// A stable word.
    pub code: &'static str,
    /// What is wrong.
    pub detail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.code, self.detail)
    }
}

fn fail(place: impl Into<String>, code: &'static str, detail: impl fmt::Display) -> Failure {
    Failure { place: place.into(), code, detail: detail.to_string() }
}

/// An error and what stands behind it.
fn told(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "The pack of `{}` from {} until {} holds.",
            self.origin, self.period.from, self.period.until
        )?;
        writeln!(f, "  - {} files are those that were signed", self.files)?;
        writeln!(f, "  - {} entries make the tree of the signed checkpoint", self.entries)?;
        writeln!(
            f,
            "  - {} records are the period's entries, without a gap, with what is shown beside them",
            self.records
        )?;
        writeln!(f, "  - {} receipts and {} statements hold", self.receipts, self.statements)?;
        write!(
            f,
            "  - counted again, the records say what the report says; {} exceptions to look at",
            self.exceptions
        )
    }
}

/// Checks a pack. `keys` are the log's.
///
/// # Errors
/// The first [`Failure`].
pub fn check(folder: &Path, keys: &[VerifierKey]) -> Result<Checked, Failure> {
    let manifest = signed(folder, keys)?;
    let files = listed(folder, &manifest)?;
    let log = TrustedLog::new(keys).map_err(|error| fail("keys", "keys_wrong", told(&error)))?;
    checkpoint(folder, &manifest, &log)?;
    let Counted { summary: records, asked } = records(folder, &manifest)?;
    for action in asked {
        let place = format!("{RECEIPTS}/{action}.json");
        if !files.contains(&place) {
            return Err(fail(place, "receipt_missing", "people were asked about this action in the period"));
        }
    }
    let (receipts, statements) = receipts(folder, &files, &log, keys)?;
    Ok(Checked {
        origin: manifest.origin,
        period: manifest.period,
        files: files.len(),
        entries: manifest.size,
        records: records.records,
        receipts,
        statements,
        exceptions: records.exceptions.len(),
    })
}

fn read(folder: &Path, place: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(folder.join(place)).map_err(|error| fail(place, "file_missing", error))
}

fn text(folder: &Path, place: &str) -> Result<String, Failure> {
    String::from_utf8(read(folder, place)?).map_err(|error| fail(place, "file_changed", error))
}

fn signed(folder: &Path, keys: &[VerifierKey]) -> Result<Manifest, Failure> {
    let manifest = Manifest::open(&read(folder, MANIFEST)?, keys);
    manifest.map_err(|error| fail(MANIFEST, "manifest_untrusted", told(&error)))
}

/// Every file that was signed is there and unchanged, and no other.
fn listed(folder: &Path, manifest: &Manifest) -> Result<Vec<String>, Failure> {
    let sums = text(folder, SUMS)?;
    if <[u8; 32]>::from(Sha256::digest(sums.as_bytes())) != manifest.sums {
        return Err(fail(SUMS, "file_changed", "it is not the list that was signed"));
    }
    let there = manifest::files(folder).map_err(|error| fail(".", "file_missing", error))?;
    let mut signed = BTreeSet::new();
    for line in sums.lines() {
        let (digest, path) =
            line.split_once("  ").ok_or_else(|| fail(SUMS, "file_changed", "a line is malformed"))?;
        let found =
            manifest::digest(&folder.join(path)).map_err(|error| fail(path, "file_missing", error))?;
        if countersign_ledger::hex(&found) != digest {
            return Err(fail(path, "file_changed", "it is not the file that was signed"));
        }
        signed.insert(path.to_owned());
    }
    if let Some(more) = there.iter().find(|path| !signed.contains(path.as_str())) {
        return Err(fail(more, "file_unlisted", "nobody signed it"));
    }
    Ok(there)
}

fn checkpoint(folder: &Path, manifest: &Manifest, log: &TrustedLog) -> Result<(), Failure> {
    let place = format!("{LOG}/checkpoint");
    let verified = log.verify(&read(folder, &place)?);
    let verified = verified.map_err(|error| fail(&place, "checkpoint_untrusted", told(&error)))?;
    let checkpoint = verified.checkpoint();
    let same = checkpoint.origin() == manifest.origin
        && checkpoint.size() == manifest.size
        && *checkpoint.root() == manifest.root;
    if same { Ok(()) } else { Err(fail(place, "checkpoint_untrusted", "the manifest names another one")) }
}

/// Walks the log and the records side by side.
fn records(folder: &Path, manifest: &Manifest) -> Result<Counted, Failure> {
    let file = std::fs::File::open(folder.join(RECORDS));
    let file = file.map_err(|error| fail(RECORDS, "file_missing", error))?;
    let mut walk = Walk {
        lines: BufReader::new(file).lines(),
        line: 0,
        counting: Counting::default(),
        asked: BTreeSet::new(),
    };
    let mut edge = Edge::new();
    let mut next = walk.next()?;
    for bundle in (0..).map_while(|index| Bundle::in_tree(index, manifest.size)) {
        let place = format!("{LOG}/{bundle}");
        let bytes = read(folder, &place)?;
        let leaves = bundle.entries(&bytes).map_err(|error| fail(&place, "log_changed", told(&error)))?;
        for leaf in leaves {
            let index = edge.size();
            edge.push(leaf_hash(leaf));
            next = walk.compare(next, index, leaf, manifest)?;
        }
    }
    if edge.root() != manifest.root {
        return Err(fail(LOG, "log_changed", "its entries do not make the tree of the checkpoint"));
    }
    if next.is_some() {
        return Err(fail(walk.place(), "record_not_in_log", "the log has no such entry, or it comes twice"));
    }
    let counted = walk.counting.finish();
    let told: Summary = serde_json::from_slice(&read(folder, SUMMARY)?)
        .map_err(|error| fail(SUMMARY, "summary_wrong", error))?;
    if told == counted {
        Ok(Counted { summary: counted, asked: walk.asked })
    } else {
        Err(fail(SUMMARY, "summary_wrong", "the records say something else"))
    }
}

/// What the records say.
struct Counted {
    summary: Summary,
    /// Actions about which people were asked.
    asked: BTreeSet<String>,
}

struct Walk {
    lines: std::io::Lines<BufReader<std::fs::File>>,
    line: u64,
    counting: Counting,
    asked: BTreeSet<String>,
}

impl Walk {
    fn place(&self) -> String {
        format!("{RECORDS} line {}", self.line)
    }

    fn next(&mut self) -> Result<Option<Record>, Failure> {
        let Some(line) = self.lines.next() else { return Ok(None) };
        self.line += 1;
        let line = line.map_err(|error| fail(self.place(), "record_malformed", error))?;
        let record = Record::parse(&line);
        record.map(Some).map_err(|error| fail(self.place(), "record_malformed", told(&error)))
    }

    /// An entry of the log is the next record, or is not of the period.
    fn compare(
        &mut self,
        next: Option<Record>,
        index: u64,
        leaf: &[u8],
        manifest: &Manifest,
    ) -> Result<Option<Record>, Failure> {
        match next {
            Some(record) if record.index == index => {
                if record.text.as_bytes() != leaf {
                    let detail = format!("entry {index} of the log has another leaf");
                    return Err(fail(self.place(), "record_not_in_log", detail));
                }
                if !manifest.period.contains(record.time) {
                    return Err(fail(self.place(), "record_gap", "it is not of the period"));
                }
                if record.leaf.kind == Kind::ApprovalRequested {
                    self.asked.insert(record.leaf.case.clone());
                }
                self.counting.add(&record);
                self.next()
            }
            next => {
                let time = countersign_ledger::Leaf::parse(leaf)
                    .map_err(|error| fail(format!("{LOG} entry {index}"), "log_changed", told(&error)))?
                    .time;
                if crate::period::time(&time).is_some_and(|time| manifest.period.contains(time)) {
                    let detail = format!("entry {index} is of the period and is missing");
                    return Err(fail(RECORDS, "record_gap", detail));
                }
                Ok(next)
            }
        }
    }
}

fn receipts(
    folder: &Path,
    files: &[String],
    log: &TrustedLog,
    keys: &[VerifierKey],
) -> Result<(usize, usize), Failure> {
    let (mut receipts, mut statements) = (0, 0);
    for place in files.iter().filter(|path| path.starts_with(&format!("{RECEIPTS}/"))) {
        let receipt = Receipt::parse(&read(folder, place)?);
        let receipt = receipt.map_err(|error| fail(place, "receipt_wrong", told(&error)))?;
        receipt.verify(log).map_err(|failure| fail(place, "receipt_wrong", failure))?;
        receipts += 1;
        let records: Result<Vec<_>, _> = receipt.entries.iter().map(Record::read).collect();
        let records = records.map_err(|error| fail(place, "receipt_wrong", told(&error)))?;
        let origin = log.origin();
        let place = format!("{STATEMENTS}/{}.dsse.json", receipt.action);
        match Statement::of(origin, &records) {
            None => {}
            Some(expected) => {
                let wrong = |detail: String| fail(&place, "statement_wrong", detail);
                let envelope: Envelope = serde_json::from_slice(&read(folder, &place)?)
                    .map_err(|error| wrong(error.to_string()))?;
                let statement = envelope.open(keys).map_err(|error| wrong(told(&error)))?;
                if statement != expected {
                    return Err(wrong("it says something else than the receipt".to_owned()));
                }
                statements += 1;
            }
        }
    }
    Ok((receipts, statements))
}

#[cfg(test)]
mod tests;
