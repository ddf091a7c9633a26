//! May it run? Yes with terms, not without people, or no. Many answers join to the most restrictive one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Assurance;

/// The answer of policy to one action. Ignoring it does not compile without a warning that is denied.
#[must_use = "a decision that nobody looks at allows or denies nothing"]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "decision", content = "detail")]
pub enum Decision {
    /// It may run now, under these terms.
    Allow(Terms),
    /// It may run only after these people agreed.
    Review(Plan),
    /// It must not run; no approval lifts this.
    Deny(Reason),
}

impl Decision {
    /// The more restrictive of both: deny over review over allow, and within each the union of what is asked.
    /// Associative, commutative and idempotent, so neither order nor repetition matters and adding an answer
    /// never loosens.
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Deny(a), Self::Deny(b)) => Self::Deny(a.join(b)),
            (Self::Deny(reason), Self::Allow(_) | Self::Review(_))
            | (Self::Allow(_) | Self::Review(_), Self::Deny(reason)) => Self::Deny(reason),
            (Self::Review(a), Self::Review(b)) => Self::Review(a.join(b)),
            (Self::Review(plan), Self::Allow(terms)) | (Self::Allow(terms), Self::Review(plan)) => {
                Self::Review(Plan { terms: plan.terms.join(terms), ..plan })
            }
            (Self::Allow(a), Self::Allow(b)) => Self::Allow(a.join(b)),
        }
    }

    /// The word shown and stored: `allow`, `review` or `deny`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Allow(_) => "allow",
            Self::Review(_) => "review",
            Self::Deny(_) => "deny",
        }
    }
}

/// What the enforcement point must do to an allowed action. One that it can't do is a denial.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obligation {
    /// Mask these columns, fields or findings in the result.
    Mask(Mask),
    /// Keep the result beside the ledger entry.
    Record,
}

/// What is masked and how. Records from before there were modes hold only the columns, as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "StoredMask")]
pub struct Mask {
    /// What is masked.
    pub what: Masked,
    /// What takes its place.
    pub mode: MaskMode,
}

/// What a mask hides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Masked {
    /// Columns or fields by name: `column`, `table.column`, `schema.table.column`, or `*` for all.
    Column(String),
    /// What looks like this kind of content, wherever it stands; the proxy knows the kinds.
    Content(String),
}

/// What takes the place of what is masked. Later ones are stricter, so that of two the larger holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MaskMode {
    /// Just enough to recognise.
    #[default]
    Partial,
    /// Equal values stay equal, and nothing else is kept.
    Hash,
    /// Only what it was.
    Drop,
    /// Nothing.
    Null,
}

impl MaskMode {
    /// As it is written in policies: `partial`, `hash`, `drop`, `null`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Partial => "partial",
            Self::Hash => "hash",
            Self::Drop => "drop",
            Self::Null => "null",
        }
    }
}

impl std::str::FromStr for MaskMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Partial, Self::Hash, Self::Drop, Self::Null];
        all.into_iter().find(|mode| mode.word() == text).ok_or_else(|| {
            format!("`{text}` is no way to mask; there are `partial`, `hash`, `drop` and `null`")
        })
    }
}

impl fmt::Display for Mask {
    /// `mask email (partial)`, `mask content card (hash)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Masked::Column(name) => write!(f, "mask {name} ({})", self.mode.word()),
            Masked::Content(kind) => write!(f, "mask content {kind} ({})", self.mode.word()),
        }
    }
}

/// How a mask stands in records.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredMask {
    Column(String),
    Whole { what: Masked, mode: MaskMode },
}

impl From<StoredMask> for Mask {
    fn from(stored: StoredMask) -> Self {
        match stored {
            StoredMask::Column(name) => Self { what: Masked::Column(name), mode: MaskMode::default() },
            StoredMask::Whole { what, mode } => Self { what, mode },
        }
    }
}

/// The conditions that came with a yes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What must be done.
    pub obligations: BTreeSet<Obligation>,
    /// The result may have at most so many rows.
    pub max_rows: Option<u64>,
    /// The ids of the policies that permitted it or set conditions.
    pub policies: BTreeSet<String>,
}

impl Terms {
    /// Every obligation of both, the smaller limit.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.obligations.extend(other.obligations);
        self.policies.extend(other.policies);
        self.max_rows = match (self.max_rows, other.max_rows) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self
    }

    /// What is masked, each with the strictest of its modes.
    pub fn masks(&self) -> BTreeMap<&Masked, MaskMode> {
        let mut masks = BTreeMap::new();
        for obligation in &self.obligations {
            if let Obligation::Mask(Mask { what, mode }) = obligation {
                let strictest = masks.entry(what).or_insert(*mode);
                *strictest = (*strictest).max(*mode);
            }
        }
        masks
    }
}

/// One group of people who must agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// How many distinct people of the group.
    pub quorum: u16,
    /// How surely each of them must be known.
    pub assurance: Assurance,
    /// The ids of the policies that ask for this.
    pub policies: BTreeSet<String>,
}

impl Gate {
    fn join(mut self, other: Self) -> Self {
        self.quorum = self.quorum.max(other.quorum);
        self.assurance = self.assurance.max(other.assurance);
        self.policies.extend(other.policies);
        self
    }
}

/// Who must agree, within which times. All gates must be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The gates by the name of the reviewers' group. One person fills at most one place in one gate.
    pub gates: BTreeMap<String, Gate>,
    /// The first clock: how long the review may stay pending.
    pub pending_for: Duration,
    /// The second clock: how long the approval may wait to be claimed.
    pub claim_within: Duration,
    /// The third clock: how long the grant lives, counted from the approval.
    pub grant_for: Duration,
    /// So many different witnesses must have cosigned the ledger with the release in it before it runs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub witnesses: u16,
    /// Why policy asks, by policy id.
    pub reasons: BTreeMap<String, String>,
    /// The terms under which it runs once approved.
    pub terms: Terms,
}

impl Plan {
    /// How long a review stays pending unless policy says otherwise.
    pub const PENDING_FOR: Duration = Duration::from_secs(30 * 60);
    /// How long an approval waits to be claimed unless policy says otherwise.
    pub const CLAIM_WITHIN: Duration = Duration::from_secs(15 * 60);
    /// How long a grant lives unless policy says otherwise.
    pub const GRANT_FOR: Duration = Duration::from_secs(60 * 60);

    /// Whether a policy asks; otherwise it is the gateway's own question, which no requester can take back.
    pub fn asked_by_policy(&self) -> bool {
        self.gates.values().any(|gate| !gate.policies.is_empty())
    }

    /// All gates of both, the larger quorum, the shorter times, the more witnesses.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.witnesses = self.witnesses.max(other.witnesses);
        for (group, gate) in other.gates {
            let joined = match self.gates.remove(&group) {
                Some(mine) => mine.join(gate),
                None => gate,
            };
            self.gates.insert(group, joined);
        }
        self.pending_for = self.pending_for.min(other.pending_for);
        self.claim_within = self.claim_within.min(other.claim_within);
        self.grant_for = self.grant_for.min(other.grant_for);
        // The same id can't carry two texts within one bundle; the smaller wins so that order never matters.
        for (id, text) in other.reasons {
            let slot = self.reasons.entry(id).or_insert_with(|| text.clone());
            if text < *slot {
                *slot = text;
            }
        }
        self.terms = self.terms.join(other.terms);
        self
    }

    /// Whether people who agreed to `self` also agreed to `now`: every gate asked for now was asked for then, at
    /// least as strictly. Terms and witnesses need no covering: those of both apply.
    pub fn covers(&self, now: &Self) -> bool {
        now.gates.iter().all(|(group, gate)| {
            self.gates
                .get(group)
                .is_some_and(|then| then.quorum >= gate.quorum && then.assurance >= gate.assurance)
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u16) -> bool {
    *count == 0
}

/// Why not: a stable code and words for the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable; listed in docs/ERRORS.md.
    pub code: ReasonCode,
    /// What happened, for the caller.
    pub text: String,
    /// The policies that said no.
    pub policies: BTreeSet<String>,
}

impl Reason {
    /// A reason without policies.
    pub fn new(code: ReasonCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), policies: BTreeSet::new() }
    }

    /// The more fundamental code with its text, and every policy.
    fn join(mut self, other: Self) -> Self {
        let take_other = (other.code, &other.text) < (self.code, &self.text);
        self.policies.extend(other.policies);
        if take_other {
            self.code = other.code;
            self.text = other.text;
        }
        self
    }
}

/// Why an action was denied, most fundamental first. The codes are stable: see docs/ERRORS.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// Policy could not be evaluated; doubt denies.
    PolicyError,
    /// A `forbid` without `@review` matched.
    Forbidden,
    /// No `permit` matched.
    NotPermitted,
    /// The enforcement point can't do what the terms ask.
    ObligationUnsupported,
    /// The input was too large or too deep.
    TooLarge,
    /// The input could not be understood.
    Malformed,
    /// The caller has too many open reviews.
    TooManyPending,
    /// The record could not be written, so nothing may run.
    StoreUnavailable,
    /// People said no.
    DeniedByReviewer,
    /// Nobody answered in time.
    ReviewExpired,
    /// The requester took the question back.
    ReviewCancelled,
    /// The approval was not claimed in time.
    ApprovalLapsed,
    /// Something that the approval depended on has changed.
    ChangedSinceApproval,
    /// Too few witnesses have cosigned the ledger with the release in it.
    Unwitnessed,
}

impl ReasonCode {
    /// The code as callers read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PolicyError => "policy_error",
            Self::Forbidden => "forbidden",
            Self::NotPermitted => "not_permitted",
            Self::ObligationUnsupported => "obligation_unsupported",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::TooManyPending => "too_many_pending",
            Self::StoreUnavailable => "store_unavailable",
            Self::DeniedByReviewer => "denied_by_reviewer",
            Self::ReviewExpired => "review_expired",
            Self::ReviewCancelled => "review_cancelled",
            Self::ApprovalLapsed => "approval_lapsed",
            Self::ChangedSinceApproval => "changed_since_approval",
            Self::Unwitnessed => "unwitnessed",
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests;
