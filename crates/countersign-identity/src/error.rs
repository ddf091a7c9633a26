//! Why not? One variant for each refusal, each with a stable code.

use countersign_store::StoreError;

use crate::{PublicUrlError, RuleRefusal, WebauthnRefusal};

/// What identity refuses or can't do.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The store can't be read or written.
    #[error("the store can't be used")]
    Store(#[from] StoreError),
    /// The public URL is no URL.
    #[error(transparent)]
    PublicUrl(#[from] PublicUrlError),
    /// A name can't be used.
    #[error("the {what} name `{name}` {problem}")]
    Name {
        /// Whose name.
        what: &'static str,
        /// The name, cut short.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Nobody has this name.
    #[error("there is no person `{0}`; invite them first")]
    PersonUnknown(String),
    /// No agent has this name.
    #[error("there is no agent `{0}` that is not revoked")]
    AgentUnknown(String),
    /// Another agent has this name.
    #[error("there is an agent `{0}` already; revoke it first or choose another name")]
    AgentNameTaken(String),
    /// A token that never works.
    #[error("a lifetime of zero makes a token that never works")]
    Lifetime,
    /// An agent can't be known by this.
    #[error(transparent)]
    Rules(#[from] RuleRefusal),
    /// Browsers offer no passkeys at this public URL.
    #[error("browsers offer passkeys only at `https` names and at `localhost`, not at this public URL")]
    PasskeysUnavailable,
    /// The challenge was never issued, was answered before or was forgotten.
    #[error("this challenge is not open; start again")]
    ChallengeUnknown,
    /// The challenge was issued too long ago.
    #[error("this challenge has expired; start again")]
    ChallengeExpired,
    /// The challenge was issued for signing in and used for enrolling, or the reverse.
    #[error("this challenge was issued for something else; start again")]
    ChallengePurpose,
    /// The challenge was issued to another person.
    #[error("this challenge was issued to another person; start again")]
    ChallengePerson,
    /// The credential is enrolled already.
    #[error("this passkey is enrolled already")]
    PasskeyEnrolled,
    /// The person has as many passkeys as one may have.
    #[error("you have as many passkeys as one person may have; remove one first")]
    PasskeysFull,
    /// The authenticator's response does not hold.
    #[error(transparent)]
    Webauthn(#[from] WebauthnRefusal),
}

impl IdentityError {
    /// Stable; listed in docs/ERRORS.md.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "store_unavailable",
            Self::PublicUrl(_) => "public_url_invalid",
            Self::Name { .. } => "name_invalid",
            Self::PersonUnknown(_) => "person_unknown",
            Self::AgentUnknown(_) => "agent_unknown",
            Self::AgentNameTaken(_) => "agent_name_taken",
            Self::Lifetime => "lifetime_invalid",
            Self::Rules(refusal) => refusal.code(),
            Self::PasskeysUnavailable => "passkeys_unavailable",
            Self::ChallengeUnknown => "passkey_challenge_unknown",
            Self::ChallengeExpired => "passkey_challenge_expired",
            Self::ChallengePurpose => "passkey_challenge_purpose",
            Self::ChallengePerson => "passkey_challenge_person",
            Self::PasskeyEnrolled => "passkey_enrolled_already",
            Self::PasskeysFull => "passkeys_full",
            Self::Webauthn(refusal) => refusal.code(),
        }
    }
}
