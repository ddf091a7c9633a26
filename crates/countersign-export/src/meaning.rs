//! What does an entry mean to somebody who watches? A title, how much it matters, and what became of the action by it.
//!
//! Every kind is named in every match: a new one does not compile until somebody has said what it means.

use countersign_ledger::Kind;

use crate::Entry;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// As things go.
    Informational,
    /// Somebody was refused, or something did not work.
    Low,
    /// Somebody should look at it.
    Medium,
}

/// What the gateway did with the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// Policy let it pass.
    Allowed,
    /// It does not run.
    Blocked,
    /// People let it pass.
    Approved,
    /// It waits for people.
    Delayed,
}

/// What the entry tells, in words for people.
pub(crate) fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::ActionRequested => "An action was requested",
        Kind::ActionsPassed => "Actions passed on standing answers",
        Kind::ApprovalRequested => "People are asked about an action",
        Kind::ApprovalViewed => "A person looked at an action",
        Kind::ApprovalRefused => "A person wanted to answer and may not",
        Kind::ApprovalDecided => "A person answered about an action",
        Kind::ApprovalExpired => "Nobody answered in time",
        Kind::ApprovalCancelled => "The requester took the question back",
        Kind::ApprovalLapsed => "An approval was not used in time",
        Kind::ActionReleased => "An approved action was released",
        Kind::ActionExecuted => "An action was executed",
        Kind::ActionFailed => "An action failed",
        Kind::ActionUnknown => "Nobody can say what became of an action",
        Kind::PolicyChanged => "Policies came into force",
        Kind::DefinitionPinned => "A tool's definition was accepted",
        Kind::CredentialEnrolled => "A passkey was enrolled",
        Kind::CredentialRevoked => "A passkey was removed",
        Kind::AgentAdded => "An agent was added",
        Kind::AgentRevoked => "An agent was revoked",
        Kind::PersonInvited => "A person was invited or got other groups",
        Kind::PersonSignedIn => "A person signed in",
        Kind::PersonRemoved => "A person was removed",
        Kind::SessionEnded => "A session was ended",
        Kind::LogHeartbeat => "Nothing happened for a while",
        Kind::KeyRotated => "A key of the ledger was replaced",
        Kind::SubjectErased => "Content was erased",
        Kind::AuditRead => "Somebody read the ledger",
        Kind::AuditExported => "Entries of the ledger were exported",
        Kind::LogPruned => "Old entries are no longer kept",
    }
}

pub(crate) fn severity(entry: &Entry) -> Severity {
    match entry.leaf.kind {
        // Somebody tried what the rules forbid; or somebody has to look.
        Kind::ApprovalRefused | Kind::ActionUnknown => Severity::Medium,
        Kind::ActionFailed | Kind::KeyRotated | Kind::SubjectErased | Kind::LogPruned => Severity::Low,
        Kind::ActionRequested
        | Kind::ApprovalDecided
        | Kind::ApprovalExpired
        | Kind::ApprovalCancelled
        | Kind::ApprovalLapsed => match disposition(entry) {
            Some(Disposition::Blocked) => Severity::Low,
            Some(Disposition::Allowed | Disposition::Approved | Disposition::Delayed) | None => {
                Severity::Informational
            }
        },
        Kind::ActionsPassed
        | Kind::ApprovalRequested
        | Kind::ApprovalViewed
        | Kind::ActionReleased
        | Kind::ActionExecuted
        | Kind::PolicyChanged
        | Kind::DefinitionPinned
        | Kind::CredentialEnrolled
        | Kind::CredentialRevoked
        | Kind::AgentAdded
        | Kind::AgentRevoked
        | Kind::PersonInvited
        | Kind::PersonSignedIn
        | Kind::PersonRemoved
        | Kind::SessionEnded
        | Kind::LogHeartbeat
        | Kind::AuditRead
        | Kind::AuditExported => Severity::Informational,
    }
}

/// `None` when the entry is not about whether an action may pass.
pub(crate) fn disposition(entry: &Entry) -> Option<Disposition> {
    let leaf = &entry.leaf;
    match leaf.kind {
        Kind::ActionRequested => match leaf.policy.as_ref()?.decision.as_str() {
            "allow" => Some(Disposition::Allowed),
            "review" => Some(Disposition::Delayed),
            "deny" => Some(Disposition::Blocked),
            _ => None,
        },
        Kind::ActionsPassed => Some(Disposition::Allowed),
        Kind::ApprovalRequested | Kind::ApprovalViewed | Kind::ApprovalRefused => Some(Disposition::Delayed),
        Kind::ApprovalDecided => match leaf.approval.as_ref()?.state.as_str() {
            "approved" => Some(Disposition::Approved),
            "denied" => Some(Disposition::Blocked),
            "pending" => Some(Disposition::Delayed),
            _ => None,
        },
        Kind::ApprovalExpired | Kind::ApprovalCancelled | Kind::ApprovalLapsed => Some(Disposition::Blocked),
        Kind::ActionReleased => Some(Disposition::Approved),
        Kind::ActionExecuted | Kind::ActionFailed | Kind::ActionUnknown => {
            Some(leaf.approval.as_ref().map_or(Disposition::Allowed, |_| Disposition::Approved))
        }
        Kind::PolicyChanged
        | Kind::DefinitionPinned
        | Kind::CredentialEnrolled
        | Kind::CredentialRevoked
        | Kind::AgentAdded
        | Kind::AgentRevoked
        | Kind::PersonInvited
        | Kind::PersonSignedIn
        | Kind::PersonRemoved
        | Kind::SessionEnded
        | Kind::LogHeartbeat
        | Kind::KeyRotated
        | Kind::SubjectErased
        | Kind::AuditRead
        | Kind::AuditExported
        | Kind::LogPruned => None,
    }
}

impl Disposition {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Allowed => "Allowed",
            Self::Blocked => "Blocked",
            Self::Approved => "Approved",
            Self::Delayed => "Delayed",
        }
    }
}
