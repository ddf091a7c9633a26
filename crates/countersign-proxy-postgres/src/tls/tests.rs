use countersign_testkit::Authority;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

use super::*;

#[test]
fn a_mode_is_its_word() {
    for word in ["disable", "prefer", "require", "verify-ca", "verify-full"] {
        assert_eq!(TlsMode::from_word(word).unwrap().word(), word);
    }
    assert_eq!(TlsMode::from_word("allow"), None);
    assert_eq!(TlsMode::from_word("Require"), None);
}

#[test]
fn what_can_not_be_read_is_named() {
    let (certificate, key) = Authority::new("ours").issue("gateway", &["localhost"]);
    let (_, other_key) = Authority::new("theirs").issue("gateway", &["localhost"]);
    let made = |certificates: &str, key: &str| {
        let identity = Identity { certificates: certificates.as_bytes(), key: key.as_bytes() };
        server(identity).map_err(|error| error.to_string())
    };
    made(&certificate, &key).unwrap();
    assert_eq!(made("", &key).unwrap_err(), "the PEM text holds no certificate");
    assert_eq!(made(&certificate, "").unwrap_err(), "reading the private key as PEM");
    assert_eq!(made(&certificate, &other_key).unwrap_err(), "using the certificate");
}

#[test]
fn no_roots_is_an_error_and_not_trust_in_everybody() {
    for mode in [TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull] {
        let refused = UpstreamTls::new(mode, Roots::Pem(b""), None).unwrap_err();
        assert!(matches!(refused, TlsError::Empty("roots")), "{mode:?}");
        UpstreamTls::new(
            mode,
            Roots::Pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            None,
        )
        .unwrap_err();
    }
}

#[test]
fn an_identity_in_a_log_shows_no_key() {
    let identity = Identity { certificates: b"certificate", key: b"open sesame" };
    assert_eq!(format!("{identity:?}"), "Identity { .. }");
}

#[test]
fn the_binding_is_the_hash_that_the_certificate_names() {
    let hash_bytes = |algorithm| {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = CertificateParams::new([]).unwrap().self_signed(&key).unwrap();
        tls_server_end_point(certificate.der()).map(|hash| hash.len())
    };
    assert_eq!(hash_bytes(&PKCS_ECDSA_P256_SHA256), Some(32));
    assert_eq!(hash_bytes(&PKCS_ECDSA_P384_SHA384), Some(48));
    assert_eq!(hash_bytes(&PKCS_ED25519), None);
}

#[test]
fn a_broken_certificate_binds_nothing() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([]).unwrap().self_signed(&key).unwrap();
    let der = certificate.der();
    // Everything behind the algorithm is the signature, which is not looked at but must be there.
    for end in 0..der.len() {
        assert_eq!(tls_server_end_point(&der[..end]), None, "{end}");
    }
    for at in 0..der.len() {
        for value in [0, 0x7f, 0x80, 0x84, 0x88, 0xff] {
            let mut changed = der.to_vec();
            changed[at] = value;
            tls_server_end_point(&changed);
        }
    }
}
