//! Did this person's authenticator say this? Web Authentication Level 3, sections 7.1 and 7.2, with the challenge as a parameter.
//!
//! Pure: bytes in, verdict out. It never reads a clock, a store or a random source. Whether the challenge was
//! issued, is fresh and is used for the first time is `passkeys.rs`'s question. Attestation statements are not
//! evaluated: we ask for `none`, and the person who handed out the invitation vouches for the enrolment.

mod authenticator_data;
mod client_data;
mod key;
mod options;
mod registration;
mod relying_party;
mod response;

#[cfg(test)]
pub(crate) mod authenticator;
#[cfg(test)]
mod tests;

pub(crate) use client_data::ClientData;
pub(crate) use options::{CreationOptions, creation_options, request_options};
pub(crate) use registration::Registered;
pub(crate) use relying_party::{Known, RelyingParty};
pub(crate) use response::{AuthenticationResponse, RegistrationResponse, encode_base64url};

/// The bytes that an authenticator is asked to sign over.
pub(crate) type Challenge = [u8; 32];

/// Longer credential ids are refused (section 7.1, step 25).
pub(crate) const CREDENTIAL_ID_MAX_BYTES: usize = 1023;

/// Why a response of an authenticator is refused. One variant for each check of the specification.
#[derive(Debug, thiserror::Error)]
pub enum WebauthnRefusal {
    /// The response does not have the JSON form of the specification.
    #[error("the response of the authenticator does not have the expected form")]
    ResponseMalformed(#[source] serde_json::Error),
    /// The response names its credential in two ways that differ.
    #[error("the response names two different credentials")]
    CredentialMismatch,
    /// The credential id is longer than 1023 bytes or empty.
    #[error("the credential id has {0} bytes; 1 to {CREDENTIAL_ID_MAX_BYTES} are allowed")]
    CredentialIdLength(usize),
    /// The client data is not JSON of the expected form.
    #[error("the client data does not have the expected form")]
    ClientDataMalformed(#[source] serde_json::Error),
    /// The client data is about another ceremony.
    #[error("the client data is of type `{0}`")]
    TypeMismatch(String),
    /// The client data holds another challenge than the one that was issued.
    #[error("the client data holds another challenge")]
    ChallengeMismatch,
    /// The ceremony ran on another origin.
    #[error("the ceremony ran on origin `{0}`")]
    OriginMismatch(String),
    /// The ceremony ran inside a page of another origin.
    #[error("the ceremony ran inside a page of another origin")]
    CrossOrigin,
    /// The authenticator data is cut short, has bytes left over or contradicts itself.
    #[error("the authenticator data is malformed: {0}")]
    AuthenticatorDataMalformed(&'static str),
    /// The authenticator answered for another relying party.
    #[error("the authenticator answered for another relying party")]
    RelyingPartyMismatch,
    /// Nobody touched the authenticator.
    #[error("the authenticator did not see anybody")]
    UserAbsent,
    /// The authenticator did not verify who touched it.
    #[error("the authenticator did not verify its user by PIN or biometrics")]
    UserUnverified,
    /// Backed up, but not eligible for backup.
    #[error("the credential claims to be backed up without being eligible for backup")]
    BackupInconsistent,
    /// A credential can't change its backup eligibility.
    #[error("the credential changed its backup eligibility")]
    BackupEligibilityChanged,
    /// The attestation object is malformed.
    #[error("the attestation object is malformed: {0}")]
    AttestationMalformed(&'static str),
    /// The public key is not one of the three kinds that were asked for.
    #[error("the public key is not of a supported kind: {0}")]
    KeyUnsupported(&'static str),
    /// The signature was not made by the enrolled key over these bytes.
    #[error("the signature does not verify")]
    SignatureInvalid,
    /// The counter did not rise: the credential may have been copied.
    #[error("the signature counter went from {stored} to {received}; the credential may have been copied")]
    SignCountRegressed {
        /// The counter of the last use.
        stored: u32,
        /// The counter of this use.
        received: u32,
    },
    /// The response names another person than the one to whom the credential belongs.
    #[error("the response names another person than the owner of the credential")]
    UserHandleMismatch,
}

impl WebauthnRefusal {
    /// Stable; listed in docs/ERRORS.md.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ResponseMalformed(_) => "passkey_response_malformed",
            Self::CredentialMismatch => "passkey_credential_mismatch",
            Self::CredentialIdLength(_) => "passkey_credential_id_length",
            Self::ClientDataMalformed(_) => "passkey_client_data_malformed",
            Self::TypeMismatch(_) => "passkey_type_mismatch",
            Self::ChallengeMismatch => "passkey_challenge_mismatch",
            Self::OriginMismatch(_) => "passkey_origin_mismatch",
            Self::CrossOrigin => "passkey_cross_origin",
            Self::AuthenticatorDataMalformed(_) => "passkey_authenticator_data_malformed",
            Self::RelyingPartyMismatch => "passkey_relying_party_mismatch",
            Self::UserAbsent => "passkey_user_absent",
            Self::UserUnverified => "passkey_user_unverified",
            Self::BackupInconsistent => "passkey_backup_inconsistent",
            Self::BackupEligibilityChanged => "passkey_backup_eligibility_changed",
            Self::AttestationMalformed(_) => "passkey_attestation_malformed",
            Self::KeyUnsupported(_) => "passkey_key_unsupported",
            Self::SignatureInvalid => "passkey_signature_invalid",
            Self::SignCountRegressed { .. } => "passkey_sign_count_regressed",
            Self::UserHandleMismatch => "passkey_user_handle_mismatch",
        }
    }
}
