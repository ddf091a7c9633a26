//! Who holds the secret? Anything that can sign: a key from a text here, a key management service elsewhere.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::key::{self, Algorithm, KeyError, VerifierKey};

/// A key that can sign, wherever its secret is.
pub trait Sign: Send + Sync + fmt::Debug {
    /// The key that verifies what this one signs.
    fn key(&self) -> &VerifierKey;

    /// The 64 bytes of the Ed25519 signature over exactly `message`.
    ///
    /// # Errors
    /// When the key can't be reached or refuses.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key failed.
    #[error("the key `{name}` did not sign")]
    Failed {
        /// Which.
        name: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A witness's key was to sign a plain note, or a log's key a cosignature.
    #[error("the key `{0}` is for another use")]
    OtherUse(String),
    /// A cosignature needs a time from 1 to 2^63 − 1, in seconds since 1970.
    #[error("a witness does not sign for the time {0}")]
    Time(u64),
    /// The text can't be signed.
    #[error(transparent)]
    Note(#[from] super::NoteError),
}

const PREFIX: &str = "PRIVATE+KEY+";

/// An Ed25519 key whose secret is in this process, from a text like that of Go's `sumdb/note`:
/// `PRIVATE+KEY+name+id+key`.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: [u8; 32],
    key: VerifierKey,
}

impl SigningKey {
    /// A key from 32 random bytes.
    ///
    /// # Errors
    /// When the name can't be a key's.
    pub fn generate(name: &str, algorithm: Algorithm, random: &[u8; 32]) -> Result<Self, KeyError> {
        let refused = |_cause| KeyError::Refused(name.to_owned());
        let pair = Ed25519KeyPair::from_seed_unchecked(random).map_err(refused)?;
        let public = pair.public_key().as_ref().try_into();
        let public = public.map_err(|_cause| KeyError::Refused(name.to_owned()))?;
        let key = VerifierKey::new(name, algorithm, public)?;
        Ok(Self { pair, seed: *random, key })
    }

    /// A key from its secret text. The id in it must be the key's own.
    ///
    /// # Errors
    /// [`KeyError`]; it never repeats the secret.
    pub fn from_secret_text(text: &str) -> Result<Self, KeyError> {
        let rest = text.strip_prefix(PREFIX).ok_or(KeyError::Shape)?;
        let (name, id, algorithm, seed) = key::parts(rest)?;
        let signing = Self::generate(name, algorithm, &seed)?;
        signing.key.expect_id(id)?;
        Ok(signing)
    }

    /// The secret text, to be kept where only the gateway reads it.
    pub fn secret_text(&self) -> String {
        let public = key::text(self.key.name(), self.key.id(), self.key.algorithm(), &self.seed);
        format!("{PREFIX}{public}")
    }
}

impl Sign for SigningKey {
    fn key(&self) -> &VerifierKey {
        &self.key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let failed = |source: aws_lc_rs::error::Unspecified| SignError::Failed {
            name: self.key.name().to_owned(),
            source: Box::new(source),
        };
        Ok(self.pair.try_sign(message).map_err(failed)?.as_ref().to_vec())
    }
}

/// The secret is not shown.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("key", &self.key).finish_non_exhaustive()
    }
}
