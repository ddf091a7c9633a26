//! With which certificates and demands is a connection encrypted, towards clients and towards servers?
//!
//! The modes are libpq's, with its meanings. Names are looked for in the certificate's alternative names only, never
//! in its common name. Revocation is not looked up. TLS 1.2 and 1.3, through aws-lc-rs.

mod end_point;
#[cfg(test)]
mod tests;
mod verify;

pub(crate) use end_point::tls_server_end_point;

use std::fmt;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Protocol name (ALPN) of PostgreSQL, registered with IANA.
pub const ALPN: &[u8] = b"postgresql";

/// Why no TLS configuration could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The PEM text holds no certificate, no key, or something broken.
    #[error("reading the {what} as PEM")]
    Pem {
        /// `certificate`, `private key` or `roots`.
        what: &'static str,
        /// What is wrong there.
        source: rustls::pki_types::pem::Error,
    },
    /// A PEM text without what it should hold.
    #[error("the PEM text holds no {0}")]
    Empty(&'static str),
    /// Certificate and key don't fit, or can't be used.
    #[error("using the certificate")]
    Certificate(#[source] rustls::Error),
    /// Those who vouch for clients can't be used.
    #[error("using the authorities of clients")]
    Authorities(#[source] VerifierBuilderError),
}

/// How much encryption a server must offer, in libpq's words (`sslmode`). `allow` is left out: it never helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// If the server says that it can; whoever it is. Protects from nobody who can change bytes on the way. A handshake
    /// that fails is an error; libpq would go on without encryption.
    Prefer,
    /// Always; whoever the server is, unless roots are given: then as `verify-ca`.
    Require,
    /// Always; a root must have signed its certificate, for whatever name.
    VerifyCa,
    /// Always; a root must have signed its certificate for the name that we connect to.
    VerifyFull,
}

impl TlsMode {
    /// From libpq's word; `None` for another.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "disable" => Some(Self::Disable),
            "prefer" => Some(Self::Prefer),
            "require" => Some(Self::Require),
            "verify-ca" => Some(Self::VerifyCa),
            "verify-full" => Some(Self::VerifyFull),
            _ => None,
        }
    }

    /// libpq's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// A certificate chain and its private key, both as PEM.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// The certificate, then its intermediates.
    pub certificates: &'a [u8],
    /// PKCS #8, SEC1 or PKCS #1, not encrypted.
    pub key: &'a [u8],
}

impl fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// Who may vouch for a server.
#[derive(Debug, Clone, Copy)]
pub enum Roots<'a> {
    /// Those of the operating system.
    System,
    /// Those in this PEM text, and nobody else. A server's own certificate may stand here as well.
    Pem(&'a [u8]),
}

/// What the gateway shows to its clients.
///
/// # Errors
/// [`TlsError`] when certificate and key can't be read or don't fit.
pub fn server(identity: Identity<'_>) -> Result<Arc<ServerConfig>, TlsError> {
    offer(identity, WebPkiClientVerifier::no_client_auth())
}

/// The same, asking clients for a certificate that one of these authorities (PEM) has signed. A client may have none;
/// one that is not theirs, has expired, or is not for clients ends the handshake. Revocation is not looked up.
///
/// # Errors
/// As [`server`]; also when the authorities can't be read.
pub fn server_that_asks(identity: Identity<'_>, authorities: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    for root in certificates(authorities, "authorities of clients")? {
        roots.add(root).map_err(TlsError::Certificate)?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated()
        .build()
        .map_err(TlsError::Authorities)?;
    offer(identity, verifier)
}

fn offer(
    identity: Identity<'_>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let (chain, key) = chain_and_key(identity)?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Certificate)?;
    let builder = builder.with_client_cert_verifier(clients);
    let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Certificate)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // Sessions are long; resuming one would save nothing and would keep secrets.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// What the gateway demands of a server, ready to connect.
#[derive(Debug, Clone)]
pub struct UpstreamTls {
    pub(crate) mode: TlsMode,
    pub(crate) config: Option<Arc<ClientConfig>>,
}

impl UpstreamTls {
    /// No encryption.
    pub fn disabled() -> Self {
        Self { mode: TlsMode::Disable, config: None }
    }

    /// Encryption in this mode, judged by these roots, with a certificate of our own when the server asks for one.
    ///
    /// # Errors
    /// [`TlsError`] when roots, certificate or key can't be read or used; also for no system roots at all.
    pub fn new(mode: TlsMode, roots: Roots<'_>, identity: Option<Identity<'_>>) -> Result<Self, TlsError> {
        if mode == TlsMode::Disable {
            return Ok(Self::disabled());
        }
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Certificate)?
            .dangerous();
        let builder = builder.with_custom_certificate_verifier(verifier(mode, roots)?);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = chain_and_key(identity)?;
                builder.with_client_auth_cert(chain, key).map_err(TlsError::Certificate)?
            }
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { mode, config: Some(Arc::new(config)) })
    }

    /// The mode.
    pub fn mode(&self) -> TlsMode {
        self.mode
    }
}

type Verifier = Arc<dyn rustls::client::danger::ServerCertVerifier>;

fn verifier(mode: TlsMode, roots: Roots<'_>) -> Result<Verifier, TlsError> {
    let algorithms = provider().signature_verification_algorithms;
    let anybody = match mode {
        TlsMode::Disable | TlsMode::Prefer => true,
        TlsMode::Require => matches!(roots, Roots::System),
        TlsMode::VerifyCa | TlsMode::VerifyFull => false,
    };
    if anybody {
        return Ok(Arc::new(verify::DangerouslyAnyServer { algorithms }));
    }
    let (roots, given) = root_store(roots)?;
    Ok(Arc::new(verify::SignedByRoot { roots, given, names: mode == TlsMode::VerifyFull, algorithms }))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn chain_and_key(
    identity: Identity<'_>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = certificates(identity.certificates, "certificate")?;
    let key = PrivateKeyDer::from_pem_slice(identity.key)
        .map_err(|source| TlsError::Pem { what: "private key", source })?;
    Ok((chain, key))
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|source| TlsError::Pem { what, source })?;
    if found.is_empty() { Err(TlsError::Empty(what)) } else { Ok(found) }
}

/// Who may sign, and the certificates as given.
fn root_store(roots: Roots<'_>) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), TlsError> {
    let mut store = RootCertStore::empty();
    let mut given = Vec::new();
    match roots {
        // Some of the system's roots are often unusable; the others count.
        Roots::System => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Roots::Pem(pem) => {
            for root in certificates(pem, "roots")? {
                store.add(root.clone()).map_err(TlsError::Certificate)?;
                given.push(root);
            }
        }
    }
    if store.is_empty() { Err(TlsError::Empty("roots")) } else { Ok((store, given)) }
}
