//! Who calls, for which resource, in which session? Answered from the headers alone.

use std::sync::Arc;

use axum::response::Response;
use countersign_core::Principal;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, ORIGIN, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};

use super::respond::{json_error, plain};
use super::{SESSION_HEADER, belongs, no_such_session};
use crate::auth::Claims;
use crate::registry::McpProxy;
use crate::served::Served;
use crate::session::Session;

const MODEL: HeaderName = HeaderName::from_static("countersign-model");
const ON_BEHALF_OF: HeaderName = HeaderName::from_static("countersign-on-behalf-of");
const REASON: HeaderName = HeaderName::from_static("countersign-reason");
const CLAIM_MAX_CHARS: usize = 200;

/// A request at the door.
pub(super) struct Door<'a> {
    mcp: &'a McpProxy,
    resource: &'a str,
    headers: &'a HeaderMap,
}

/// A request whose caller is known.
pub(super) struct Entered {
    pub(super) served: Arc<Served>,
    pub(super) principal: Principal,
    pub(super) session: Option<Arc<Session>>,
    pub(super) reason: Option<String>,
}

impl<'a> Door<'a> {
    pub(super) fn of(mcp: &'a McpProxy, resource: &'a str, headers: &'a HeaderMap) -> Self {
        Self { mcp, resource, headers }
    }

    /// Lets the request in, or says no in the protocol's form.
    pub(super) async fn enter(&self) -> Result<Entered, Box<Response>> {
        let now = self.mcp.gate.clock().now();
        let named = self.text(&SESSION_HEADER);
        let session = named.as_deref().and_then(|id| self.mcp.session(id));
        // The claimed name of another agent's session is not used, since that token is not this session's.
        let client = session.as_ref().and_then(|session| session.client().map(str::to_owned));
        let principal = self.authenticate(client).await.ok_or_else(|| Box::new(unauthenticated()))?;
        if self.headers.get(ORIGIN).is_some_and(|origin| !self.allows(origin)) {
            return Err(Box::new(plain(StatusCode::FORBIDDEN)));
        }
        let Some(served) = self.mcp.served(self.resource) else {
            return Err(Box::new(json_error(StatusCode::NOT_FOUND, "null", -32001, "no such resource")));
        };
        if named.is_some() {
            let mine = session.as_ref().filter(|session| belongs(session, principal.agent, self.resource));
            let Some(session) = mine else { return Err(Box::new(no_such_session())) };
            session.touch(&principal, now);
        }
        let reason = self.text(&REASON);
        Ok(Entered { served, principal, session, reason })
    }

    /// The principal with the claimed name of its client.
    pub(super) async fn authenticate(&self, client: Option<String>) -> Option<Principal> {
        let cut = |claim: String| claim.chars().take(CLAIM_MAX_CHARS).collect::<String>();
        let claims = Claims {
            client: client.map(cut),
            model: self.text(&MODEL).map(cut),
            on_behalf_of: self.text(&ON_BEHALF_OF).map(cut),
        };
        self.mcp.authenticate.principal(self.bearer(), &claims, self.mcp.gate.clock().now()).await
    }

    fn bearer(&self) -> Option<&str> {
        let mut values = self.headers.get_all(AUTHORIZATION).iter();
        let value = values.next()?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        let alone = values.next().is_none() && scheme.eq_ignore_ascii_case("bearer");
        alone.then(|| token.trim())
    }

    /// A header as text; empty and unreadable ones count as missing.
    fn text(&self, name: &HeaderName) -> Option<String> {
        let value = self.headers.get(name)?;
        let text = String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// Only a browser sends `Origin`; pages of other sites must not speak for the machine that they run on.
    fn allows(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let host = origin.split_once("://").map(|(_, host)| host).unwrap_or_default();
        let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        let name = name.map_or(host, |(name, _)| name);
        matches!(name, "localhost" | "127.0.0.1" | "[::1]")
            || self.mcp.allowed_origins.iter().any(|allowed| allowed == origin)
    }
}

/// Nothing else is said: not which resource, not what was wrong with the token.
fn unauthenticated() -> Response {
    let mut response = plain(StatusCode::UNAUTHORIZED);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
