//! What does the log say of itself? A checkpoint: origin, size and root, as a signed note of the form that the C2SP
//! specification tlog-checkpoint gives it.

mod trust;

pub use trust::{TrustError, TrustedLog, VerifiedCheckpoint};

use crate::note::{Note, NoteError, Sign, SignError};
use crate::text::{base64, decimal, read_hash, shown};
use crate::tree::{Hash, SIZE_MAX};

/// The head of a log at one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// Why a text is not a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it is malformed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Fewer than three lines, or an empty one among them.
    #[error("a checkpoint is an origin, a size and a root, each on a line of its own")]
    Lines,
    /// The origin is empty or can't stand on a line.
    #[error("`{0}` is not an origin")]
    Origin(String),
    /// The size has a leading zero, a sign, or is too large.
    #[error("`{0}` is not a tree's size")]
    Size(String),
    /// The root is not base64 of 32 bytes.
    #[error("`{0}` is not base64 of a root")]
    Root(String),
}

impl Checkpoint {
    /// The head of the log `origin` at `size`. An origin is best a URL without scheme, like `example.com/log`, which
    /// is then the name of the log's key as well.
    ///
    /// # Errors
    /// When the origin is empty or holds control characters, or no tree has this size.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if origin.is_empty() || origin.contains(|letter| letter < ' ') {
            return Err(CheckpointError::Origin(shown(origin)));
        }
        if size > SIZE_MAX {
            return Err(CheckpointError::Size(size.to_string()));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of its tree.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Lines behind the root, which the specification discourages. We write none, and read them as part of what is
    /// signed, without a meaning.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// The note text: three lines and the extensions.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, base64(self.root));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads a note text.
    ///
    /// # Errors
    /// [`CheckpointError`]; a checkpoint is read only in the one form in which it is written.
    pub fn from_text(text: &str) -> Result<Self, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Lines);
        };
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::Lines);
        }
        let size = decimal(size).ok_or_else(|| CheckpointError::Size(shown(size)))?;
        let root = read_hash(root).ok_or_else(|| CheckpointError::Root(shown(root)))?;
        Ok(Self { extensions, ..Self::new(origin, size, root)? })
    }

    /// The checkpoint as a note, signed by each of `signers`, in their order.
    ///
    /// # Errors
    /// When one of them does not sign.
    pub fn sign(&self, signers: &[&dyn Sign]) -> Result<Note, SignError> {
        let mut note = Note::new(self.text())?;
        for signer in signers {
            note.sign(*signer)?;
        }
        Ok(note)
    }
}

#[cfg(test)]
mod tests;
