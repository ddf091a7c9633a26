//! What did the upstream do? Executed, failed, or honestly unknown.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The upstream said that it did it.
    Executed,
    /// The upstream said that it did not, or the request provably never reached it.
    Failed,
    /// Nobody can say: the connection or the gateway ended between sending and answer. Never retried silently.
    Unknown,
}

impl Status {
    /// The word shown and stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Executed => "executed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What the upstream did with a permitted action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// SHA-256 of the result's bytes, when there was one.
    pub result: Option<Digest>,
    /// How many rows it touched or brought back, where the protocol says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// From forwarding to answer, in microseconds.
    pub duration_us: u64,
    /// What went wrong, for people, without secrets.
    pub note: Option<String>,
}

impl Outcome {
    /// The gateway or the connection ended before the answer.
    pub fn unknown(note: impl Into<String>) -> Self {
        Self { status: Status::Unknown, result: None, rows: None, duration_us: 0, note: Some(note.into()) }
    }
}
