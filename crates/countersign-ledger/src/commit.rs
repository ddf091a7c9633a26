//! How does a leaf speak of content that it must not hold? By SHA-256 over a random salt and the content, so that
//! without the salt the content can neither be read nor guessed, and erasing both leaves the leaf intact.

use sha2::{Digest, Sha256};

/// Salt of one named content value.
pub type Salt = [u8; 16];

/// Salt of an action's bytes.
pub type ActionSalt = [u8; 32];

const ACTION_DOMAIN: &[u8] = b"countersign/action/v1\0";

/// A named value that stands beside the leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// For example `reason`.
    pub name: String,
    /// UTF-8 text.
    pub value: String,
    /// The person whom it is about, where that is not simply the entry's case: whoever keeps the value can then erase
    /// what is about one person. No part of what is committed to.
    pub about: Option<String>,
}

impl Content {
    /// One named value.
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: value.into(), about: None }
    }

    /// The same about this person.
    #[must_use]
    pub fn about(self, person: impl Into<String>) -> Self {
        Self { about: Some(person.into()), ..self }
    }
}

/// `SHA-256(salt ‖ JCS([name, value]))`: one element of the leaf's `sd`.
///
/// # Errors
/// When the pair can't be written as canonical JSON.
pub fn content_commitment(salt: &Salt, content: &Content) -> Result<[u8; 32], std::io::Error> {
    let canonical = json_canon::to_string(&[&content.name, &content.value]).map_err(std::io::Error::other)?;
    Ok(Sha256::new().chain_update(salt).chain_update(canonical.as_bytes()).finalize().into())
}

/// `SHA-256("countersign/action/v1\0" ‖ salt ‖ bytes)`: the leaf's `action.commit`.
pub fn action_commitment(salt: &ActionSalt, bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(ACTION_DOMAIN).chain_update(salt).chain_update(bytes).finalize().into()
}
