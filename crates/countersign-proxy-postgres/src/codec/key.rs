//! Whose cancel key is it? Two types that can't be mixed up: the client's, which we issue, and the server's.

use std::fmt;

use subtle::ConstantTimeEq as _;

use super::WireError;

/// Secret bytes that a cancel key may have: 4 in protocol 3.0, up to 256 in 3.2.
pub const KEY_BYTES: std::ops::RangeInclusive<usize> = 4..=256;

/// Process id and secret, as the wire has them.
#[derive(Clone)]
struct Key {
    process: u32,
    secret: Box<[u8]>,
}

impl Key {
    fn new(process: u32, secret: &[u8]) -> Result<Self, WireError> {
        if !KEY_BYTES.contains(&secret.len()) {
            let value = i64::try_from(secret.len()).unwrap_or(i64::MAX);
            return Err(WireError::Field { field: "length of the cancel key", value });
        }
        Ok(Self { process, secret: secret.into() })
    }

    /// In time that depends on nothing but the lengths.
    fn matches(&self, other: &Self) -> bool {
        (self.process.ct_eq(&other.process) & self.secret.ct_eq(&other.secret)).into()
    }
}

/// The key that the gateway issues to its client, and that the client sends back to cancel.
#[derive(Clone)]
pub struct ClientKey(Key);

/// The key that the server issued to the gateway. A client never sees it.
#[derive(Clone)]
pub struct ServerKey(Key);

impl ClientKey {
    /// Process id and secret of 4 to 256 bytes.
    ///
    /// # Errors
    /// [`WireError::Field`] for a secret of another length.
    pub fn new(process: u32, secret: &[u8]) -> Result<Self, WireError> {
        Key::new(process, secret).map(Self)
    }

    /// A key of our own, whose length is known to be right.
    pub(crate) fn issued<const N: usize>(process: u32, secret: &[u8; N]) -> Self {
        const { assert!(N >= *KEY_BYTES.start() && N <= *KEY_BYTES.end()) };
        Self(Key { process, secret: secret.as_slice().into() })
    }

    /// Number of the session; no secret.
    pub fn process(&self) -> u32 {
        self.0.process
    }

    /// The secret part.
    pub fn secret(&self) -> &[u8] {
        &self.0.secret
    }

    /// Whether both are the same, in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.matches(&other.0)
    }
}

impl ServerKey {
    /// Process id and secret of 4 to 256 bytes.
    ///
    /// # Errors
    /// [`WireError::Field`] for a secret of another length.
    pub fn new(process: u32, secret: &[u8]) -> Result<Self, WireError> {
        Key::new(process, secret).map(Self)
    }

    /// Process id of the server's backend.
    pub fn process(&self) -> u32 {
        self.0.process
    }

    /// The secret part.
    pub fn secret(&self) -> &[u8] {
        &self.0.secret
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey").field("process", &self.0.process).finish_non_exhaustive()
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerKey").field("process", &self.0.process).finish_non_exhaustive()
    }
}
