//! Who can read what stands beside the leaves? Whoever has the content key. Everything about an action, a person or an
//! agent is sealed under a key of its own, which is kept wrapped by the content key: destroying that one row makes the
//! content unreadable, also in copies of the file that were made before.
//!
//! AES-256-GCM throughout; a sealed value is its nonce (12 bytes), the ciphertext, and the tag (16 bytes).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use countersign_core::Entropy;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, OptionalExtension as _};

use crate::StoreError;

/// Bytes of every key here.
pub const KEY_BYTES: usize = 32;

/// Why a value can't be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It was sealed under another key, for another place, or was changed.
    #[error("what is sealed for `{owner}` can't be opened: it was changed, or another key sealed it")]
    Closed {
        /// The action, agent or person, or what else it belongs to.
        owner: String,
    },
    /// Whoever keeps the content key does not answer.
    #[error("the content key can't be used: {0}")]
    Keeper(String),
}

/// Wraps the keys under which content is sealed. The key may stand in a file ([`ContentKey`]) or with a key management
/// service, which then has to bind `owner` as the additional authenticated data.
pub trait WrapKeys: Send + Sync + fmt::Debug {
    /// Wraps the key of `owner`. `nonce` is fresh randomness for whoever needs it.
    ///
    /// # Errors
    /// [`SealError::Keeper`]; nothing is recorded then, and nothing that needs a record goes on.
    fn wrap(&self, owner: &str, key: &[u8; KEY_BYTES], nonce: [u8; NONCE_LEN]) -> Result<Vec<u8>, SealError>;

    /// The key that was wrapped for `owner`.
    ///
    /// # Errors
    /// [`SealError`].
    fn unwrap(&self, owner: &str, wrapped: &[u8]) -> Result<[u8; KEY_BYTES], SealError>;
}

/// A content key at hand. Good for 2³² owners; its nonces are random.
pub struct ContentKey(LessSafeKey);

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey")
    }
}

impl ContentKey {
    /// The key of these bytes, which have to be random.
    ///
    /// # Errors
    /// Never for 32 bytes; the library's type wants it.
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Result<Self, SealError> {
        key(bytes).map(Self)
    }
}

impl WrapKeys for ContentKey {
    fn wrap(&self, owner: &str, key: &[u8; KEY_BYTES], nonce: [u8; NONCE_LEN]) -> Result<Vec<u8>, SealError> {
        seal(&self.0, &wrapping(owner), key, nonce)
    }

    fn unwrap(&self, owner: &str, wrapped: &[u8]) -> Result<[u8; KEY_BYTES], SealError> {
        let opened = open(&self.0, &wrapping(owner), wrapped).and_then(|key| key.try_into().ok());
        opened.ok_or_else(|| SealError::Closed { owner: owner.to_owned() })
    }
}

fn wrapping(owner: &str) -> Vec<u8> {
    format!("countersign/content-key/v1\0{owner}").into_bytes()
}

/// What a sealed value is bound to: whose it is, and which column or entry it stands in.
fn place(owner: &str, what: &str) -> Vec<u8> {
    format!("countersign/content/v1\0{owner}\0{what}").into_bytes()
}

fn key(bytes: &[u8; KEY_BYTES]) -> Result<LessSafeKey, SealError> {
    let unbound = UnboundKey::new(&AES_256_GCM, bytes);
    unbound.map(LessSafeKey::new).map_err(|_unspecified| SealError::Keeper("it has no 32 bytes".to_owned()))
}

fn seal(key: &LessSafeKey, aad: &[u8], plain: &[u8], nonce: [u8; NONCE_LEN]) -> Result<Vec<u8>, SealError> {
    let mut body = plain.to_vec();
    let sealed = key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut body);
    sealed.map_err(|_unspecified| SealError::Keeper("a value is too long to be sealed".to_owned()))?;
    Ok([nonce.as_slice(), &body].concat())
}

fn open(key: &LessSafeKey, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut body = body.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let plain = key.open_in_place(nonce, Aad::from(aad), &mut body).ok()?.len();
    body.truncate(plain);
    Some(body)
}

/// The key under which an owner's content is sealed.
#[derive(Clone)]
pub(crate) struct OwnersKey(Arc<LessSafeKey>);

/// Seals and opens with whoever keeps the content key.
#[derive(Clone)]
pub(crate) struct Seals {
    keeper: Arc<dyn WrapKeys>,
    entropy: Arc<dyn Entropy>,
}

impl Seals {
    pub(crate) fn new(keeper: Arc<dyn WrapKeys>, entropy: Arc<dyn Entropy>) -> Self {
        Self { keeper, entropy }
    }

    fn random<const BYTES: usize>(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// A fresh key for `owner`, and how it is kept.
    pub(crate) fn fresh(&self, owner: &str) -> Result<(OwnersKey, Vec<u8>), SealError> {
        let bytes = self.random();
        let wrapped = self.keeper.wrap(owner, &bytes, self.random())?;
        Ok((OwnersKey(Arc::new(key(&bytes)?)), wrapped))
    }

    pub(crate) fn unwrapped(&self, owner: &str, wrapped: &[u8]) -> Result<OwnersKey, SealError> {
        Ok(OwnersKey(Arc::new(key(&self.keeper.unwrap(owner, wrapped)?)?)))
    }

    pub(crate) fn seal(
        &self,
        key: &OwnersKey,
        owner: &str,
        what: &str,
        plain: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        seal(&key.0, &place(owner, what), plain, self.random())
    }

    /// Gives a connection the function `opened(owner, wrapped, what, sealed)`: the bytes, or `NULL` where the key is
    /// gone or nothing was sealed. A value that was changed is an error.
    pub(crate) fn teach(&self, connection: &Connection) -> Result<(), StoreError> {
        let seals = self.clone();
        // Columns of one row come one after the other.
        let last: Mutex<Option<(Vec<u8>, OwnersKey)>> = Mutex::new(None);
        let opened = move |call: &Context<'_>| -> rusqlite::Result<Option<Vec<u8>>> {
            let Some(wrapped) = call.get::<Option<Vec<u8>>>(1)? else { return Ok(None) };
            let Some(sealed) = call.get::<Option<Vec<u8>>>(3)? else { return Ok(None) };
            let (owner, what): (String, String) = (call.get(0)?, call.get(2)?);
            let failed = |error: SealError| rusqlite::Error::UserFunctionError(Box::new(error));
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            let key = match &*last {
                Some((known, key)) if *known == wrapped => key.clone(),
                _ => seals.unwrapped(&owner, &wrapped).map_err(failed)?,
            };
            let plain = open(&key.0, &place(&owner, &what), &sealed);
            *last = Some((wrapped, key));
            plain.map(Some).ok_or_else(|| failed(SealError::Closed { owner }))
        };
        connection.create_scalar_function("opened", 4, FLAGS, opened)?;
        Ok(())
    }

    /// Gives a connection also `fresh_key(owner)` and `sealed(owner, wrapped, what, plain)`, for moving what an older
    /// version kept open.
    pub(crate) fn teach_sealing(&self, connection: &Connection) -> Result<(), StoreError> {
        let failed = |error: SealError| rusqlite::Error::UserFunctionError(Box::new(error));
        let seals = self.clone();
        connection.create_scalar_function("fresh_key", 1, FunctionFlags::SQLITE_UTF8, move |call| {
            let (_key, wrapped) = seals.fresh(&call.get::<String>(0)?).map_err(failed)?;
            Ok(wrapped)
        })?;
        let seals = self.clone();
        connection.create_scalar_function("sealed", 4, FunctionFlags::SQLITE_UTF8, move |call| {
            let (owner, wrapped, what): (String, Vec<u8>, String) =
                (call.get(0)?, call.get(1)?, call.get(2)?);
            let plain = match call.get_raw(3) {
                rusqlite::types::ValueRef::Null => return Ok(None),
                value => value.as_bytes()?,
            };
            let key = seals.unwrapped(&owner, &wrapped).map_err(failed)?;
            seals.seal(&key, &owner, &what, plain).map(Some).map_err(failed)
        })?;
        Ok(())
    }

    /// Refuses a store that another content key sealed, before anything is written under a wrong one.
    pub(crate) fn check(&self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "SELECT owner, wrapped FROM keys LIMIT 1";
        let any: Option<(String, Vec<u8>)> =
            connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match any.map(|(owner, wrapped)| self.unwrapped(&owner, &wrapped)) {
            Some(Err(SealError::Closed { .. })) => Err(StoreError::OtherContentKey),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(_)) | None => Ok(()),
        }
    }
}

/// Same arguments, same answer; and no view or trigger in the file can call it.
const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_DIRECTONLY);

#[cfg(test)]
mod tests;
