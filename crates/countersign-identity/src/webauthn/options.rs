//! What is the browser asked? `PublicKeyCredentialCreationOptionsJSON` and `PublicKeyCredentialRequestOptionsJSON`.

use serde_json::{Value, json};

use super::key::ALGORITHMS;
use super::{Challenge, RelyingParty, encode_base64url};

/// How long the browser may take, in milliseconds; as long as the challenge lives.
const TIMEOUT_MILLISECONDS: u32 = 5 * 60 * 1000;

/// Whom the new credential is for.
#[derive(Debug)]
pub(crate) struct CreationOptions<'a> {
    pub(crate) user_handle: &'a [u8],
    pub(crate) name: &'a str,
    /// Credential ids and transports that the person has already.
    pub(crate) enrolled: Vec<(Vec<u8>, Vec<String>)>,
}

/// Asks for a discoverable credential, user verification and no attestation.
pub(crate) fn creation_options(
    party: &RelyingParty,
    challenge: &Challenge,
    options: CreationOptions<'_>,
) -> Value {
    let exclude: Vec<Value> = options
        .enrolled
        .into_iter()
        .map(|(id, transports)| {
            json!({ "type": "public-key", "id": encode_base64url(&id), "transports": transports })
        })
        .collect();
    json!({
        "rp": { "id": party.id, "name": "Countersign" },
        "user": {
            "id": encode_base64url(options.user_handle),
            "name": options.name,
            "displayName": options.name,
        },
        "challenge": encode_base64url(challenge),
        "pubKeyCredParams": ALGORITHMS.map(|alg| json!({ "type": "public-key", "alg": alg })),
        "timeout": TIMEOUT_MILLISECONDS,
        "excludeCredentials": exclude,
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": true,
            "userVerification": "required",
        },
        "attestation": "none",
    })
}

/// Asks for any credential of ours, with user verification. No list of credentials: it would tell who has one.
pub(crate) fn request_options(party: &RelyingParty, challenge: &Challenge) -> Value {
    json!({
        "rpId": party.id,
        "challenge": encode_base64url(challenge),
        "timeout": TIMEOUT_MILLISECONDS,
        "allowCredentials": [],
        "userVerification": "required",
    })
}
