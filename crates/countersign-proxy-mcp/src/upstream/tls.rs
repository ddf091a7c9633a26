//! How are connections to HTTP upstreams made? One pooled client, rustls with aws-lc-rs, the system's roots.

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The pooled client of every HTTP upstream.
pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the system's root certificates can't be read")]
pub(crate) struct TlsError(#[source] std::io::Error);

/// Makes the client.
pub(crate) fn client() -> Result<HttpClient, TlsError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let tls = hyper_rustls::HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
        .map_err(TlsError)?
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new()).build(tls))
}
