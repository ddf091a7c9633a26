//! Which key is it, and did it sign this? ES256, EdDSA over Ed25519 and RS256; nothing else.

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use coset::iana::{self, EnumI64 as _};
use coset::{Algorithm, CborSerializable as _, CoseKey, KeyType, Label};

use super::WebauthnRefusal;

/// The COSE algorithm numbers that enrolment asks for, in the order of preference.
pub(crate) const ALGORITHMS: [i64; 3] = [-8, -7, -257];

/// A public key that can verify.
#[derive(Debug)]
pub(crate) enum PublicKey {
    /// ECDSA over P-256 with SHA-256.
    Es256(ParsedPublicKey),
    /// Ed25519.
    EdDsa(ParsedPublicKey),
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256(PublicKeyComponents<Vec<u8>>),
}

impl PublicKey {
    /// Reads a COSE key (RFC 9052 section 7, RFC 8230 for RSA).
    pub(crate) fn from_cose(bytes: &[u8]) -> Result<Self, WebauthnRefusal> {
        let key = CoseKey::from_slice(bytes)
            .map_err(|_malformed| WebauthnRefusal::KeyUnsupported("it is not a COSE key"))?;
        match (&key.kty, &key.alg) {
            (KeyType::Assigned(iana::KeyType::EC2), Some(Algorithm::Assigned(iana::Algorithm::ES256))) => {
                es256(&key)
            }
            (KeyType::Assigned(iana::KeyType::OKP), Some(Algorithm::Assigned(iana::Algorithm::EdDSA))) => {
                eddsa(&key)
            }
            (KeyType::Assigned(iana::KeyType::RSA), Some(Algorithm::Assigned(iana::Algorithm::RS256))) => {
                rs256(&key)
            }
            _ => Err(WebauthnRefusal::KeyUnsupported("its algorithm was not asked for")),
        }
    }

    /// The COSE algorithm number.
    pub(crate) const fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => -7,
            Self::EdDsa(_) => -8,
            Self::Rs256(_) => -257,
        }
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WebauthnRefusal> {
        let verified = match self {
            Self::Es256(key) | Self::EdDsa(key) => key.verify_sig(message, signature),
            Self::Rs256(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
        };
        verified.map_err(|_unspecified| WebauthnRefusal::SignatureInvalid)
    }
}

fn es256(key: &CoseKey) -> Result<PublicKey, WebauthnRefusal> {
    let curve = integer(key, iana::Ec2KeyParameter::Crv.to_i64());
    if curve != Some(iana::EllipticCurve::P_256.to_i64()) {
        return Err(WebauthnRefusal::KeyUnsupported("its curve is not P-256"));
    }
    let coordinates = bytes(key, iana::Ec2KeyParameter::X.to_i64())
        .zip(bytes(key, iana::Ec2KeyParameter::Y.to_i64()))
        .filter(|(x, y)| x.len() == 32 && y.len() == 32);
    let Some((x, y)) = coordinates else {
        return Err(WebauthnRefusal::KeyUnsupported("its point is not uncompressed"));
    };
    let point = [&[0x04], x, y].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .map(PublicKey::Es256)
        .map_err(|_rejected| WebauthnRefusal::KeyUnsupported("its point is not on the curve"))
}

fn eddsa(key: &CoseKey) -> Result<PublicKey, WebauthnRefusal> {
    let curve = integer(key, iana::OkpKeyParameter::Crv.to_i64());
    if curve != Some(iana::EllipticCurve::Ed25519.to_i64()) {
        return Err(WebauthnRefusal::KeyUnsupported("its curve is not Ed25519"));
    }
    let x = bytes(key, iana::OkpKeyParameter::X.to_i64()).unwrap_or_default();
    ParsedPublicKey::new(&ED25519, x)
        .map(PublicKey::EdDsa)
        .map_err(|_rejected| WebauthnRefusal::KeyUnsupported("its point does not have 32 bytes"))
}

fn rs256(key: &CoseKey) -> Result<PublicKey, WebauthnRefusal> {
    let n = bytes(key, iana::RsaKeyParameter::N.to_i64()).unwrap_or_default();
    let e = bytes(key, iana::RsaKeyParameter::E.to_i64()).unwrap_or_default();
    // RFC 8230: no leading zero bytes, and at least 2048 bits.
    if !(256..=1024).contains(&n.len()) || n.first().is_none_or(|byte| *byte < 0x80) {
        return Err(WebauthnRefusal::KeyUnsupported("its modulus does not have 2048 to 8192 bits"));
    }
    // The verifier takes odd exponents from 3 to 33 bits; more than four bytes are never seen.
    let odd = e.last().is_some_and(|byte| byte % 2 == 1);
    if !odd || e.len() > 4 || e == [1] || e.first() == Some(&0) {
        return Err(WebauthnRefusal::KeyUnsupported("its exponent is not usual"));
    }
    Ok(PublicKey::Rs256(PublicKeyComponents { n: n.to_vec(), e: e.to_vec() }))
}

fn parameter(key: &CoseKey, label: i64) -> Option<&ciborium::Value> {
    key.params.iter().find(|(name, _)| *name == Label::Int(label)).map(|(_, value)| value)
}

fn integer(key: &CoseKey, label: i64) -> Option<i64> {
    parameter(key, label)?.as_integer()?.try_into().ok()
}

fn bytes(key: &CoseKey, label: i64) -> Option<&[u8]> {
    parameter(key, label)?.as_bytes().map(Vec::as_slice)
}
