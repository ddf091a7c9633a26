//! Is this checkpoint one of the log that I trust? Signed by a key of that log, and by enough of its witnesses.

use super::{Checkpoint, CheckpointError};
use crate::note::{Algorithm, Note, NoteVerifyError, VerifierKey};
use crate::text::shown;

/// A log, the keys that sign for it, and the witnesses that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedLog {
    origin: String,
    keys: Vec<VerifierKey>,
    quorum: usize,
}

/// A checkpoint that the trusted log has signed, and enough witnesses with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    checkpoint: Checkpoint,
    witnesses: Vec<(String, u64)>,
}

/// Why a checkpoint, or a set of keys, is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// None of the keys is a log's.
    #[error("none of the keys is a log's key")]
    NoLogKey,
    /// The keys are of several logs.
    #[error("the keys are of two logs, `{0}` and `{1}`")]
    TwoLogs(String, String),
    /// It is not a checkpoint at all.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint is of another log.
    #[error("the checkpoint is of the log `{found}`, not `{trusted}`")]
    Origin {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        trusted: String,
    },
    /// A signature is wrong, or none of a trusted key is there.
    #[error(transparent)]
    Signature(#[from] NoteVerifyError),
    /// Witnesses have signed, but the log hasn't.
    #[error("the log `{0}` has not signed the checkpoint")]
    LogUnsigned(String),
    /// Too few witnesses have signed.
    #[error("{found} trusted witnesses have cosigned the checkpoint; {needed} must")]
    Quorum {
        /// How many have.
        found: usize,
        /// How many must.
        needed: usize,
    },
}

impl TrustedLog {
    /// The log whose keys are among `keys`, with the witnesses among them. A key of type `0x01` is the log's, one of
    /// type `0x04` a witness's. All keys of a log have its origin as their name; several are there while a key is
    /// replaced. No witness is needed; see [`TrustedLog::with_quorum`].
    ///
    /// # Errors
    /// When there is no log's key, or there are keys of two logs.
    pub fn new(keys: &[VerifierKey]) -> Result<Self, TrustError> {
        let mut names = keys.iter().filter(|key| is_logs(key)).map(VerifierKey::name);
        let origin = names.next().ok_or(TrustError::NoLogKey)?;
        if let Some(other) = names.find(|name| *name != origin) {
            return Err(TrustError::TwoLogs(origin.to_owned(), other.to_owned()));
        }
        Ok(Self::of_origin(origin, keys))
    }

    /// The log `origin`, for which any of `keys` signs, whatever their names.
    pub fn of_origin(origin: &str, keys: &[VerifierKey]) -> Self {
        Self { origin: origin.to_owned(), keys: keys.to_vec(), quorum: 0 }
    }

    /// The same, trusted only when so many different witnesses have cosigned.
    #[must_use]
    pub fn with_quorum(self, quorum: usize) -> Self {
        Self { quorum, ..self }
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Reads a signed checkpoint of this log.
    ///
    /// # Errors
    /// [`TrustError`]; then nothing in it may be believed.
    pub fn verify(&self, signed: &[u8]) -> Result<VerifiedCheckpoint, TrustError> {
        let note = Note::parse(signed).map_err(CheckpointError::from)?;
        self.verify_note(&note)
    }

    /// As [`TrustedLog::verify`], of a note that was parsed already.
    ///
    /// # Errors
    /// [`TrustError`]; then nothing in it may be believed.
    pub fn verify_note(&self, note: &Note) -> Result<VerifiedCheckpoint, TrustError> {
        let checkpoint = Checkpoint::from_text(note.text())?;
        if checkpoint.origin() != self.origin {
            let (found, trusted) = (shown(checkpoint.origin()), self.origin.clone());
            return Err(TrustError::Origin { found, trusted });
        }
        let verified = note.verify(&self.keys)?;
        if !verified.iter().any(|signature| is_logs(signature.key)) {
            return Err(TrustError::LogUnsigned(self.origin.clone()));
        }
        let witnesses: Vec<(String, u64)> = verified
            .iter()
            .filter_map(|signature| Some((signature.key.name().to_owned(), signature.time?)))
            .collect();
        // Two keys of one witness are one witness.
        let mut names: Vec<&String> = witnesses.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() < self.quorum {
            return Err(TrustError::Quorum { found: names.len(), needed: self.quorum });
        }
        Ok(VerifiedCheckpoint { checkpoint, witnesses })
    }
}

impl VerifiedCheckpoint {
    /// What was signed.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The trusted witnesses that cosigned, each with its time in seconds since 1970.
    pub fn witnesses(&self) -> &[(String, u64)] {
        &self.witnesses
    }
}

fn is_logs(key: &VerifierKey) -> bool {
    key.algorithm() == Algorithm::Ed25519
}
