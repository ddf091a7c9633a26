//! How are an issuer's keys had? Over HTTPS from exactly the place that was named, within bounds of bytes and time.

use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;

/// Larger documents are refused.
const DOCUMENT_MAX_BYTES: usize = 256 * 1024;
/// Each document must have come whole by then.
const DOCUMENT_WITHIN: Duration = Duration::from_secs(5);

/// Where keys are.
pub(super) enum Source {
    /// Where the discovery document of this issuer says.
    Discovery(String),
    Url(String),
    File(PathBuf),
}

/// Why a URL is not fetched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlProblem {
    /// No URL with a host.
    #[error("it is no `https` URL")]
    Form,
    /// Plain HTTP to another machine.
    #[error("plain `http` goes only to this machine; use `https`")]
    Plain,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("`{0}` can't be fetched from: {1}")]
    Url(String, UrlProblem),
    #[error("TLS can't be used")]
    Tls(#[source] rustls::Error),
    #[error("`{0}` can't be reached")]
    Send(String, #[source] hyper_util::client::legacy::Error),
    #[error("`{0}` did not answer within {wait} seconds", wait = DOCUMENT_WITHIN.as_secs())]
    Late(String),
    #[error("`{0}` answered with {1}; redirects are not followed")]
    Status(String, StatusCode),
    #[error("the answer of `{0}` broke off or has more than {DOCUMENT_MAX_BYTES} bytes")]
    Body(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the file `{0}` can't be read, or has more than {DOCUMENT_MAX_BYTES} bytes")]
    File(String, #[source] std::io::Error),
    #[error("`{0}` is no discovery document")]
    Discovery(String, #[source] serde_json::Error),
    #[error("the discovery document of `{0}` is that of `{1}`")]
    OtherIssuer(String, String),
}

/// Whether keys may be fetched from here: `https`, or plain `http` within the machine.
///
/// # Errors
/// What is wrong with it.
pub fn fetchable(url: &str) -> Result<(), UrlProblem> {
    let uri: Uri = url.parse().map_err(|_cause| UrlProblem::Form)?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or(UrlProblem::Form)?;
    let odd = uri.authority().is_none_or(|authority| authority.as_str().contains('@')) || url.contains('#');
    match uri.scheme_str() {
        _ if odd => Err(UrlProblem::Form),
        Some("https") => Ok(()),
        Some("http") if is_this_machine(host) => Ok(()),
        Some("http") => Err(UrlProblem::Plain),
        _ => Err(UrlProblem::Form),
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[derive(Deserialize)]
struct DiscoveryDocument {
    issuer: String,
    jwks_uri: String,
}

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Fetches documents. The client is made when it is needed first.
#[derive(Default)]
pub(super) struct Fetch(OnceLock<Result<HttpClient, rustls::Error>>);

impl Fetch {
    /// The JWK set of this source, as it came.
    pub(super) async fn keys(&self, source: &Source) -> Result<Bytes, FetchError> {
        match source {
            Source::File(path) => from_file(path),
            Source::Url(url) => self.get(url).await,
            Source::Discovery(issuer) => {
                let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
                let text = self.get(&place).await?;
                let document: DiscoveryDocument =
                    serde_json::from_slice(&text).map_err(|source| FetchError::Discovery(place, source))?;
                if document.issuer != *issuer {
                    return Err(FetchError::OtherIssuer(issuer.clone(), document.issuer));
                }
                self.get(&document.jwks_uri).await
            }
        }
    }

    async fn get(&self, url: &str) -> Result<Bytes, FetchError> {
        fetchable(url).map_err(|problem| FetchError::Url(url.to_owned(), problem))?;
        tokio::time::timeout(DOCUMENT_WITHIN, self.document(url))
            .await
            .map_err(|_cause| FetchError::Late(url.to_owned()))?
    }

    async fn document(&self, url: &str) -> Result<Bytes, FetchError> {
        let request = Request::get(url).header("accept", "application/json").body(Full::default());
        let request = request.map_err(|_cause| FetchError::Url(url.to_owned(), UrlProblem::Form))?;
        let client = self.0.get_or_init(client).as_ref().map_err(|error| FetchError::Tls(error.clone()))?;
        let sent = client.request(request).await;
        let answer = sent.map_err(|source| FetchError::Send(url.to_owned(), source))?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(url.to_owned(), answer.status()));
        }
        let body = Limited::new(answer.into_body(), DOCUMENT_MAX_BYTES).collect().await;
        Ok(body.map_err(|source| FetchError::Body(url.to_owned(), source))?.to_bytes())
    }
}

fn from_file(path: &Path) -> Result<Bytes, FetchError> {
    let failed = |source| FetchError::File(path.display().to_string(), source);
    let mut text = Vec::new();
    let limit = u64::try_from(DOCUMENT_MAX_BYTES).unwrap_or(u64::MAX);
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(limit + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() > DOCUMENT_MAX_BYTES {
        return Err(failed(std::io::ErrorKind::FileTooLarge.into()));
    }
    Ok(text.into())
}

/// Without trusted roots on this machine `https` fails at the handshake, and nothing is believed.
fn client() -> Result<HttpClient, rustls::Error> {
    let provider = rustls::crypto::aws_lc_rs::default_provider;
    let trusting = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider());
    let tls = match trusting {
        Ok(tls) => tls,
        Err(error) => {
            tracing::warn!(%error, "this machine trusts no authorities: keys can't be fetched by https");
            let config = rustls::ClientConfig::builder_with_provider(provider().into())
                .with_safe_default_protocol_versions()?
                .with_root_certificates(rustls::RootCertStore::empty());
            HttpsConnectorBuilder::new().with_tls_config(config.with_no_client_auth())
        }
    };
    Ok(Client::builder(TokioExecutor::new()).build(tls.https_or_http().enable_http1().build()))
}

#[cfg(test)]
mod tests;
