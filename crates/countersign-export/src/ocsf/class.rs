//! Which class and activity of OCSF is a kind of entry? Numbers and captions as in the published schema.

use countersign_ledger::Kind;

use crate::Entry;

/// A class of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Api,
    Entity,
    Authentication,
    Base,
}

impl Class {
    pub(super) fn uid(self) -> u32 {
        match self {
            Self::Api => 6003,
            Self::Entity => 3004,
            Self::Authentication => 3002,
            Self::Base => 0,
        }
    }

    pub(super) fn caption(self) -> &'static str {
        match self {
            Self::Api => "API Activity",
            Self::Entity => "Entity Management",
            Self::Authentication => "Authentication",
            Self::Base => "Base Event",
        }
    }

    pub(super) fn category(self) -> (u32, &'static str) {
        match self {
            Self::Api => (6, "Application Activity"),
            Self::Entity | Self::Authentication => (3, "Identity & Access Management"),
            Self::Base => (0, "Uncategorized"),
        }
    }
}

/// What was done, within a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Activity {
    pub(super) class: Class,
    pub(super) id: u32,
    pub(super) name: String,
}

/// The activity, or type, that only its name tells.
pub(super) const OTHER: u32 = 99;

impl Activity {
    pub(super) fn of(entry: &Entry) -> Self {
        let kind = entry.leaf.kind;
        let of = |class, id, name: &str| Self { class, id, name: name.to_owned() };
        match kind {
            Kind::ActionRequested => verbs(entry),
            Kind::ApprovalViewed | Kind::AuditRead | Kind::AuditExported => of(Class::Api, 2, "Read"),
            Kind::ActionsPassed
            | Kind::ApprovalRequested
            | Kind::ApprovalRefused
            | Kind::ApprovalDecided
            | Kind::ApprovalExpired
            | Kind::ApprovalCancelled
            | Kind::ApprovalLapsed
            | Kind::ActionReleased
            | Kind::ActionExecuted
            | Kind::ActionFailed
            | Kind::ActionUnknown => of(Class::Api, OTHER, kind.word()),
            Kind::AgentAdded => of(Class::Entity, 1, "Create"),
            // An invitation makes a person, or sets the groups of one.
            Kind::PolicyChanged | Kind::DefinitionPinned | Kind::PersonInvited | Kind::KeyRotated => {
                of(Class::Entity, 3, "Update")
            }
            Kind::PersonRemoved | Kind::SubjectErased | Kind::LogPruned => of(Class::Entity, 4, "Delete"),
            Kind::CredentialEnrolled => of(Class::Entity, 6, "Enroll"),
            Kind::CredentialRevoked => of(Class::Entity, 7, "Unenroll"),
            Kind::AgentRevoked => of(Class::Entity, 9, "Disable"),
            Kind::PersonSignedIn => of(Class::Authentication, 1, "Logon"),
            Kind::SessionEnded => of(Class::Authentication, 2, "Logoff"),
            Kind::LogHeartbeat => of(Class::Base, OTHER, kind.word()),
        }
    }
}

/// The activity of an action: the strongest of its verbs that OCSF knows; anything else is `Other` with the verbs.
fn verbs(entry: &Entry) -> Activity {
    let verbs = entry.leaf.action.as_ref().map(|action| action.class.as_slice()).unwrap_or_default();
    let has = |verb: &str| verbs.iter().any(|it| it == verb);
    let all = |known: &[&str]| !verbs.is_empty() && verbs.iter().all(|it| known.contains(&it.as_str()));
    let (id, name) = if all(&["read"]) {
        (2, "Read".to_owned())
    } else if all(&["read", "write"]) {
        (3, "Update".to_owned())
    } else if all(&["read", "write", "delete"]) && has("delete") {
        (4, "Delete".to_owned())
    } else if verbs.is_empty() {
        (OTHER, entry.leaf.kind.word().to_owned())
    } else {
        (OTHER, verbs.join(", "))
    };
    Activity { class: Class::Api, id, name }
}

/// What an entity of Entity Management is.
pub(super) fn entity_type(kind: Kind) -> (u32, &'static str) {
    match kind {
        Kind::PolicyChanged => (5, "Policy"),
        Kind::PersonInvited | Kind::PersonRemoved | Kind::CredentialEnrolled | Kind::CredentialRevoked => {
            (2, "User")
        }
        Kind::AgentAdded | Kind::AgentRevoked => (OTHER, "Agent"),
        Kind::DefinitionPinned => (OTHER, "Tool definitions"),
        Kind::KeyRotated | Kind::LogPruned => (OTHER, "Ledger"),
        Kind::SubjectErased => (OTHER, "Subject"),
        Kind::ActionRequested
        | Kind::ActionsPassed
        | Kind::ApprovalRequested
        | Kind::ApprovalViewed
        | Kind::ApprovalRefused
        | Kind::ApprovalDecided
        | Kind::ApprovalExpired
        | Kind::ApprovalCancelled
        | Kind::ApprovalLapsed
        | Kind::ActionReleased
        | Kind::ActionExecuted
        | Kind::ActionFailed
        | Kind::ActionUnknown
        | Kind::PersonSignedIn
        | Kind::SessionEnded
        | Kind::LogHeartbeat
        | Kind::AuditRead
        | Kind::AuditExported => (0, "Unknown"),
    }
}
