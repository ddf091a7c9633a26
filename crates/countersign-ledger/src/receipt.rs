//! What happened to this action, and can I prove it to somebody who trusts none of us? One document: the action's
//! entries, a proof of each, a signed checkpoint, and as much of the content beside the leaves as its holder wants to
//! show. [`Receipt::verify`] needs nothing else but the log's key.

mod failure;
mod opening;
mod report;
mod story;
mod verify;

pub use failure::{Code, Failure, Place};
pub use report::{Report, Step, Undisclosed};

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::commit::{ActionSalt, Salt};
use crate::object::Object;
use crate::text::{base64, from_base64, from_hex, hex, read_hash, shown};
use crate::tree::Hash;

/// Longer receipts are not read.
pub const RECEIPT_MAX_BYTES: usize = 64 * 1024 * 1024;

/// A receipt with more entries is not read.
pub const RECEIPT_ENTRIES_MAX: usize = 10_000;

const VERSION: u64 = 1;
const TYPE: &str = "countersign-receipt";

/// The receipt of one action. Nothing in it counts before [`Receipt::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The action, `act_…`: the case that all entries belong to.
    pub action: String,
    /// The signed checkpoint, a note.
    pub checkpoint: String,
    /// The action's entries, in the order of the log.
    pub entries: Vec<ReceiptEntry>,
}

/// One entry of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptEntry {
    /// Its index in the log.
    pub index: u64,
    /// The leaf's exact text.
    pub leaf: String,
    /// The inclusion proof under the checkpoint, from the leaf's sibling up.
    #[serde(serialize_with = "write_proof", deserialize_with = "read_proof")]
    pub proof: Vec<Hash>,
    /// The content that is shown, by name. What is missing was erased or is withheld.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        serialize_with = "write_content",
        deserialize_with = "read_content"
    )]
    pub content: BTreeMap<String, OpenedValue>,
    /// The action's exact bytes, in the entry that commits to them, when they are shown.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_payload",
        deserialize_with = "read_payload"
    )]
    pub payload: Option<OpenedBytes>,
}

/// A content value with the salt that opens its commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedValue {
    /// The salt.
    pub salt: Salt,
    /// The value.
    pub value: String,
}

/// An action's bytes with the salt that opens their commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedBytes {
    /// The salt.
    pub salt: ActionSalt,
    /// The exact bytes.
    pub bytes: Vec<u8>,
}

/// Why bytes are not a receipt.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// It is too long to be looked at.
    #[error("a receipt has at most {RECEIPT_MAX_BYTES} bytes, not {0}")]
    TooLong(usize),
    /// It is not JSON of a receipt's form.
    #[error("it is not a receipt")]
    Form(#[source] serde_json::Error),
    /// It is something else, or of another version.
    #[error("it says that it is `{kind}` of version {version}; this reads `{TYPE}` of version {VERSION}")]
    Other {
        /// What it says it is.
        kind: String,
        /// Of which version.
        version: u64,
    },
    /// It has more entries than are looked at.
    #[error("a receipt has at most {RECEIPT_ENTRIES_MAX} entries, not {0}")]
    TooMany(usize),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<T> {
    v: u64,
    #[serde(rename = "type")]
    kind: String,
    action: String,
    checkpoint: String,
    entries: T,
}

impl Receipt {
    /// Reads a receipt. Unknown and repeated fields are refused.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > RECEIPT_MAX_BYTES {
            return Err(ReceiptError::TooLong(bytes.len()));
        }
        let Object(document): Object<Document<Vec<Object<ReceiptEntry>>>> =
            serde_json::from_slice(bytes).map_err(ReceiptError::Form)?;
        let Document { v, kind, action, checkpoint, entries } = document;
        if v != VERSION || kind != TYPE {
            return Err(ReceiptError::Other { kind: shown(&kind), version: v });
        }
        if entries.len() > RECEIPT_ENTRIES_MAX {
            return Err(ReceiptError::TooMany(entries.len()));
        }
        let entries = entries.into_iter().map(|Object(entry)| entry).collect();
        Ok(Self { action, checkpoint, entries })
    }

    /// The receipt as JSON, on one line.
    ///
    /// # Errors
    /// When it can't be written as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Document {
            v: VERSION,
            kind: TYPE.to_owned(),
            action: self.action.clone(),
            checkpoint: self.checkpoint.clone(),
            entries: &self.entries,
        })
    }
}

fn write_proof<S: Serializer>(proof: &[Hash], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(proof.iter().map(base64))
}

fn read_proof<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Hash>, D::Error> {
    let lines: Vec<String> = Deserialize::deserialize(deserializer)?;
    let hash = |line: &String| read_hash(line).ok_or_else(|| D::Error::custom("not base64 of a hash"));
    lines.iter().map(hash).collect()
}

fn write_content<S: Serializer>(
    content: &BTreeMap<String, OpenedValue>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(content.iter().map(|(name, opened)| (name, (hex(&opened.salt), &opened.value))))
}

/// A map in which a name stands once: two readers must not see two values.
fn read_content<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, OpenedValue>, D::Error> {
    struct Content;

    impl<'de> Visitor<'de> for Content {
        type Value = BTreeMap<String, OpenedValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of name to [salt, value]")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut content = BTreeMap::new();
            while let Some((name, (salt, value))) = map.next_entry::<String, (String, String)>()? {
                let salt = from_hex(&salt).ok_or_else(|| A::Error::custom("not a salt in hexadecimal"))?;
                if content.insert(name, OpenedValue { salt, value }).is_some() {
                    return Err(A::Error::custom("a content name stands twice"));
                }
            }
            Ok(content)
        }
    }

    deserializer.deserialize_map(Content)
}

fn write_payload<S: Serializer>(payload: &Option<OpenedBytes>, serializer: S) -> Result<S::Ok, S::Error> {
    payload.as_ref().map(|payload| (hex(&payload.salt), base64(&payload.bytes))).serialize(serializer)
}

fn read_payload<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OpenedBytes>, D::Error> {
    let (salt, bytes): (String, String) = Deserialize::deserialize(deserializer)?;
    let salt = from_hex(&salt).ok_or_else(|| D::Error::custom("not a salt in hexadecimal"))?;
    let bytes = from_base64(&bytes).ok_or_else(|| D::Error::custom("not base64"))?;
    Ok(Some(OpenedBytes { salt, bytes }))
}

#[cfg(test)]
mod tests;
