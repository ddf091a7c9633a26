//! Which key is it? A verifier key: name, id, algorithm and public key, in the text form of signed-note.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use crate::text::{base64, from_base64, from_hex, shown};

/// What a key signs, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519 over a note's text: signature type `0x01` of signed-note.
    Ed25519,
    /// Ed25519 over a witness's statement about a checkpoint, with a time: signature type `0x04`, specified by
    /// tlog-cosignature.
    CosignatureV1,
}

impl Algorithm {
    /// The byte in keys and key ids.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Ed25519, Self::CosignatureV1].into_iter().find(|algorithm| algorithm.byte() == byte)
    }
}

/// A public key that is known by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    algorithm: Algorithm,
    public: [u8; 32],
    id: u32,
}

/// Why a text or a name is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name is empty, or holds a space, a plus or a control character.
    #[error("`{0}` is not a key's name: it has no spaces and no `+`")]
    Name(String),
    /// It isn't three or five parts with `+` between them.
    #[error("a verifier key is `name+id+key`; a signing key is `PRIVATE+KEY+name+id+key`")]
    Shape,
    /// The id isn't eight digits of hexadecimal.
    #[error("`{0}` is not a key's id")]
    Id(String),
    /// The key isn't base64 of the right length.
    #[error("the key of `{0}` is not base64 of a type and 32 bytes")]
    Bytes(String),
    /// The algorithm is none of ours.
    #[error("the key of `{name}` has the signature type {byte:#04x}, which is not supported")]
    Algorithm {
        /// Whose key.
        name: String,
        /// The type's byte.
        byte: u8,
    },
    /// The id belongs to another key.
    #[error("the key of `{name}` has the id {computed:08x}, not {found:08x}")]
    OtherId {
        /// Whose key.
        name: String,
        /// The id in the text.
        found: u32,
        /// The key's own.
        computed: u32,
    },
    /// The crypto library refuses the key.
    #[error("the key of `{0}` is refused")]
    Refused(String),
}

impl VerifierKey {
    /// A key of this name. Its id is the one that signed-note recommends.
    ///
    /// # Errors
    /// When the name can't be a key's.
    pub fn new(name: &str, algorithm: Algorithm, public: [u8; 32]) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name(shown(name)));
        }
        let id = key_id(name, algorithm, &public);
        Ok(Self { name: name.to_owned(), algorithm, public, id })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public key of RFC 8032.
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Whether `signature` is this key's Ed25519 signature over exactly `message`.
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(message, signature).is_ok()
    }
}

/// `name+id+key`, the vkey of signed-note.
impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(&self.name, self.id, self.algorithm, &self.public))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, id, algorithm, public) = parts(text)?;
        let key = Self::new(name, algorithm, public)?;
        key.expect_id(id)?;
        Ok(key)
    }
}

impl VerifierKey {
    pub(super) fn expect_id(&self, found: u32) -> Result<(), KeyError> {
        if self.id == found {
            return Ok(());
        }
        Err(KeyError::OtherId { name: self.name.clone(), found, computed: self.id })
    }
}

/// `name+id+base64(type ‖ key)`.
pub(super) fn text(name: &str, id: u32, algorithm: Algorithm, key: &[u8; 32]) -> String {
    let bytes = [[algorithm.byte()].as_slice(), key].concat();
    format!("{name}+{id:08x}+{}", base64(bytes))
}

/// Name, id, algorithm and key of [`text`]'s form. The base64 may hold a `+`, the name not.
pub(super) fn parts(text: &str) -> Result<(&str, u32, Algorithm, [u8; 32]), KeyError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(KeyError::Shape);
    };
    if !is_name(name) {
        return Err(KeyError::Name(shown(name)));
    }
    let id = from_hex(id).map(u32::from_be_bytes).ok_or_else(|| KeyError::Id(shown(id)))?;
    let wrong = || KeyError::Bytes(name.to_owned());
    let bytes = from_base64(encoded).ok_or_else(wrong)?;
    let (byte, key) = bytes.split_first().ok_or_else(wrong)?;
    let algorithm = Algorithm::from_byte(*byte)
        .ok_or_else(|| KeyError::Algorithm { name: name.to_owned(), byte: *byte })?;
    Ok((name, id, algorithm, key.try_into().map_err(|_cause| wrong())?))
}

/// Names have no Unicode spaces and no plus, and are never empty. ASCII control characters could not stand in a note.
pub(super) fn is_name(name: &str) -> bool {
    let forbidden = |letter: char| letter.is_whitespace() || letter < ' ' || letter == '+';
    !name.is_empty() && !name.contains(forbidden)
}

/// `SHA-256(name ‖ "\n" ‖ type ‖ public key)[:4]`.
fn key_id(name: &str, algorithm: Algorithm, public: &[u8; 32]) -> u32 {
    let hash = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', algorithm.byte()])
        .chain_update(public)
        .finalize();
    hash.first_chunk().map_or(0, |id| u32::from_be_bytes(*id))
}
