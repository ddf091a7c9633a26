//! How is a pack written? First the log, by whoever has it; then record by record; then receipts, policies and rights; at
//! the end what was counted, the report, the checksums, and a signature.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use countersign_core::Timestamp;
use countersign_ledger::Kind;
use countersign_ledger::checkpoint::Checkpoint;
use countersign_ledger::note::{Note, Sign};
use countersign_ledger::receipt::{Receipt, ReceiptEntry};
use sha2::{Digest as _, Sha256};

use crate::framework::Framework;
use crate::manifest::{self, MANIFEST, Manifest, SUMS};
use crate::period::Period;
use crate::record::{self, Record, RecordError};
use crate::report;
use crate::rights::Rights;
use crate::statement::{Envelope, EnvelopeError, Statement};
use crate::summary::{Counting, Summary};

/// Where the log is, as tlog-tiles.
pub const LOG: &str = "log";
/// One record a line.
pub const RECORDS: &str = "records.jsonl";
/// Receipts of actions.
pub const RECEIPTS: &str = "receipts";
/// In-toto statements of approvals.
pub const STATEMENTS: &str = "statements";
/// Texts of policies, by the hash of their bundle.
pub const POLICIES: &str = "policies";
/// What was counted.
pub const SUMMARY: &str = "summary.json";
/// Who may do what.
pub const RIGHTS: &str = "rights.json";
/// For people.
pub const REPORT: &str = "report.html";
/// How to check it.
pub const HOW_TO: &str = "VERIFY.md";
/// The log's verifier key, as the gateway knows it. An auditor has another copy.
pub const KEY: &str = "key.txt";

/// What is to be made.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What it is about.
    pub period: Period,
    /// Whose controls are named.
    pub framework: Framework,
    /// Names of content that is shown.
    pub shown: Vec<String>,
    /// Whether actions' exact bytes are shown.
    pub payloads: bool,
    /// So many of the actions that nobody was asked about get a receipt.
    pub sample: usize,
}

/// Why a pack can't be written.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file can't be written or read.
    #[error("`{}` can't be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder has something in it.
    #[error("the folder `{}` is not empty; name a new one", .0.display())]
    NotEmpty(PathBuf),
    /// An entry of the ledger can't be read.
    #[error("entry {index} can't be shown")]
    Record {
        /// Which.
        index: u64,
        /// Why.
        source: RecordError,
    },
    /// Something can't be signed.
    #[error("the pack can't be signed")]
    Sign(#[from] countersign_ledger::note::SignError),
    /// A statement can't be signed.
    #[error("a statement can't be signed")]
    Statement(#[from] EnvelopeError),
    /// A value can't be written as JSON.
    #[error("a value can't be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The log's checkpoint is none.
    #[error("the log's checkpoint can't be read")]
    Checkpoint(#[from] countersign_ledger::checkpoint::CheckpointError),
}

/// A pack that is being written.
#[derive(Debug)]
pub struct Pack {
    folder: PathBuf,
    wish: Wish,
    checkpoint: Checkpoint,
    records: BufWriter<File>,
    counting: Counting,
    /// Actions about which people were asked, or that are exceptions.
    asked: BTreeSet<String>,
    /// The others that have entries of their own, by what draws the sample.
    others: BTreeSet<([u8; 32], String)>,
    bundles: BTreeSet<String>,
}

impl Pack {
    /// Begins a pack in a folder whose `log` is there already, under this checkpoint.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn begin(folder: &Path, wish: Wish, checkpoint: &str) -> Result<Self, PackError> {
        let note = Note::parse(checkpoint.as_bytes());
        let note = note.map_err(countersign_ledger::checkpoint::CheckpointError::from)?;
        let checkpoint = Checkpoint::from_text(note.text())?;
        for below in [RECEIPTS, STATEMENTS, POLICIES] {
            let path = folder.join(below);
            std::fs::create_dir_all(&path).map_err(|source| PackError::File { path, source })?;
        }
        let path = folder.join(RECORDS);
        let records = File::create(&path).map_err(|source| PackError::File { path, source })?;
        Ok(Self {
            folder: folder.to_owned(),
            wish,
            checkpoint,
            records: BufWriter::new(records),
            counting: Counting::default(),
            asked: BTreeSet::new(),
            others: BTreeSet::new(),
            bundles: BTreeSet::new(),
        })
    }

    /// Refuses a folder that has something in it.
    ///
    /// # Errors
    /// [`PackError::NotEmpty`].
    pub fn claim(folder: &Path) -> Result<(), PackError> {
        let failed = |source| PackError::File { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        match std::fs::read_dir(folder).map_err(failed)?.next() {
            None => Ok(()),
            Some(_) => Err(PackError::NotEmpty(folder.to_owned())),
        }
    }

    /// Takes up the next entry of the log, when it is of the period.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn add(&mut self, entry: &ReceiptEntry) -> Result<(), PackError> {
        let wrong = |source| PackError::Record { index: entry.index, source };
        // Payloads stand in receipts; here they would make a file of gigabytes.
        let mut shown = entry.clone();
        record::withhold(&mut shown, &self.wish.shown, false);
        let line = serde_json::to_string(&shown)?;
        let record = Record::read(&shown).map_err(wrong)?;
        if !self.wish.period.contains(record.time) {
            return Ok(());
        }
        let path = || self.folder.join(RECORDS);
        writeln!(self.records, "{line}").map_err(|source| PackError::File { path: path(), source })?;
        self.counting.add(&record);
        self.remember(&record);
        Ok(())
    }

    fn remember(&mut self, record: &Record) {
        let leaf = &record.leaf;
        if let Some(policy) = &leaf.policy {
            self.bundles.insert(policy.bundle.clone());
        }
        // Who reads an action's record makes it no exception.
        if !leaf.case.starts_with("act_") || matches!(leaf.kind, Kind::AuditRead | Kind::AuditExported) {
            return;
        }
        // Who draws must not be able to choose: the log's root decides.
        let draw = Sha256::new().chain_update(self.checkpoint.root()).chain_update(&leaf.case).finalize();
        let place = (draw.into(), leaf.case.clone());
        let ordinary = matches!(leaf.kind, Kind::ActionRequested | Kind::ActionExecuted)
            && leaf.policy.as_ref().is_none_or(|policy| policy.decision == "allow")
            && leaf.approval.is_none();
        if ordinary && !self.asked.contains(&leaf.case) {
            self.others.insert(place);
        } else {
            self.others.remove(&place);
            self.asked.insert(leaf.case.clone());
        }
    }

    /// The actions whose receipts belong into the pack: all about which people were asked, all that are exceptions, and
    /// a sample of the others that the log's root draws.
    pub fn wanted(&self) -> Vec<String> {
        let sample = self.others.iter().take(self.wish.sample).map(|(_, case)| case.clone());
        self.asked.iter().cloned().chain(sample).collect()
    }

    /// Hashes of the policies that decided in the period.
    pub fn bundles(&self) -> impl Iterator<Item = &str> {
        self.bundles.iter().map(String::as_str)
    }

    /// Puts a receipt into the pack, and the statement of its approval when people were asked.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn receipt(&self, receipt: &Receipt, key: &dyn Sign) -> Result<(), PackError> {
        let mut receipt = receipt.clone();
        for entry in &mut receipt.entries {
            record::withhold(entry, &self.wish.shown, self.wish.payloads);
        }
        let json = receipt.to_json()?;
        self.write(&format!("{RECEIPTS}/{}.json", receipt.action), &format!("{json}\n"))?;
        let records = receipt.entries.iter().map(|entry| {
            Record::read(entry).map_err(|source| PackError::Record { index: entry.index, source })
        });
        let records = records.collect::<Result<Vec<_>, _>>()?;
        if let Some(statement) = Statement::of(self.checkpoint.origin(), &records) {
            let envelope = serde_json::to_string(&Envelope::sign(&statement, key)?)?;
            self.write(&format!("{STATEMENTS}/{}.dsse.json", receipt.action), &format!("{envelope}\n"))?;
        }
        Ok(())
    }

    /// Puts a file of a bundle of policies into the pack; `place` is its number in the bundle.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn policy(&self, bundle: &str, place: usize, text: &str) -> Result<(), PackError> {
        let bundle = bundle.strip_prefix("sha256:").unwrap_or(bundle);
        self.write(&format!("{POLICIES}/{bundle}/{place:03}.cedar"), text)
    }

    /// Writes the rest, and signs.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn finish(mut self, rights: &Rights, key: &dyn Sign, made: Timestamp) -> Result<Summary, PackError> {
        let path = self.folder.join(RECORDS);
        self.records.flush().map_err(|source| PackError::File { path, source })?;
        let summary = std::mem::take(&mut self.counting).finish();
        let json = |value: String| format!("{value}\n");
        self.write(SUMMARY, &json(serde_json::to_string_pretty(&summary)?))?;
        self.write(RIGHTS, &json(serde_json::to_string_pretty(rights)?))?;
        self.write(KEY, &format!("{}\n", key.key()))?;
        self.write(HOW_TO, HOW_TO_TEXT)?;
        let told = report::Told {
            wish: &self.wish,
            checkpoint: &self.checkpoint,
            summary: &summary,
            rights,
            receipts: self.wanted(),
            made,
        };
        self.write(REPORT, &report::html(&told))?;
        self.seal(key, made)?;
        Ok(summary)
    }

    fn seal(&self, key: &dyn Sign, made: Timestamp) -> Result<(), PackError> {
        let failed = |source| PackError::File { path: self.folder.clone(), source };
        let files = manifest::files(&self.folder).map_err(failed)?;
        let sums = manifest::sums(&self.folder, &files).map_err(failed)?;
        let manifest = Manifest {
            origin: self.checkpoint.origin().to_owned(),
            period: self.wish.period,
            made,
            size: self.checkpoint.size(),
            root: *self.checkpoint.root(),
            sums: Sha256::digest(sums.as_bytes()).into(),
        };
        self.write(SUMS, &sums)?;
        self.write(MANIFEST, &manifest.sign(key)?.to_string())
    }

    fn write(&self, place: &str, text: &str) -> Result<(), PackError> {
        let path = self.folder.join(place);
        let parent = path.parent().unwrap_or(&self.folder);
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text));
        written.map_err(|source| PackError::File { path: path.clone(), source })
    }
}

const HOW_TO_TEXT: &str = include_str!("verify.md");
