//! Who may read the log? Programs with a token that the operator has named for it: mirrors, monitors, auditors. It opens
//! nothing else, and nothing else opens the log.

use axum::extract::FromRequestParts;
use countersign_core::Digest;
use http::request::Parts;
use http::{HeaderMap, header};

use crate::codes::{Code, Problem};
use crate::credential::bearer;

/// The tokens, as digests.
#[derive(Clone, Default)]
pub struct Auditors(Vec<Digest>);

impl std::fmt::Debug for Auditors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Auditors").field(&self.0.len()).finish()
    }
}

impl Auditors {
    /// Shorter tokens could be guessed.
    pub const TOKEN_MIN_CHARS: usize = 24;

    /// Whoever has one of these tokens.
    pub fn with<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        Self(tokens.into_iter().map(|token| Digest::of(token.as_bytes())).collect())
    }

    /// Digests are compared, so time tells nothing about a token.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Option<Auditor> {
        let said = Digest::of(bearer(headers.get(header::AUTHORIZATION)?)?.as_bytes());
        self.0.contains(&said).then_some(Auditor(()))
    }
}

/// A request with an auditor's token. Handlers that take it can't be reached without one.
#[derive(Debug, Clone)]
pub(crate) struct Auditor(());

impl<S: Sync> FromRequestParts<S> for Auditor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::plain(Code::Unauthenticated))
    }
}
