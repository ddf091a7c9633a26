//! What did the browser tell the authenticator? The type, the challenge and the origin of the ceremony.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::response::Base64Url;
use super::{Challenge, WebauthnRefusal};

/// The parsed `clientDataJSON`. Unknown members are allowed: the specification lets browsers add some.
#[derive(Debug, Deserialize)]
struct Fields {
    #[serde(rename = "type")]
    kind: String,
    challenge: Base64Url,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<String>,
}

/// Which ceremony it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ceremony {
    Registration,
    Authentication,
}

impl Ceremony {
    const fn word(self) -> &'static str {
        match self {
            Self::Registration => "webauthn.create",
            Self::Authentication => "webauthn.get",
        }
    }
}

/// What the browser told the authenticator, with the hash of its exact bytes.
#[derive(Debug)]
pub(crate) struct ClientData {
    fields: Fields,
    hash: [u8; 32],
}

impl ClientData {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, WebauthnRefusal> {
        // A byte order mark is legal before the JSON (the specification decodes as "UTF-8 decode", not "without BOM").
        let json = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let fields = serde_json::from_slice(json).map_err(WebauthnRefusal::ClientDataMalformed)?;
        Ok(Self { fields, hash: Sha256::digest(bytes).into() })
    }

    /// The challenge that the browser says it was given; only good for looking up the one that was issued.
    pub(crate) fn claimed_challenge(&self) -> &[u8] {
        &self.fields.challenge.0
    }

    /// The hash of the exact bytes, over which the authenticator signs.
    pub(crate) fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Section 7.1 steps 7 to 11 and 7.2 steps 10 to 14.
    pub(crate) fn check(
        &self,
        ceremony: Ceremony,
        challenge: &Challenge,
        origin: &str,
    ) -> Result<(), WebauthnRefusal> {
        if self.fields.kind != ceremony.word() {
            return Err(WebauthnRefusal::TypeMismatch(shown(&self.fields.kind)));
        }
        if !bool::from(self.fields.challenge.0.as_slice().ct_eq(challenge.as_slice())) {
            return Err(WebauthnRefusal::ChallengeMismatch);
        }
        if self.fields.origin != origin {
            return Err(WebauthnRefusal::OriginMismatch(shown(&self.fields.origin)));
        }
        if self.fields.cross_origin == Some(true) || self.fields.top_origin.is_some() {
            return Err(WebauthnRefusal::CrossOrigin);
        }
        Ok(())
    }
}

/// A caller's text, short enough for an error message.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}
