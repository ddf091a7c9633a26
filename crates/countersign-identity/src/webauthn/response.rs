//! What did the browser send? The JSON forms `RegistrationResponseJSON` and `AuthenticationResponseJSON` of Level 3.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};

use super::{CREDENTIAL_ID_MAX_BYTES, WebauthnRefusal};

/// Bytes in base64url without padding, as everywhere in Web Authentication.
pub(crate) fn encode_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Bytes that stand in JSON as base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base64Url(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Base64Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        URL_SAFE_NO_PAD.decode(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// The only credential type there is.
#[derive(Debug, Clone, Copy, Deserialize)]
enum CredentialType {
    #[serde(rename = "public-key")]
    PublicKey,
}

/// What `navigator.credentials.create()` gave, as JSON. Unknown members are allowed: browsers add their own.
#[derive(Debug, Deserialize)]
pub(crate) struct RegistrationResponse {
    id: Base64Url,
    #[serde(rename = "rawId")]
    raw_id: Base64Url,
    #[serde(rename = "type")]
    _kind: CredentialType,
    pub(crate) response: AttestationResponse,
}

/// The part of a registration that the authenticator made.
#[derive(Debug, Deserialize)]
pub(crate) struct AttestationResponse {
    #[serde(rename = "clientDataJSON")]
    pub(crate) client_data: Base64Url,
    #[serde(rename = "attestationObject")]
    pub(crate) attestation_object: Base64Url,
    #[serde(default)]
    pub(crate) transports: Vec<String>,
}

/// What `navigator.credentials.get()` gave, as JSON.
#[derive(Debug, Deserialize)]
pub(crate) struct AuthenticationResponse {
    id: Base64Url,
    #[serde(rename = "rawId")]
    raw_id: Base64Url,
    #[serde(rename = "type")]
    _kind: CredentialType,
    pub(crate) response: AssertionResponse,
}

/// The part of a sign-in that the authenticator made.
#[derive(Debug, Deserialize)]
pub(crate) struct AssertionResponse {
    #[serde(rename = "clientDataJSON")]
    pub(crate) client_data: Base64Url,
    #[serde(rename = "authenticatorData")]
    pub(crate) authenticator_data: Base64Url,
    pub(crate) signature: Base64Url,
    #[serde(rename = "userHandle")]
    pub(crate) user_handle: Option<Base64Url>,
}

impl RegistrationResponse {
    pub(crate) fn parse(json: serde_json::Value) -> Result<Self, WebauthnRefusal> {
        let parsed: Self = serde_json::from_value(json).map_err(WebauthnRefusal::ResponseMalformed)?;
        check_id(&parsed.id, &parsed.raw_id)?;
        Ok(parsed)
    }

    /// The credential that the response is about.
    pub(crate) fn credential_id(&self) -> &[u8] {
        &self.raw_id.0
    }
}

impl AuthenticationResponse {
    pub(crate) fn parse(json: serde_json::Value) -> Result<Self, WebauthnRefusal> {
        let parsed: Self = serde_json::from_value(json).map_err(WebauthnRefusal::ResponseMalformed)?;
        check_id(&parsed.id, &parsed.raw_id)?;
        Ok(parsed)
    }

    /// The credential that the response is about.
    pub(crate) fn credential_id(&self) -> &[u8] {
        &self.raw_id.0
    }
}

fn check_id(id: &Base64Url, raw_id: &Base64Url) -> Result<(), WebauthnRefusal> {
    if id != raw_id {
        return Err(WebauthnRefusal::CredentialMismatch);
    }
    match raw_id.0.len() {
        1..=CREDENTIAL_ID_MAX_BYTES => Ok(()),
        length => Err(WebauthnRefusal::CredentialIdLength(length)),
    }
}
