//! What about servers that signed their certificate themselves? They are believed when exactly that one was given.

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

use super::peers::rogue;
use super::*;
use crate::tls::server as server_config;

/// Certificate and key, as `openssl req -x509` makes them.
fn self_signed(host: &str, years: std::ops::Range<i32>) -> (String, String) {
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(years.start, 1, 1);
    params.not_after = date_time_ymd(years.end, 1, 1);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// Whether a server that shows the first is believed by somebody who was given the second.
async fn believed(shown: &(String, String), given: &str, mode: TlsMode) -> bool {
    let identity = Identity { certificates: shown.0.as_bytes(), key: shown.1.as_bytes() };
    let acceptor = tokio_rustls::TlsAcceptor::from(server_config(identity).unwrap());
    let port = rogue(move |mut stream| async move {
        stream.read_exact(&mut [0; 8]).await.unwrap();
        stream.write_all(b"S").await.unwrap();
        if let Ok(mut stream) = acceptor.accept(stream).await {
            drop(stream.read(&mut [0]).await);
        }
    })
    .await;
    let tls = UpstreamTls::new(mode, Roots::Pem(given.as_bytes()), None).unwrap();
    match reach::reach(&Place::new("127.0.0.1", port), &tls).await {
        Ok(wire) => wire.is_encrypted(),
        Err(UpstreamLoginError::Tls(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_certificate_that_was_given_is_believed_for_its_names_and_its_time() {
    let ours = self_signed("127.0.0.1", 2020..2999);
    let other = self_signed("127.0.0.1", 2020..2999);
    let named = self_signed("db.example", 2020..2999);
    let expired = self_signed("127.0.0.1", 2020..2021);
    let early = self_signed("127.0.0.1", 2998..2999);
    for mode in [TlsMode::VerifyCa, TlsMode::VerifyFull] {
        assert!(believed(&ours, &ours.0, mode).await);
        assert!(!believed(&other, &ours.0, mode).await);
        assert!(!believed(&expired, &expired.0, mode).await);
        assert!(!believed(&early, &early.0, mode).await);
    }
    assert!(believed(&named, &named.0, TlsMode::VerifyCa).await);
    assert!(!believed(&named, &named.0, TlsMode::VerifyFull).await);
}
