//! Was this very entry in the log? The text form of the C2SP specification tlog-proof: one entry's place, its
//! inclusion proof and a signed checkpoint, checked without asking anybody.

use std::fmt;

use crate::checkpoint::{TrustError, TrustedLog, VerifiedCheckpoint};
use crate::note::NOTE_MAX_BYTES;
use crate::proof::{InclusionError, PROOF_MAX, verify_inclusion};
use crate::text::{base64, decimal, from_base64, read_hash, shown};
use crate::tree::Hash;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// More extra data is not read: twice what a leaf can have.
pub const EXTRA_MAX_BYTES: usize = 128 * 1024;

/// Longer files are not read.
pub const ENTRY_PROOF_MAX_BYTES: usize = NOTE_MAX_BYTES + EXTRA_MAX_BYTES * 4 / 3 + (PROOF_MAX + 4) * 45;

/// A proof that an entry is in a log, as a file `….tlog-proof`. Nothing in it counts before
/// [`EntryProof::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryProof {
    extra: Option<Vec<u8>>,
    index: u64,
    proof: Vec<Hash>,
    checkpoint: String,
}

/// Why a text is not such a proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryProofError {
    /// It is too long to be looked at.
    #[error("the proof has {0} bytes; at most {ENTRY_PROOF_MAX_BYTES} are read")]
    TooLong(usize),
    /// It is not UTF-8, begins otherwise, or has no empty line before a checkpoint.
    #[error("a proof begins with `{FIRST_LINE}` and ends with a checkpoint behind an empty line")]
    Shape,
    /// The extra data is not base64, empty or too long.
    #[error("the line `extra` is not base64 of 1 to {EXTRA_MAX_BYTES} bytes")]
    Extra,
    /// There is no index, or one with leading zeros.
    #[error("`{0}` is not `index` and a number")]
    Index(String),
    /// A line is not base64 of a hash.
    #[error("`{0}` is not base64 of a hash")]
    Hash(String),
    /// More hashes than any proof has.
    #[error("the proof has more than {PROOF_MAX} hashes")]
    ProofTooLong,
}

/// Why such a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryVerifyError {
    /// The checkpoint is not one of the trusted log.
    #[error("the checkpoint is not trusted")]
    Checkpoint(#[from] TrustError),
    /// The entry is not in its tree.
    #[error(transparent)]
    Inclusion(#[from] InclusionError),
}

impl EntryProof {
    /// The proof of entry `index` under a signed checkpoint. `extra` is for whatever reads the file; nothing
    /// vouches for it.
    ///
    /// # Errors
    /// When it could not be read back: no room for `extra`, too many hashes, or a checkpoint that is no text.
    pub fn new(
        index: u64,
        proof: Vec<Hash>,
        checkpoint: String,
        extra: Option<Vec<u8>>,
    ) -> Result<Self, EntryProofError> {
        if extra.as_ref().is_some_and(|extra| extra.is_empty() || extra.len() > EXTRA_MAX_BYTES) {
            return Err(EntryProofError::Extra);
        }
        if proof.len() > PROOF_MAX {
            return Err(EntryProofError::ProofTooLong);
        }
        if checkpoint.len() > NOTE_MAX_BYTES {
            return Err(EntryProofError::TooLong(checkpoint.len()));
        }
        Ok(Self { extra, index, proof, checkpoint })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`EntryProofError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryProofError> {
        if bytes.len() > ENTRY_PROOF_MAX_BYTES {
            return Err(EntryProofError::TooLong(bytes.len()));
        }
        let text = str::from_utf8(bytes).map_err(|_cause| EntryProofError::Shape)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(EntryProofError::Shape)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(EntryProofError::Shape);
        }
        let extra = lines.next_if(|line| line.starts_with("extra "));
        let extra = extra
            .and_then(|line| line.strip_prefix("extra "))
            .map(|extra| from_base64(extra).ok_or(EntryProofError::Extra));
        let line = lines.next().unwrap_or_default();
        let index = line.strip_prefix("index ").and_then(decimal);
        let index = index.ok_or_else(|| EntryProofError::Index(shown(line)))?;
        let hash = |line: &str| read_hash(line).ok_or_else(|| EntryProofError::Hash(shown(line)));
        let proof = lines.map(hash).take(PROOF_MAX + 1).collect::<Result<_, _>>()?;
        Self::new(index, proof, checkpoint.to_owned(), extra.transpose()?)
    }

    /// The entry's index, unchecked.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Data for whatever reads the file. Nobody has signed it.
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// Checks that the leaf with this hash ([`crate::leaf_hash`]) is this entry of the trusted log, cosigned by as
    /// many witnesses as `log` wants.
    ///
    /// # Errors
    /// [`EntryVerifyError`]; then nothing is proved.
    pub fn verify(&self, leaf_hash: &Hash, log: &TrustedLog) -> Result<VerifiedCheckpoint, EntryVerifyError> {
        let verified = log.verify(self.checkpoint.as_bytes())?;
        let checkpoint = verified.checkpoint();
        verify_inclusion(leaf_hash, self.index, checkpoint.size(), &self.proof, checkpoint.root())?;
        Ok(verified)
    }
}

/// The file, as [`EntryProof::parse`] reads it.
impl fmt::Display for EntryProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.proof {
            writeln!(f, "{}", base64(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests;
