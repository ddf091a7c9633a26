//! What did the authenticator see? The relying party, who was present, the counter and, at enrolment, the new key.

use super::WebauthnRefusal;
use super::registration::cbor_item;

/// The flag byte (section 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const fn user_present(self) -> bool {
        self.0 & 0x01 != 0
    }

    pub(crate) const fn user_verified(self) -> bool {
        self.0 & 0x04 != 0
    }

    pub(crate) const fn backup_eligible(self) -> bool {
        self.0 & 0x08 != 0
    }

    pub(crate) const fn backed_up(self) -> bool {
        self.0 & 0x10 != 0
    }

    const fn has_credential(self) -> bool {
        self.0 & 0x40 != 0
    }

    const fn has_extensions(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// A new credential inside the authenticator data (section 6.5.1).
#[derive(Debug)]
pub(crate) struct AttestedCredential<'a> {
    pub(crate) aaguid: [u8; 16],
    pub(crate) id: &'a [u8],
    /// The COSE key in exactly the bytes that the authenticator sent.
    pub(crate) public_key: &'a [u8],
}

/// The parsed authenticator data (section 6.1).
#[derive(Debug)]
pub(crate) struct AuthenticatorData<'a> {
    pub(crate) rp_id_hash: [u8; 32],
    pub(crate) flags: Flags,
    pub(crate) sign_count: u32,
    pub(crate) credential: Option<AttestedCredential<'a>>,
}

impl<'a> AuthenticatorData<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, WebauthnRefusal> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or(CUT_SHORT)?;
        let (flags, rest) = rest.split_first().ok_or(CUT_SHORT)?;
        let (sign_count, rest) = rest.split_first_chunk::<4>().ok_or(CUT_SHORT)?;
        let flags = Flags(*flags);
        let (credential, rest) = if flags.has_credential() {
            let (credential, rest) = attested_credential(rest)?;
            (Some(credential), rest)
        } else {
            (None, rest)
        };
        let rest = if flags.has_extensions() { extensions(rest)? } else { rest };
        if !rest.is_empty() {
            return Err(WebauthnRefusal::AuthenticatorDataMalformed("bytes are left over"));
        }
        Ok(Self { rp_id_hash: *rp_id_hash, flags, sign_count: u32::from_be_bytes(*sign_count), credential })
    }
}

const CUT_SHORT: WebauthnRefusal = WebauthnRefusal::AuthenticatorDataMalformed("it is cut short");

fn attested_credential(bytes: &[u8]) -> Result<(AttestedCredential<'_>, &[u8]), WebauthnRefusal> {
    let (aaguid, rest) = bytes.split_first_chunk::<16>().ok_or(CUT_SHORT)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(CUT_SHORT)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (id, rest) = rest.split_at_checked(length).ok_or(CUT_SHORT)?;
    let (_, public_key, rest) =
        cbor_item(rest).ok_or(WebauthnRefusal::AuthenticatorDataMalformed("the public key is not CBOR"))?;
    Ok((AttestedCredential { aaguid: *aaguid, id, public_key }, rest))
}

/// Extensions are not asked for; an unsolicited map is legal and ignored (section 7.1 step 19).
fn extensions(bytes: &[u8]) -> Result<&[u8], WebauthnRefusal> {
    match cbor_item(bytes) {
        Some((ciborium::Value::Map(_), _, rest)) => Ok(rest),
        _ => Err(WebauthnRefusal::AuthenticatorDataMalformed("the extensions are not a CBOR map")),
    }
}
