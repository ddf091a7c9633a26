//! Sessions and passkeys as JSON.

use countersign_identity::{PasskeyView, SignedIn};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The session that made the request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionBody {
    id: String,
    #[schema(pattern = "^per_[0-9a-f]{32}$")]
    person: String,
    name: String,
    groups: Vec<String>,
    /// `session` when it began with a one-time link, `passkey` when with a passkey.
    assurance: &'static str,
    #[schema(format = DateTime)]
    started_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// A session just begun.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewSessionBody {
    /// The secret to send as `Authorization: Bearer`. Shown this once.
    pub(crate) token: String,
    pub(crate) session: SessionBody,
}

/// The token of a one-time link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationRequest {
    /// What stands after `/enter/` in the link.
    #[schema(min_length = 1, max_length = 256)]
    pub(crate) invitation: String,
}

/// One enrolled passkey.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasskeyBody {
    id: String,
    label: String,
    #[schema(format = DateTime)]
    enrolled_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

/// What the browser's `navigator.credentials.create` gave.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolRequest {
    /// A name to tell passkeys apart.
    #[schema(min_length = 1, max_length = 64)]
    pub(crate) label: String,
    /// A `RegistrationResponseJSON` (WebAuthn Level 3).
    #[schema(value_type = Object)]
    pub(crate) response: Value,
}

/// What the browser's `navigator.credentials.get` gave.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInRequest {
    /// An `AuthenticationResponseJSON` (WebAuthn Level 3).
    #[schema(value_type = Object)]
    pub(crate) response: Value,
}

impl SessionBody {
    pub(crate) fn of(signed_in: &SignedIn) -> Self {
        let reviewer = &signed_in.reviewer;
        Self {
            id: signed_in.session.id.clone(),
            person: reviewer.person().to_string(),
            name: reviewer.name().to_owned(),
            groups: reviewer.groups().iter().cloned().collect(),
            assurance: signed_in.session.assurance.word(),
            started_at: signed_in.session.started_at.to_string(),
            expires_at: signed_in.session.expires_at.to_string(),
        }
    }
}

impl PasskeyBody {
    pub(crate) fn of(passkey: &PasskeyView) -> Self {
        Self {
            id: passkey.id.clone(),
            label: passkey.label.clone(),
            enrolled_at: passkey.enrolled_at.to_string(),
            last_used_at: passkey.last_used_at.map(|at| at.to_string()),
        }
    }
}
