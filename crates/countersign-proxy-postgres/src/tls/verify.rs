//! Which servers do the weaker modes accept? `verify-ca` any name, `require` and `prefer` anybody at all.
//!
//! Both still demand that the server holds the key of the certificate that it shows.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// `verify-ca`: a root must have signed, for whatever name.
#[derive(Debug)]
pub(super) struct AnyName {
    pub(super) roots: RootCertStore,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// `require`, `prefer`: keeps listeners out, and nobody who can change bytes on the way.
#[derive(Debug)]
pub(super) struct DangerouslyAnyServer {
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl AnyName {
    fn chain(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms)
    }
}

/// The handshake is verified as ever; only what is asked of the certificate differs.
macro_rules! verifies {
    ($verifier:ty, |$this:ident, $end_entity:ident, $intermediates:ident, $now:ident| $judge:expr) => {
        impl ServerCertVerifier for $verifier {
            fn verify_server_cert(
                &self,
                $end_entity: &CertificateDer<'_>,
                $intermediates: &[CertificateDer<'_>],
                _name: &ServerName<'_>,
                _ocsp: &[u8],
                $now: UnixTime,
            ) -> Result<ServerCertVerified, Error> {
                let $this = self;
                $judge?;
                Ok(ServerCertVerified::assertion())
            }

            fn verify_tls12_signature(
                &self,
                message: &[u8],
                certificate: &CertificateDer<'_>,
                signed: &DigitallySignedStruct,
            ) -> Result<HandshakeSignatureValid, Error> {
                verify_tls12_signature(message, certificate, signed, &self.algorithms)
            }

            fn verify_tls13_signature(
                &self,
                message: &[u8],
                certificate: &CertificateDer<'_>,
                signed: &DigitallySignedStruct,
            ) -> Result<HandshakeSignatureValid, Error> {
                verify_tls13_signature(message, certificate, signed, &self.algorithms)
            }

            fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
                self.algorithms.supported_schemes()
            }
        }
    };
}

verifies!(AnyName, |this, end_entity, intermediates, now| this.chain(end_entity, intermediates, now));
verifies!(DangerouslyAnyServer, |_this, _end_entity, _intermediates, _now| Ok::<(), Error>(()));
