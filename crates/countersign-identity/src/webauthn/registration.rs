//! What was enrolled? The attestation object taken apart, its credential checked and its exact key bytes kept.

use ciborium::Value;

use super::WebauthnRefusal;

/// An enrolled credential, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    /// The credential id.
    pub(crate) credential_id: Vec<u8>,
    /// The COSE key in exactly the bytes that the authenticator sent.
    pub(crate) public_key: Vec<u8>,
    /// The COSE algorithm number.
    pub(crate) algorithm: i64,
    /// The counter at enrolment.
    pub(crate) sign_count: u32,
    /// Whether the credential may leave the device.
    pub(crate) backup_eligible: bool,
    /// Whether it has.
    pub(crate) backed_up: bool,
    /// The model of the authenticator, as it says; not proven.
    pub(crate) aaguid: [u8; 16],
    /// The format of the attestation statement, which is not evaluated.
    pub(crate) attestation_format: String,
    /// The attestation object, kept so that a later reader can evaluate it.
    pub(crate) attestation_object: Vec<u8>,
    /// How the browser says that the authenticator is reached; a hint for its next dialogue.
    pub(crate) transports: Vec<String>,
}

/// The attestation object (section 6.5.4).
#[derive(Debug)]
pub(crate) struct AttestationObject {
    pub(crate) format: String,
    pub(crate) authenticator_data: Vec<u8>,
}

impl AttestationObject {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, WebauthnRefusal> {
        let malformed = WebauthnRefusal::AttestationMalformed;
        let Some((Value::Map(members), _, [])) = cbor_item(bytes) else {
            return Err(malformed("it is not one CBOR map"));
        };
        let (mut format, mut statement, mut authenticator_data) = (None, None, None);
        for (name, value) in members {
            let replaced = match (name.as_text(), value) {
                (Some("fmt"), Value::Text(text)) => format.replace(text).is_some(),
                (Some("attStmt"), Value::Map(map)) => statement.replace(map).is_some(),
                (Some("authData"), Value::Bytes(data)) => authenticator_data.replace(data).is_some(),
                _ => return Err(malformed("it has a member that does not belong there")),
            };
            if replaced {
                return Err(malformed("it has a member twice"));
            }
        }
        let (Some(format), Some(statement), Some(authenticator_data)) =
            (format, statement, authenticator_data)
        else {
            return Err(malformed("a member is missing"));
        };
        // Registered formats are short words (RFC 8809); anything longer is not worth storing.
        if format.is_empty() || format.len() > 32 {
            return Err(malformed("its format is not a registered one"));
        }
        if format == "none" && !statement.is_empty() {
            return Err(malformed("its statement should be empty"));
        }
        Ok(Self { format, authenticator_data })
    }
}

/// The first CBOR item of `bytes`, the exact bytes it took, and what follows it.
pub(crate) fn cbor_item(bytes: &[u8]) -> Option<(Value, &[u8], &[u8])> {
    let mut rest = bytes;
    let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, 16).ok()?;
    let taken = bytes.len().checked_sub(rest.len())?;
    let (item, rest) = bytes.split_at_checked(taken)?;
    Some((value, item, rest))
}
