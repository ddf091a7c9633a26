//! Is the body within its limit? Read to the limit and no further, however long it claims to be or goes on.

use std::time::Duration;

use axum::body::Body;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt as _;

/// A body must be here within this time.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    TooSlow,
    Broken,
}

impl From<axum::Error> for BodyError {
    fn from(error: axum::Error) -> Self {
        tracing::debug!(%error, "a body broke off");
        Self::Broken
    }
}

/// The whole body.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Vec<u8>, BodyError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let announced: Option<usize> = announced.and_then(|length| length.parse().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(BodyError::TooLarge);
    }
    let reading = collect(body, announced.unwrap_or_default(), limit);
    tokio::time::timeout(TIMEOUT, reading).await.unwrap_or(Err(BodyError::TooSlow))
}

async fn collect(mut body: Body, capacity: usize, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::with_capacity(capacity.min(limit));
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(BodyError::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
