//! What is wrong with this receipt, and where? One place, one stable word, one sentence.

use std::fmt;

/// Where in the receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The receipt as a whole.
    Receipt,
    /// Its checkpoint.
    Checkpoint,
    /// The entry with this index in the log.
    Entry(u64),
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What kind of failure. Words are never renamed or reused; docs/ERRORS.md lists them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable word.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

codes! {
    /// The checkpoint is not one of the trusted log, or lacks witnesses.
    CheckpointUntrusted = "checkpoint_untrusted",
    /// There are no entries.
    NoEntries = "no_entries",
    /// The entries are not in the order of the log.
    OutOfOrder = "out_of_order",
    /// The inclusion proof does not hold: the leaf is another than the log's, or not in it.
    NotIncluded = "not_included",
    /// The leaf is not in the form of this version.
    LeafMalformed = "leaf_malformed",
    /// The entry belongs to another action.
    OtherCase = "other_case",
    /// An entry between this and the previous one is missing, or they are not of one chain.
    ChainBroken = "chain_broken",
    /// A shown value is not what the leaf commits to.
    ContentMismatch = "content_mismatch",
    /// The shown bytes are not what the leaf commits to.
    PayloadMismatch = "payload_mismatch",
    /// A vote is about another digest than the action's.
    DigestMismatch = "digest_mismatch",
    /// An entry lacks a part that its type has, or the part says something that its type can't.
    PartWrong = "part_wrong",
    /// The entry's actor is of another kind than its type has.
    ActorWrong = "actor_wrong",
    /// An entry of this type is not part of an action's story.
    Foreign = "foreign",
    /// The story does not begin with the request.
    NotRequested = "not_requested",
    /// The action is requested twice.
    RequestedTwice = "requested_twice",
    /// A second review, or one without need.
    ReviewUnexpected = "review_unexpected",
    /// An entry is about another review, or skips a version of it.
    ReviewMismatch = "review_mismatch",
    /// A person answers twice.
    VotedTwice = "voted_twice",
    /// Approved with fewer people than were asked for.
    TooFewApprovers = "too_few_approvers",
    /// Somebody behind the request approved it.
    RequesterApproved = "requester_approved",
    /// Who stands behind the request can't be read.
    PrincipalUnreadable = "principal_unreadable",
    /// Released without an approval in force.
    ReleasedUnapproved = "released_unapproved",
    /// Released twice.
    ReleasedTwice = "released_twice",
    /// An outcome of what was not released.
    OutcomeUnreleased = "outcome_unreleased",
    /// A second outcome.
    OutcomeTwice = "outcome_twice",
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// Where.
    pub place: Place,
    /// What kind.
    pub code: Code,
    /// One sentence, lower case.
    pub detail: String,
}

impl Failure {
    pub(super) fn new(place: Place, code: Code, detail: impl Into<String>) -> Self {
        Self { place, code, detail: detail.into() }
    }

    pub(super) fn at(index: u64, code: Code, detail: impl Into<String>) -> Self {
        Self::new(Place::Entry(index), code, detail)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Receipt => f.write_str("receipt"),
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::Entry(index) => write!(f, "entry {index}"),
        }
    }
}

/// `entry 12: content_mismatch: …`
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.code.word(), self.detail)
    }
}
