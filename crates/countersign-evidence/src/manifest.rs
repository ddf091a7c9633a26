//! What belongs to a pack, and who says so? A signed note over the checksums of all its files.
//!
//! `SHA256SUMS` is what `sha256sum -c` reads: a digest, two blanks, a path, for each file. `manifest.note` is a signed
//! note of the log's key whose text begins with a line that no checkpoint of any log can begin with.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use countersign_core::Timestamp;
use countersign_ledger::hex;
use countersign_ledger::note::{Note, NoteError, NoteVerifyError, Sign, SignError, VerifierKey};
use sha2::{Digest as _, Sha256};

use crate::period::{Period, time};

/// The first line.
const KIND: &str = "countersign-evidence/v1";
/// The signed note.
pub const MANIFEST: &str = "manifest.note";
/// Time-stamps of the manifest (RFC 3161), which somebody may put beside it later. Nobody here looks at them.
pub const STAMP: &str = "manifest.tsr";
/// The checksums.
pub const SUMS: &str = "SHA256SUMS";

/// What a pack is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The log's origin.
    pub origin: String,
    /// What it is about.
    pub period: Period,
    /// When it was made.
    pub made: Timestamp,
    /// How many entries the log had.
    pub size: u64,
    /// The root of its tree.
    pub root: [u8; 32],
    /// SHA-256 of `SHA256SUMS`.
    pub sums: [u8; 32],
}

/// Why it is no manifest, or nobody's.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is no signed note.
    #[error("it is not a signed note")]
    Note(#[from] NoteError),
    /// No trusted key signed it.
    #[error("no trusted key has signed it")]
    Signature(#[from] NoteVerifyError),
    /// Its text is not that of a manifest.
    #[error("it is not the manifest of a pack")]
    Form,
}

impl Manifest {
    fn text(&self) -> String {
        format!(
            "{KIND}\nlog {}\nperiod {}\nmade {}\ncheckpoint {} {}\nsums {}\n",
            self.origin,
            self.period,
            self.made,
            self.size,
            BASE64.encode(self.root),
            hex(&self.sums)
        )
    }

    /// The signed note.
    ///
    /// # Errors
    /// When the key fails.
    pub fn sign(&self, key: &dyn Sign) -> Result<Note, SignError> {
        let mut note = Note::new(self.text())?;
        note.sign(key)?;
        Ok(note)
    }

    /// Reads a manifest that one of `keys` signed.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn open(bytes: &[u8], keys: &[VerifierKey]) -> Result<Self, ManifestError> {
        let note = Note::parse(bytes)?;
        note.verify(keys)?;
        let manifest = Self::parse(note.text()).ok_or(ManifestError::Form)?;
        // One way to write it, so that nothing else hides in it.
        if manifest.text() == note.text() { Ok(manifest) } else { Err(ManifestError::Form) }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != KIND {
            return None;
        }
        let mut next = |word: &str| lines.next()?.strip_prefix(word)?.strip_prefix(' ');
        let origin = next("log")?.to_owned();
        let (from, until) = next("period")?.split_once(' ')?;
        let period = Period::new(time(from)?, time(until)?).ok()?;
        let made = time(next("made")?)?;
        let (size, root) = next("checkpoint")?.split_once(' ')?;
        let sums = next("sums")?;
        let sums: Vec<u8> = (0..32)
            .map(|at| sums.get(at * 2..at * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect::<Option<_>>()?;
        Some(Self {
            origin,
            period,
            made,
            size: size.parse().ok()?,
            root: BASE64.decode(root).ok()?.try_into().ok()?,
            sums: sums.try_into().ok()?,
        })
    }
}

/// SHA-256 of a file.
///
/// # Errors
/// When it can't be read.
pub fn digest(path: &Path) -> std::io::Result<[u8; 32]> {
    let (mut file, mut hasher) = (std::fs::File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}

/// Every file below `folder` but the manifest, its time-stamp and the sums, as paths with slashes, sorted.
///
/// # Errors
/// When the folder can't be read.
pub fn files(folder: &Path) -> std::io::Result<Vec<String>> {
    let (mut found, mut folders) = (Vec::new(), vec![String::new()]);
    while let Some(below) = folders.pop() {
        for entry in std::fs::read_dir(folder.join(&below))? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| {
                std::io::Error::new(
                    std::io::ErrorKind::InvalidData,
                    format!("{} is not UTF-8", name.display()),
                )
            })?;
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if ![MANIFEST, SUMS, STAMP].contains(&path.as_str()) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The text of `SHA256SUMS` for these files.
///
/// # Errors
/// When one can't be read.
pub fn sums(folder: &Path, files: &[String]) -> std::io::Result<String> {
    let mut text = String::new();
    for path in files {
        let _infallible = writeln!(text, "{}  {path}", hex(&digest(&folder.join(path))?));
    }
    Ok(text)
}
