//! What does the ledger hold? What to look for in it, and what a search brings back.

use crate::Timestamp;

/// What to look for in the ledger. Every given filter must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only entries of this type, for example `approval.decided`, or of this family, for example `approval`.
    pub kind: Option<String>,
    /// Only entries of this case, for example `act_…`.
    pub case: Option<String>,
    /// Only entries that this actor made, by id.
    pub actor: Option<String>,
    /// Only entries about actions on the resource of this name.
    pub resource: Option<String>,
    /// Only entries about actions of the agent with this name.
    pub agent: Option<String>,
    /// Only entries made at or after this.
    pub from: Option<Timestamp>,
    /// Only entries made before this.
    pub until: Option<Timestamp>,
    /// Continue behind the entry with this index, as given by [`AuditPage::next`].
    pub cursor: Option<u64>,
    /// At most so many; 1 to [`AuditQuery::LIMIT_MAX`].
    pub limit: u16,
}

impl AuditQuery {
    /// The most entries that come at once.
    pub const LIMIT_MAX: u16 = 10_000;
}

/// One entry of the ledger: its leaf, without the content beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the ledger.
    pub index: u64,
    /// Its type.
    pub kind: String,
    /// When it was made.
    pub time: Timestamp,
    /// What it belongs to.
    pub case: String,
    /// The exact leaf, JSON.
    pub leaf: String,
    /// The leaf's hash.
    pub hash: [u8; 32],
}

/// Some entries, newest first, and how far was looked for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// What was found.
    pub items: Vec<AuditEntry>,
    /// Where to go on; `None` once everything was looked at.
    pub next: Option<u64>,
    /// How many entries were looked at for this page.
    pub looked_at: u64,
    /// Back to which time, when the page ends because enough was looked at and not because it is full.
    pub looked_back_to: Option<Timestamp>,
}

/// What an entry says about whether something may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bearing {
    /// Policy or a person allowed it, or it ran.
    Allowed,
    /// It waits for people.
    Held,
    /// Policy or a person refused it, or nobody answered in time.
    Refused,
    /// It failed, or nobody knows how it went.
    Failed,
    /// It is about people, agents, policies or the ledger itself.
    Upkeep,
}

impl Bearing {
    /// Every bearing.
    pub const ALL: [Self; 5] = [Self::Allowed, Self::Held, Self::Refused, Self::Failed, Self::Upkeep];

    /// The word on pages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Upkeep => "upkeep",
        }
    }

    /// What an entry of this type bears. `said` is what policy decided, or a person answered.
    pub fn of(kind: &str, said: Option<&str>) -> Self {
        match (kind, said) {
            ("action.requested" | "approval.decided", Some("allow" | "approve"))
            | ("action.released" | "action.executed" | "actions.passed", _) => Self::Allowed,
            ("action.requested", Some("review")) | ("approval.requested" | "approval.viewed", _) => {
                Self::Held
            }
            ("action.requested" | "approval.decided", _)
            | ("approval.refused" | "approval.expired" | "approval.cancelled" | "approval.lapsed", _) => {
                Self::Refused
            }
            ("action.failed" | "action.unknown", _) => Self::Failed,
            _ => Self::Upkeep,
        }
    }
}

/// When the entries of a search were made, newest first, and how far was looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditTimes {
    /// Each entry's time and bearing.
    pub marks: Vec<(Timestamp, Bearing)>,
    /// Back to which time, when enough was looked at before the end.
    pub looked_back_to: Option<Timestamp>,
}
