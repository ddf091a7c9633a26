//! How do the command line, the demo and exports speak HTTP? One bounded request, one bounded answer.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Larger answers are refused.
const ANSWER_MAX_BYTES: usize = 32 << 20;
/// The answer must begin within this.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("can't build a request to `{url}`")]
    Build { url: String, source: http::Error },
    #[error("`{url}` can't be reached")]
    Send { url: String, source: hyper_util::client::legacy::Error },
    #[error("`{url}` did not answer within {} seconds", ANSWER_WITHIN.as_secs())]
    Late { url: String },
    #[error("the answer of `{url}` broke off or is too large")]
    Body { url: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the answer of `{url}` is not JSON")]
    Json { url: String, source: serde_json::Error },
}

/// A pooled HTTP client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
    bearer: Option<String>,
}

/// A status and a JSON body (`null` when empty).
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Client {
    /// A client that sends `bearer` with every request.
    pub(crate) fn new(bearer: Option<String>) -> Self {
        // Without trusted roots on this machine, `https` fails at the handshake and `http` still works.
        let tls = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots().unwrap_or_else(|_| {
            let trust_nobody = rustls::RootCertStore::empty();
            let config = rustls::ClientConfig::builder().with_root_certificates(trust_nobody);
            hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config.with_no_client_auth())
        });
        let connector = tls.https_or_http().enable_http1().build();
        Self { pool: Pool::builder(TokioExecutor::new()).build(connector), bearer }
    }

    /// Sends a request and waits for the beginning of its answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Response<hyper::body::Incoming>, ClientError> {
        let mut headers = headers.to_vec();
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let bytes = body.map(|body| body.to_string()).unwrap_or_default();
        self.send_bytes(method, url, &headers, Bytes::from(bytes)).await
    }

    async fn send_bytes(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response<hyper::body::Incoming>, ClientError> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let request = request
            .body(Full::new(body))
            .map_err(|source| ClientError::Build { url: url.to_owned(), source })?;
        self.pool.request(request).await.map_err(|source| ClientError::Send { url: url.to_owned(), source })
    }

    /// Posts bytes and gives the answer's status, and its body unless that is broken or longer than `body_max_bytes`.
    pub(crate) async fn post(
        &self,
        url: &str,
        content_type: &str,
        body: Bytes,
        body_max_bytes: usize,
    ) -> Result<(u16, Bytes), ClientError> {
        let posted = async {
            let headers = [("content-type", content_type)];
            let response = self.send_bytes(Method::POST, url, &headers, body).await?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), body_max_bytes).collect().await;
            Ok((status, body.map(http_body_util::Collected::to_bytes).unwrap_or_default()))
        };
        let late = |_cause| ClientError::Late { url: url.to_owned() };
        tokio::time::timeout(ANSWER_WITHIN, posted).await.map_err(late)?
    }

    /// Sends a request and reads its JSON answer.
    pub(crate) async fn json(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ClientError> {
        let sent = self.send(method, url, &[("accept", "application/json")], body);
        let response = tokio::time::timeout(ANSWER_WITHIN, sent)
            .await
            .map_err(|_cause| ClientError::Late { url: url.to_owned() })??;
        let status = response.status().as_u16();
        let bytes = Limited::new(response.into_body(), ANSWER_MAX_BYTES)
            .collect()
            .await
            .map_err(|source| ClientError::Body { url: url.to_owned(), source })?
            .to_bytes();
        if bytes.is_empty() {
            return Ok(Answer { status, body: Value::Null });
        }
        let body = serde_json::from_slice(&bytes)
            .map_err(|source| ClientError::Json { url: url.to_owned(), source })?;
        Ok(Answer { status, body })
    }
}
