//! How does a log reach its witness? One bounded request, one bounded answer. What the answer says is for the asker to
//! verify.

use std::time::Duration;

use bytes::Bytes;
use countersign_ledger::note::NOTE_MAX_BYTES;
use http::Request;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The whole answer must have come within this.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A witness at a URL.
#[derive(Debug, Clone)]
pub struct Remote {
    url: String,
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The URL is none.
    #[error("can't build a request to `{url}`")]
    Build {
        /// Where to.
        url: String,
        /// Why.
        source: http::Error,
    },
    /// Nobody is there.
    #[error("`{url}` can't be reached")]
    Send {
        /// Where to.
        url: String,
        /// Why.
        source: hyper_util::client::legacy::Error,
    },
    /// It took too long.
    #[error("`{url}` did not answer within {} seconds", ANSWER_WITHIN.as_secs())]
    Late {
        /// Where to.
        url: String,
    },
    /// The answer did not come to its end, or is longer than any answer may be.
    #[error("the answer of `{url}` broke off or is too large")]
    Body {
        /// Where to.
        url: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Remote {
    /// The witness whose submission prefix is `prefix`, without a slash at the end.
    pub fn new(prefix: &str) -> Self {
        // Without trusted roots on this machine, `https` fails at the handshake and `http` still works.
        let tls = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots().unwrap_or_else(|_| {
            let trust_nobody = rustls::RootCertStore::empty();
            let config = rustls::ClientConfig::builder().with_root_certificates(trust_nobody);
            hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config.with_no_client_auth())
        });
        let connector = tls.https_or_http().enable_http1().build();
        let pool = Pool::builder(TokioExecutor::new()).build(connector);
        Self { url: format!("{prefix}/add-checkpoint"), pool }
    }

    /// Sends the body of an `add-checkpoint` request; brings status and body of the answer.
    ///
    /// # Errors
    /// [`RemoteError`] when none came, or not within 5 seconds.
    pub async fn ask(&self, request: String) -> Result<(u16, Bytes), RemoteError> {
        let url = || self.url.clone();
        let request = Request::post(&self.url)
            .header(http::header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Full::new(Bytes::from(request)))
            .map_err(|source| RemoteError::Build { url: url(), source })?;
        let answer = async {
            let response = self.pool.request(request).await;
            let response = response.map_err(|source| RemoteError::Send { url: url(), source })?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), NOTE_MAX_BYTES).collect().await;
            let body = body.map_err(|source| RemoteError::Body { url: url(), source })?;
            Ok((status, body.to_bytes()))
        };
        let late = |_elapsed| RemoteError::Late { url: url() };
        tokio::time::timeout(ANSWER_WITHIN, answer).await.map_err(late)?
    }
}

#[cfg(test)]
mod tests;
