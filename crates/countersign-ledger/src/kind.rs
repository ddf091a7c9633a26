//! Which kinds of entries are there? A closed list: an unknown kind is an error for every reader.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// The type of an entry.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the leaf's `type`.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// The kind with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.word() == word)
            }
        }
    };
}

kinds! {
    /// An action arrived and was judged. With decision `allow` it was released by this very entry.
    ActionRequested = "action.requested",
    /// Many actions passed that policy allows whatever their parameters are; the content commits to their records.
    ActionsPassed = "actions.passed",
    /// A review was opened.
    ApprovalRequested = "approval.requested",
    /// A person opened the review's page.
    ApprovalViewed = "approval.viewed",
    /// A person wanted to vote and may not.
    ApprovalRefused = "approval.refused",
    /// A person voted.
    ApprovalDecided = "approval.decided",
    /// Nobody answered in time.
    ApprovalExpired = "approval.expired",
    /// The requester took the question back.
    ApprovalCancelled = "approval.cancelled",
    /// The approval was not claimed in time.
    ApprovalLapsed = "approval.lapsed",
    /// An approved action was claimed and released to the proxy.
    ActionReleased = "action.released",
    /// The upstream did it.
    ActionExecuted = "action.executed",
    /// The upstream did not do it.
    ActionFailed = "action.failed",
    /// Nobody can say whether the upstream did it.
    ActionUnknown = "action.unknown",
    /// A policy bundle came into force.
    PolicyChanged = "policy.changed",
    /// A tool's definition was pinned.
    DefinitionPinned = "definition.pinned",
    /// A passkey was enrolled.
    CredentialEnrolled = "credential.enrolled",
    /// A passkey was removed.
    CredentialRevoked = "credential.revoked",
    /// An agent got a token.
    AgentAdded = "agent.added",
    /// An agent's token was revoked.
    AgentRevoked = "agent.revoked",
    /// A person was invited, or their groups were set.
    PersonInvited = "person.invited",
    /// A person signed in.
    PersonSignedIn = "person.signed_in",
    /// A person was removed.
    PersonRemoved = "person.removed",
    /// A session was ended.
    SessionEnded = "session.ended",
    /// Nothing else happened for a while: proof that the ledger was not silenced.
    LogHeartbeat = "log.heartbeat",
    /// A key of the log was replaced.
    KeyRotated = "key.rotated",
    /// The content about a person or a case was erased.
    SubjectErased = "subject.erased",
    /// Somebody read the ledger.
    AuditRead = "audit.read",
    /// Somebody took entries away: receipts or an evidence pack.
    AuditExported = "audit.exported",
    /// Entries below an index are no longer kept; their hashes stay in the tree.
    LogPruned = "log.pruned",
}
