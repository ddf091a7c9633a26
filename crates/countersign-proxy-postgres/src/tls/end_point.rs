//! Which bytes bind a login to this TLS connection? `tls-server-end-point`: the hash of the server's certificate.

use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512, digest};

/// The channel binding of RFC 5929, section 4.1: the certificate hashed with the hash of its own signature, or with
/// SHA-256 where that is MD5 or SHA-1. `None` where the RFC defines none (Ed25519), or for RSASSA-PSS.
pub(crate) fn tls_server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let algorithm = hash_of(signature_algorithm(certificate)?)?;
    Some(digest(algorithm, certificate).as_ref().to_vec())
}

/// By the encoded object identifier of the signature (RFC 3279, 5758).
fn hash_of(signature: &[u8]) -> Option<&'static Algorithm> {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
    match (signature.strip_prefix(RSA), signature.strip_prefix(ECDSA)) {
        // MD5 and SHA-1 are replaced by SHA-256.
        (Some([4 | 5 | 11]), _) | (_, Some([1] | [3, 2])) => Some(&SHA256),
        (Some([12]), _) | (_, Some([3, 3])) => Some(&SHA384),
        (Some([13]), _) | (_, Some([3, 4])) => Some(&SHA512),
        _ => None,
    }
}

/// Object identifier in the certificate's `signatureAlgorithm` (RFC 5280, section 4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    let (fields, _) = element(certificate, SEQUENCE)?;
    let (_to_be_signed, rest) = element(fields, SEQUENCE)?;
    let (algorithm, _signature) = element(rest, SEQUENCE)?;
    element(algorithm, OBJECT_IDENTIFIER).map(|(identifier, _)| identifier)
}

/// Content of one DER element of this type, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, der) = der.split_first()?;
    let (first, der) = der.split_first()?;
    let (length, der) = match first {
        0..0x80 => (usize::from(*first), der),
        _ => {
            let (bytes, der) = der.split_at_checked(usize::from(first & 0x7f))?;
            // Four bytes count more than any certificate has.
            let short = bytes.len() <= 4;
            let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            (short.then_some(length)?, der)
        }
    };
    (*found == tag).then(|| der.split_at_checked(length))?
}
