//! Did the issuer sign this? Its public keys, each good for the algorithms of its own type and nothing else.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::Deserialize;
use serde_json::Value;

use super::token::{TokenRefusal, Unverified};

/// A set with more keys is refused.
const KEYS_MAX: usize = 64;

/// Why a JWK set is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeysError {
    #[error("it is no JWK set")]
    Form(#[from] serde_json::Error),
    #[error("it has {0} keys, more than {KEYS_MAX}")]
    TooMany(usize),
    #[error("none of its keys can check signatures here")]
    Empty,
}

/// The type of a key, which decides what may be signed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Shape {
    /// `None` for keys that are not taken, symmetric ones above all: whoever checks with such a key could sign with it.
    fn of(parameters: &AlgorithmParameters) -> Option<Self> {
        match parameters {
            AlgorithmParameters::RSA(_) => Some(Self::Rsa),
            AlgorithmParameters::EllipticCurve(key) => match key.curve {
                EllipticCurve::P256 => Some(Self::P256),
                EllipticCurve::P384 => Some(Self::P384),
                _ => None,
            },
            AlgorithmParameters::OctetKeyPair(key) => {
                (key.curve == EllipticCurve::Ed25519).then_some(Self::Ed25519)
            }
            _ => None,
        }
    }

    fn signs(self, algorithm: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match self {
            Self::Rsa => matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512),
            Self::P256 => algorithm == ES256,
            Self::P384 => algorithm == ES384,
            Self::Ed25519 => algorithm == EdDSA,
        }
    }
}

struct Key {
    id: Option<String>,
    shape: Shape,
    /// The only algorithm, when the set names one for this key.
    only: Option<Algorithm>,
    key: DecodingKey,
}

/// An issuer's keys.
pub(super) struct KeySet(Vec<Key>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517). Keys of other types and uses are passed over.
    pub(super) fn parse(text: &[u8]) -> Result<Self, KeysError> {
        let document: Document = serde_json::from_slice(text)?;
        if document.keys.len() > KEYS_MAX {
            return Err(KeysError::TooMany(document.keys.len()));
        }
        let keys: Vec<Key> = document.keys.into_iter().filter_map(key).collect();
        if keys.is_empty() { Err(KeysError::Empty) } else { Ok(Self(keys)) }
    }

    /// Whether there is a key with this id. Without an id it must be the only one.
    pub(super) fn has(&self, id: Option<&str>) -> bool {
        self.candidates(id).next().is_some()
    }

    /// That one of the keys which the token names has signed it.
    pub(super) fn verify(&self, token: &Unverified<'_>) -> Result<(), TokenRefusal> {
        let id = token.key_id.as_deref();
        if !self.has(id) {
            return Err(TokenRefusal::KeyUnknown);
        }
        let algorithm = token.algorithm;
        let fits = |key: &&Key| key.shape.signs(algorithm) && key.only.is_none_or(|only| only == algorithm);
        let mut fitting = self.candidates(id).filter(fits).peekable();
        if fitting.peek().is_none() {
            return Err(TokenRefusal::Algorithm);
        }
        let signed = |key: &Key| {
            crypto::verify(token.signature, token.message.as_bytes(), &key.key, algorithm).unwrap_or(false)
        };
        if fitting.any(signed) { Ok(()) } else { Err(TokenRefusal::Signature) }
    }

    fn candidates(&self, id: Option<&str>) -> impl Iterator<Item = &Key> {
        let alone = self.0.len() == 1;
        self.0.iter().filter(move |key| match id {
            Some(id) => key.id.as_deref() == Some(id),
            None => alone,
        })
    }
}

/// `None` for a key that is not taken.
fn key(value: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let common = &jwk.common;
    let signs = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature))
        && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    let shape = Shape::of(&jwk.algorithm).filter(|_| signs)?;
    let only = match common.key_algorithm {
        // A name that is not known here is not one that we could check.
        Some(named) => Some(Algorithm::try_from(named).ok().filter(|only| shape.signs(*only))?),
        None => None,
    };
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some(Key { id: jwk.common.key_id, shape, only, key })
}
