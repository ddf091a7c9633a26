//! Which servers does each mode accept? `verify-full` a name, `verify-ca` any name, `require` and `prefer` anybody.
//!
//! All demand that the server holds the key of the certificate that it shows.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// `verify-ca`, `verify-full`: a root must have signed.
#[derive(Debug)]
pub(super) struct SignedByRoot {
    pub(super) roots: RootCertStore,
    /// The roots as they were given; none of the system's.
    pub(super) given: Vec<CertificateDer<'static>>,
    /// `verify-full`: the certificate must be for the name that we connect to.
    pub(super) names: bool,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// `require`, `prefer`: keeps listeners out, and nobody who can change bytes on the way.
#[derive(Debug)]
pub(super) struct DangerouslyAnyServer {
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl SignedByRoot {
    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.algorithms.all;
        let (roots, given) = (&self.roots, &self.given);
        match verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms) {
            // Many servers show a certificate that they signed themselves and that calls itself an authority, which
            // what `openssl req -x509` makes does. Whoever gave us exactly this one trusts it, within its time.
            Err(error) if given.contains(end_entity) && !is_about_time(&error) => {}
            other => other?,
        }
        if self.names { verify_server_name(&certificate, name) } else { Ok(()) }
    }
}

/// Time is looked at before what a certificate may be used for.
fn is_about_time(error: &Error) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    let Error::InvalidCertificate(error) = error else { return false };
    matches!(error, Expired | NotValidYet | ExpiredContext { .. } | NotValidYetContext { .. })
}

/// The handshake is verified as ever; only what is asked of the certificate differs.
macro_rules! verifies {
    ($verifier:ty, |$this:ident, $end_entity:ident, $intermediates:ident, $name:ident, $now:ident| $judge:expr) => {
        impl ServerCertVerifier for $verifier {
            fn verify_server_cert(
                &self,
                $end_entity: &CertificateDer<'_>,
                $intermediates: &[CertificateDer<'_>],
                $name: &ServerName<'_>,
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

verifies!(SignedByRoot, |this, end_entity, intermediates, name, now| {
    this.judge(end_entity, intermediates, name, now)
});
verifies!(DangerouslyAnyServer, |_this, _end_entity, _intermediates, _name, _now| Ok::<(), Error>(()));
