//! May a witness sign this checkpoint? The request and the rules of `add-checkpoint`, of the C2SP specification
//! tlog-witness, without the server, the clock and the table around them.

use std::fmt;

use crate::checkpoint::{Checkpoint, CheckpointError, TrustError, TrustedLog};
use crate::note::{NOTE_MAX_BYTES, Note, NoteError, NoteVerifyError, VerifierKey, signature_lines};
use crate::proof::{ConsistencyError, PROOF_MAX, verify_consistency};
use crate::text::{base64, decimal, read_hash, shown};
use crate::tree::{EMPTY_ROOT, Hash};

/// Longer requests are not read: a note, and a line of 44 characters for each hash.
pub const REQUEST_MAX_BYTES: usize = NOTE_MAX_BYTES + (PROOF_MAX + 1) * 45;

/// The `Content-Type` of a conflict's answer.
pub const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";

/// A log's request to cosign a checkpoint: the body of `POST <prefix>/add-checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old: u64,
    proof: Vec<Hash>,
    note: Note,
    checkpoint: Checkpoint,
}

/// Why a body is not a request; the answer is 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is too long to be looked at.
    #[error("the request has {0} bytes; at most {REQUEST_MAX_BYTES} are read")]
    TooLong(usize),
    /// It has no `old` line, no empty line, or is not UTF-8.
    #[error("a request is `old <size>`, lines of a proof, an empty line and a checkpoint")]
    Shape,
    /// The old size is not a number without leading zeros.
    #[error("`{0}` is not a tree's size")]
    Old(String),
    /// A proof line is not base64 of a hash.
    #[error("`{0}` is not base64 of a hash")]
    Proof(String),
    /// More proof lines than any proof has.
    #[error("the proof has more than {PROOF_MAX} hashes")]
    ProofTooLong,
    /// What follows is not a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// The latest checkpoint of a log that a witness cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latest {
    /// Its size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// Why a witness does not sign. Each has its HTTP status in the specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// 404: the log is not known to the witness.
    #[error("the log `{0}` is not known here")]
    UnknownLog(String),
    /// 403: not signed by the log.
    #[error("the checkpoint is not signed by its log")]
    Unsigned(#[source] TrustError),
    /// 400: the old size is above the checkpoint's.
    #[error("the old size {old} is above the checkpoint's size {new}")]
    OldAboveNew {
        /// The old size.
        old: u64,
        /// The checkpoint's size.
        new: u64,
    },
    /// 409: the old size is not that of the latest checkpoint; the answer's body is [`Refused::body`].
    #[error("the latest checkpoint has the size {latest}, not {old}")]
    Conflict {
        /// The size of the latest checkpoint, 0 when there is none.
        latest: u64,
        /// The old size in the request.
        old: u64,
    },
    /// 422: the empty tree has another root.
    #[error("a checkpoint of size 0 has the root of the empty tree")]
    EmptyRoot,
    /// 422: the proof does not prove it.
    #[error("the checkpoint does not continue the latest one")]
    Inconsistent(#[source] ConsistencyError),
}

impl Refused {
    /// The HTTP status that the specification gives it.
    pub const fn status(&self) -> u16 {
        match self {
            Self::OldAboveNew { .. } => 400,
            Self::Unsigned(_) => 403,
            Self::UnknownLog(_) => 404,
            Self::Conflict { .. } => 409,
            Self::EmptyRoot | Self::Inconsistent(_) => 422,
        }
    }

    /// The body that the specification asks for, of type [`SIZE_CONTENT_TYPE`]: only a conflict has one.
    pub fn body(&self) -> Option<String> {
        match self {
            Self::Conflict { latest, .. } => Some(format!("{latest}\n")),
            Self::OldAboveNew { .. }
            | Self::Unsigned(_)
            | Self::UnknownLog(_)
            | Self::EmptyRoot
            | Self::Inconsistent(_) => None,
        }
    }
}

impl AddCheckpoint {
    /// A request to cosign `note`, a checkpoint, given the proof from the checkpoint of size `old`.
    ///
    /// # Errors
    /// When the note is no checkpoint, or the proof too long for any tree.
    pub fn new(old: u64, proof: Vec<Hash>, note: Note) -> Result<Self, RequestError> {
        if proof.len() > PROOF_MAX {
            return Err(RequestError::ProofTooLong);
        }
        let checkpoint = Checkpoint::from_text(note.text())?;
        Ok(Self { old, proof, note, checkpoint })
    }

    /// Reads a request's body.
    ///
    /// # Errors
    /// [`RequestError`]; the answer is 400.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        if body.len() > REQUEST_MAX_BYTES {
            return Err(RequestError::TooLong(body.len()));
        }
        let body = str::from_utf8(body).map_err(|_cause| RequestError::Shape)?;
        let (head, note) = body.split_once("\n\n").ok_or(RequestError::Shape)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).ok_or(RequestError::Shape)?;
        let old = decimal(old).ok_or_else(|| RequestError::Old(shown(old)))?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == PROOF_MAX {
                return Err(RequestError::ProofTooLong);
            }
            proof.push(read_hash(line).ok_or_else(|| RequestError::Proof(shown(line)))?);
        }
        let note = Note::parse(note.as_bytes()).map_err(CheckpointError::from)?;
        Self::new(old, proof, note)
    }

    /// The log that the checkpoint names: look up its keys and its latest checkpoint.
    pub fn origin(&self) -> &str {
        self.checkpoint.origin()
    }

    /// The checkpoint's note, to be cosigned once [`AddCheckpoint::judge`] has agreed.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Whether a witness may cosign: `log` is the log of this origin, when the witness knows it, and `latest` the
    /// checkpoint of it that the witness cosigned last. What this returns has to replace `latest` durably, in the
    /// same transaction in which `latest` was read, before a cosignature leaves the witness.
    ///
    /// # Errors
    /// [`Refused`]; nothing may be signed then.
    pub fn judge(&self, log: Option<&TrustedLog>, latest: Option<Latest>) -> Result<Latest, Refused> {
        let log = log.ok_or_else(|| Refused::UnknownLog(shown(self.origin())))?;
        log.verify_note(&self.note).map_err(Refused::Unsigned)?;
        let (old, new) = (self.old, self.checkpoint.size());
        if old > new {
            return Err(Refused::OldAboveNew { old, new });
        }
        let latest = latest.unwrap_or(Latest { size: 0, root: EMPTY_ROOT });
        if old != latest.size {
            return Err(Refused::Conflict { latest: latest.size, old });
        }
        let root = *self.checkpoint.root();
        if new == 0 && root != EMPTY_ROOT {
            return Err(Refused::EmptyRoot);
        }
        verify_consistency((old, &latest.root), (new, &root), &self.proof).map_err(Refused::Inconsistent)?;
        Ok(Latest { size: new, root })
    }
}

/// The request's body, as [`AddCheckpoint::parse`] reads it.
impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", base64(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// The size that the body of a conflict tells: that of the latest checkpoint that the witness has cosigned.
pub fn conflict_size(body: &[u8]) -> Option<u64> {
    decimal(str::from_utf8(body).ok()?.strip_suffix('\n')?)
}

/// Why a witness's answer brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It isn't signature lines.
    #[error(transparent)]
    Lines(#[from] NoteError),
    /// None of the witnesses signed, or one signed something else.
    #[error(transparent)]
    Signature(#[from] NoteVerifyError),
    /// A cosignature without a time.
    #[error("the cosignature of `{0}` has no time")]
    NoTime(String),
}

/// Adds the cosignatures in a witness's answer to `note`: those of `witnesses`, which are keys for cosignatures.
/// Lines of other keys are dropped. Returns how many were added.
///
/// # Errors
/// [`AnswerError`]; then the note is as it was.
pub fn take_answer(note: &mut Note, answer: &[u8], witnesses: &[VerifierKey]) -> Result<usize, AnswerError> {
    if answer.len() > NOTE_MAX_BYTES {
        return Err(NoteError::TooLong(answer.len()).into());
    }
    let answer = str::from_utf8(answer).map_err(|_cause| NoteError::Encoding)?;
    let mut alone = Note::new(note.text().to_owned())?;
    for line in signature_lines(answer)? {
        if witnesses.iter().any(|key| line.is_by(key)) {
            alone.add(line);
        }
    }
    if let Some(signature) =
        alone.verify(witnesses)?.iter().find(|signature| signature.time.unwrap_or(0) == 0)
    {
        return Err(AnswerError::NoTime(signature.key.name().to_owned()));
    }
    for line in alone.signatures() {
        note.add(line.clone());
    }
    Ok(alone.signatures().len())
}

#[cfg(test)]
mod tests;
