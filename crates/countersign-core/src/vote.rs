//! What did a person answer? One vote, bound to the digest and version that the person saw.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Digest, PersonId, Reviewer, Timestamp, VoteId};

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The action may run.
    Approve,
    /// The action must not run; one deny ends the review.
    Deny,
}

impl Answer {
    /// The word shown and stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        }
    }
}

/// How surely we know that it was this person, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Assurance {
    /// A session that began with a one-time link.
    Session,
    /// A session that began with a passkey and user verification.
    Passkey,
}

impl Assurance {
    /// The word shown, stored and written in `@assurance("…")`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Passkey => "passkey",
        }
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Assurance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "session" => Ok(Self::Session),
            "passkey" => Ok(Self::Passkey),
            _ => Err(format!("`{text}` is not an assurance; use `session` or `passkey`")),
        }
    }
}

/// What a person sends: an answer about exactly what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    /// Yes or no.
    pub answer: Answer,
    /// Why; at most [`Ballot::REASON_MAX_BYTES`].
    pub reason: String,
    /// Where the person answered: `console`, `cli`, `api`.
    pub channel: String,
    /// The digest that the person saw.
    pub digest: Digest,
    /// The version of the review that the person saw.
    pub version: u64,
}

impl Ballot {
    /// Longer reasons are refused.
    pub const REASON_MAX_BYTES: usize = 4096;
}

/// One person's recorded answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// This vote.
    pub id: VoteId,
    /// Who.
    pub person: PersonId,
    /// The name at the time, for people to read.
    pub name: String,
    /// The groups at the time; gates count these.
    pub groups: BTreeSet<String>,
    /// Yes or no.
    pub answer: Answer,
    /// Why.
    pub reason: String,
    /// Where.
    pub channel: String,
    /// How surely it was this person.
    pub assurance: Assurance,
    /// What was seen.
    pub digest: Digest,
    /// When.
    pub cast_at: Timestamp,
}

impl Vote {
    /// Joins a ballot with the person who cast it.
    pub fn cast(id: VoteId, reviewer: &Reviewer, ballot: Ballot, now: Timestamp) -> Self {
        Self {
            id,
            person: reviewer.person(),
            name: reviewer.name().to_owned(),
            groups: reviewer.groups().clone(),
            answer: ballot.answer,
            reason: ballot.reason,
            channel: ballot.channel,
            assurance: reviewer.assurance(),
            digest: ballot.digest,
            cast_at: now,
        }
    }
}
