//! Who is calling? A person with a session, from a cookie (browsers) or a bearer token (programs); never an agent.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use countersign_core::{Digest, Reviewer, Timestamp};
use countersign_identity::{Identity, SignedIn};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};

use crate::codes::{Code, Problem, store_unavailable};
use crate::site::Site;

/// How the session's token arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// The browser sent it by itself, so the request must also prove that a page of ours made it.
    Cookie,
    /// A program put it there.
    Bearer,
}

/// A signed-in person and the session. Handlers that take it can't be reached without one.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Inner>);

struct Inner {
    signed_in: SignedIn,
    token: String,
    via: Via,
}

impl Caller {
    /// Who this request is from, if anybody. A bearer token that is no people session is refused even where nobody
    /// needs to be signed in: agents have no business on this listener.
    pub(crate) fn of(
        headers: &HeaderMap,
        site: &Site,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<Option<Self>, Problem> {
        let (token, via) = match headers.get(header::AUTHORIZATION) {
            Some(value) => (bearer(value).ok_or_else(not_a_session)?, Via::Bearer),
            None => match cookie(headers, cookie_name(site)) {
                Some(token) => (token, Via::Cookie),
                None => return Ok(None),
            },
        };
        let signed_in = identity.reviewer(token, now).map_err(|error| store_unavailable(&error))?;
        match (signed_in, via) {
            (Some(signed_in), _) => {
                Ok(Some(Self(Arc::new(Inner { signed_in, token: token.to_owned(), via }))))
            }
            (None, Via::Bearer) => Err(not_a_session()),
            (None, Via::Cookie) => Ok(None),
        }
    }

    /// The person as the gate knows reviewers.
    pub(crate) fn reviewer(&self) -> &Reviewer {
        &self.0.signed_in.reviewer
    }

    /// The person with session and CSRF token.
    pub(crate) fn signed_in(&self) -> &SignedIn {
        &self.0.signed_in
    }

    /// The session's secret.
    pub(crate) fn token(&self) -> &str {
        &self.0.token
    }

    /// How the token arrived.
    pub(crate) fn via(&self) -> Via {
        self.0.via
    }

    /// Whether `said` is this session's CSRF token. Compares digests, so time tells nothing.
    pub(crate) fn has_csrf(&self, said: &str) -> bool {
        Digest::of(said.as_bytes()) == Digest::of(self.0.signed_in.csrf.as_bytes())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::plain(Code::Unauthenticated))
    }
}

/// The `Set-Cookie` that begins a session.
pub(crate) fn set_cookie(site: &Site, token: &str, max_age_seconds: u64) -> Option<HeaderValue> {
    let secure = if site.secure { "; Secure" } else { "" };
    let name = cookie_name(site);
    let line = format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_seconds}{secure}");
    HeaderValue::from_str(&line).ok()
}

/// The `Set-Cookie` that ends one.
pub(crate) fn clear_cookie(site: &Site) -> Option<HeaderValue> {
    set_cookie(site, "", 0)
}

fn cookie_name(site: &Site) -> &'static str {
    if site.secure { "__Host-countersign" } else { "countersign" }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
}

pub(crate) fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn not_a_session() -> Problem {
    Problem::new(Code::Unauthenticated, "the credential is not a people session")
}

#[cfg(test)]
mod tests;
