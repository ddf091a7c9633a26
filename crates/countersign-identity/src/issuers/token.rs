//! What does a JSON Web Token say, before anything of it is believed? Read strictly, within bounds.

use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::ClaimSet;
use super::strict::Strict;

/// Longer tokens are refused. Those of CI systems and clusters have one to two thousand bytes.
const TOKEN_MAX_BYTES: usize = 8_000;
/// Longer ids of keys are refused.
const KEY_ID_MAX_BYTES: usize = 256;

/// Why a token of an issuer is not believed. The caller is not told; the gateway's log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// It has not the form of a token.
    #[error("it is no token that is known here")]
    NotAToken,
    /// It is too long.
    #[error("it is longer than {TOKEN_MAX_BYTES} bytes")]
    TooLong,
    /// Its header or claims can't be read, or could be read in two ways.
    #[error("its header or claims can't be read")]
    Malformed,
    /// Its header asks for something that must be understood and isn't.
    #[error("its header demands what is not understood here (`crit`, `b64`), or it is another kind of token")]
    Header,
    /// Its algorithm is not allowed, or not that of the key.
    #[error("its algorithm is not allowed, or not one of its key")]
    Algorithm,
    /// Its issuer is not configured.
    #[error("its issuer is not one of the configuration")]
    Issuer,
    /// The issuer's keys can't be had.
    #[error("the issuer's keys can't be had")]
    KeysUnavailable,
    /// None of the issuer's keys has its id.
    #[error("the issuer has no such key")]
    KeyUnknown,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// It is for somebody else.
    #[error("it is for another audience")]
    Audience,
    /// It has no end, or has ended.
    #[error("it has ended, or has no end (`exp`)")]
    Expired,
    /// It is not valid yet.
    #[error("it is not valid yet (`nbf`, `iat`)")]
    NotYetValid,
    /// It lives too long.
    #[error("it lives longer than `max_lifetime_seconds` allows")]
    Lifetime,
    /// It works only together with a key that the bearer would have to prove.
    #[error("it is bound to a key of its bearer (`cnf`), which can't be proved here")]
    Bound,
    /// It is about a person, and the issuer is not configured to speak for people.
    #[error("it names somebody for whom its bearer acts (`act`), and the issuer has not `people = true`")]
    Delegated,
    /// The claim that names the person is not there.
    #[error("the claim that names the person (`person_claim`) is missing")]
    PersonMissing,
    /// No agent's rules hold of it.
    #[error("no agent's rules hold of it")]
    NoAgent,
    /// The rules of more than one agent hold of it.
    #[error("the rules of more than one agent hold of it")]
    TwoAgents,
}

impl TokenRefusal {
    /// Stable; listed in docs/ERRORS.md.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAToken => "token_unknown",
            Self::TooLong => "token_too_long",
            Self::Malformed => "token_malformed",
            Self::Header => "token_header",
            Self::Algorithm => "token_algorithm",
            Self::Issuer => "token_issuer",
            Self::KeysUnavailable => "token_keys_unavailable",
            Self::KeyUnknown => "token_key_unknown",
            Self::Signature => "token_signature",
            Self::Audience => "token_audience",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Lifetime => "token_lifetime",
            Self::Bound => "token_bound",
            Self::Delegated => "token_delegated",
            Self::PersonMissing => "token_person_missing",
            Self::NoAgent => "token_no_agent",
            Self::TwoAgents => "token_two_agents",
        }
    }
}

/// A token as read. Nothing of it is believed.
pub(super) struct Unverified<'t> {
    /// What is signed: header and claims as they were written.
    pub(super) message: &'t str,
    pub(super) signature: &'t str,
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    pub(super) claims: ClaimSet,
}

/// What a header may say and we look at. Where a key could be fetched from (`jku`, `x5u`) and keys that it brings along
/// (`jwk`, `x5c`) are not among it.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<IgnoredAny>,
    b64: Option<IgnoredAny>,
}

/// The text, when it is within bounds.
pub(super) fn bounded(text: &str) -> Result<&str, TokenRefusal> {
    if text.len() > TOKEN_MAX_BYTES { Err(TokenRefusal::TooLong) } else { Ok(text) }
}

/// Reads a token in the compact form of RFC 7515.
pub(super) fn read(text: &str) -> Result<Unverified<'_>, TokenRefusal> {
    let (message, signature) = bounded(text)?.rsplit_once('.').ok_or(TokenRefusal::NotAToken)?;
    let (header, claims) = message.split_once('.').ok_or(TokenRefusal::NotAToken)?;
    if claims.contains('.') {
        return Err(TokenRefusal::NotAToken);
    }
    let header: Header =
        serde_json::from_slice(&decoded(header)?).map_err(|_cause| TokenRefusal::Malformed)?;
    let kind = header.typ.as_deref().map(str::to_ascii_lowercase);
    let kind = kind.as_deref().map(|kind| kind.strip_prefix("application/").unwrap_or(kind));
    if header.crit.is_some() || header.b64.is_some() || !matches!(kind, None | Some("jwt" | "at+jwt")) {
        return Err(TokenRefusal::Header);
    }
    if header.kid.as_ref().is_some_and(|id| id.len() > KEY_ID_MAX_BYTES) {
        return Err(TokenRefusal::Malformed);
    }
    let algorithm = Algorithm::from_str(&header.alg).map_err(|_cause| TokenRefusal::Algorithm)?;
    let claims: Strict =
        serde_json::from_slice(&decoded(claims)?).map_err(|_cause| TokenRefusal::Malformed)?;
    let Value::Object(claims) = claims.0 else { return Err(TokenRefusal::Malformed) };
    Ok(Unverified { message, signature, algorithm, key_id: header.kid, claims })
}

fn decoded(part: &str) -> Result<Vec<u8>, TokenRefusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_cause| TokenRefusal::Malformed)
}
