//! Which message was posted, and is everything about it in order before anybody acts on it?

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use countersign_core::Principal;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;

use super::body::{self, BodyError};
use super::door::{Door, Entered};
use super::respond::{Manner, json, json_error, plain, respond};
use super::{SESSION_HEADER, no_such_session};
use crate::call::Call;
use crate::codec::{Message, Shape, View, error, reframe};
use crate::explain::{INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, UPSTREAM, upstream};
use crate::mirror::{
    MISMATCH, SESSION_VERSIONS, STATELESS_VERSION, UNSUPPORTED, VERSION_HEADER, is_stateless, lacking,
    standard,
};
use crate::queue;
use crate::registry::{McpProxy, OpenError};
use crate::session::{Era, Session};
use crate::tasks::{initialized, settled};

/// What a client tells a server without asking it for anything. Everything else is not passed on.
const NOTIFICATIONS: [&str; 4] = [
    "notifications/initialized",
    "notifications/progress",
    "notifications/cancelled",
    "notifications/roots/list_changed",
];

/// Events of one request that wait for a slow reader.
const EVENTS_MAX: usize = 256;

pub(super) async fn handle(mcp: Arc<McpProxy>, entered: Entered, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    if let Some(refused) = wrong_types(&headers) {
        return refused;
    }
    let limit = entered.served.config.max_message_bytes;
    let bytes = match body::read(&headers, body, limit).await {
        Ok(bytes) => bytes,
        Err(BodyError::TooLarge) => {
            let text = format!("the message is longer than {limit} bytes");
            return json_error(StatusCode::PAYLOAD_TOO_LARGE, "null", INVALID_REQUEST, &text);
        }
        Err(BodyError::TooSlow) => return plain(StatusCode::REQUEST_TIMEOUT),
        Err(BodyError::Broken) => return plain(StatusCode::BAD_REQUEST),
    };
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(malformed) => {
            return json_error(StatusCode::BAD_REQUEST, "null", malformed.code(), &malformed.to_string());
        }
    };
    let posted = Posted { mcp, entered, headers, message: Arc::new(message) };
    if is_stateless(&posted.message) || posted.version() == Some(STATELESS_VERSION) {
        return posted.stateless().await;
    }
    posted.in_session().await
}

fn wrong_types(headers: &HeaderMap) -> Option<Response> {
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let essence = header(CONTENT_TYPE).and_then(|kind| kind.split(';').next()).map(str::trim);
    if !essence.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return Some(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let accept = header(ACCEPT).unwrap_or("*/*");
    let json = ["application/json", "*/*", "application/*"].iter().any(|kind| accept.contains(kind));
    (!json).then(|| plain(StatusCode::NOT_ACCEPTABLE))
}

/// A well-formed message of a known caller.
struct Posted {
    mcp: Arc<McpProxy>,
    entered: Entered,
    headers: HeaderMap,
    message: Arc<Message>,
}

impl Posted {
    fn version(&self) -> Option<&str> {
        self.headers.get(VERSION_HEADER).and_then(|version| version.to_str().ok())
    }

    fn id(&self) -> &str {
        self.message.id().unwrap_or("null")
    }

    fn refuse(&self, code: i32, text: &str) -> Response {
        json_error(StatusCode::BAD_REQUEST, self.id(), code, text)
    }

    fn unsupported(&self, requested: &str, supported: &[&str]) -> Response {
        let data = json!({ "supported": supported, "requested": requested });
        let text = error(self.id(), UNSUPPORTED, "Unsupported protocol version", Some(data));
        json(StatusCode::BAD_REQUEST, text)
    }

    /// A message of 2026-07-28.
    async fn stateless(self) -> Response {
        if self.message.shape() == Shape::Request
            && let Some(lacking) = lacking(&self.message)
        {
            return self.refuse(INVALID_PARAMS, &lacking);
        }
        if let Some(mismatch) = standard(&self.headers, &self.message) {
            return self.refuse(MISMATCH, &mismatch);
        }
        match self.version() {
            Some(STATELESS_VERSION) => {}
            requested => return self.unsupported(requested.unwrap_or_default(), &[STATELESS_VERSION]),
        }
        if self.message.shape() == Shape::Response {
            return self.refuse(INVALID_REQUEST, "clients send no responses in this protocol version");
        }
        let client = self.message.meta("io.modelcontextprotocol/clientInfo").map(client_name);
        let principal = self.named(client.clone()).await;
        let Some(principal) = principal else { return plain(StatusCode::UNAUTHORIZED) };
        let session = match self.mcp.stateless(&self.entered.served, &principal).await {
            Ok(session) => session,
            Err(refused) => return self.not_opened(&refused),
        };
        session.touch(&principal, self.entered.served.now());
        if self.message.shape() == Shape::Notification {
            return plain(StatusCode::ACCEPTED);
        }
        let headers = Some(self.headers.clone());
        self.request(session, principal, headers).await
    }

    /// A message of the versions with sessions.
    async fn in_session(self) -> Response {
        let version = self.version().map(str::to_owned);
        if let Some(version) = version.filter(|version| !SESSION_VERSIONS.contains(&version.as_str())) {
            let supported: Vec<&str> = SESSION_VERSIONS.into_iter().chain([STATELESS_VERSION]).collect();
            return self.unsupported(&version, &supported);
        }
        let initializes = self.message.method() == "initialize";
        match (&self.entered.session, initializes) {
            (None, true) => return self.initialize().await,
            (Some(_), true) => return self.refuse(INVALID_REQUEST, "the session is already initialized"),
            (None, false) => {
                return self
                    .refuse(INVALID_REQUEST, "the header `Mcp-Session-Id` is missing; initialize first");
            }
            (Some(_), false) => {}
        }
        let Some(session) = self.entered.session.clone() else { return no_such_session() };
        match self.message.shape() {
            Shape::Request => {
                let principal = self.entered.principal.clone();
                self.request(session, principal, None).await
            }
            Shape::Response => {
                session.answered(Arc::unwrap_or_clone(self.message));
                plain(StatusCode::ACCEPTED)
            }
            // A server might run a method without an id as well, so nothing but these goes on unjudged.
            Shape::Notification if !NOTIFICATIONS.contains(&self.message.method()) => {
                self.refuse(METHOD_NOT_FOUND, "clients send no such notification; a request needs an `id`")
            }
            Shape::Notification => {
                notify(&session, &self.message).await;
                plain(StatusCode::ACCEPTED)
            }
        }
    }

    async fn named(&self, client: Option<String>) -> Option<Principal> {
        Door::of(&self.mcp, self.entered.served.name(), &self.headers).authenticate(client).await
    }

    fn not_opened(&self, refused: &OpenError) -> Response {
        match refused {
            OpenError::Upstream(failure) => json(StatusCode::OK, upstream(self.id(), failure)),
            OpenError::TooMany(_) => {
                let data = json!({ "code": "too_many_sessions" });
                let text = error(self.id(), UPSTREAM, &refused.to_string(), Some(data));
                json(StatusCode::TOO_MANY_REQUESTS, text)
            }
            // Not one of the codes of 2026-07-28, so that a client that knows older versions falls back.
            OpenError::Legacy => self.refuse(INVALID_REQUEST, &refused.to_string()),
        }
    }

    async fn initialize(self) -> Response {
        let client = self.message.param("clientInfo").map(client_name);
        let Some(principal) = self.named(client.clone()).await else {
            return plain(StatusCode::UNAUTHORIZED);
        };
        let session = match self.mcp.open(&self.entered.served, principal.clone()) {
            Ok(session) => session,
            Err(refused) => return self.not_opened(&refused),
        };
        if let Some(client) = client {
            session.name_client(client);
        }
        let (sink, _events) = queue::channel(EVENTS_MAX);
        let message = Arc::clone(&self.message);
        let call =
            Call { session: Arc::clone(&session), principal, message, reason: None, headers: None, sink };
        let answer = match call.relay(&crate::session::CallState::default()).await {
            Ok(answer) => answer,
            Err(failure) => {
                self.mcp.close(&session.id);
                return json(StatusCode::OK, upstream(self.id(), &failure));
            }
        };
        let mut text = reframe(self.id(), &answer.keepable()).unwrap_or_default();
        if answer.is_error() {
            self.mcp.close(&session.id);
            return json(StatusCode::OK, text);
        }
        if let (Ok(link), Some(settled)) = (session.link(), settled(answer.body())) {
            link.settle_version(&settled.version);
            if let Some(result) = initialized(answer.body(), &settled) {
                text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}", self.id());
            }
            session.settle(settled);
        }
        let mut response = json(StatusCode::OK, text);
        if let Ok(id) = HeaderValue::from_str(&session.id) {
            response.headers_mut().insert(SESSION_HEADER, id);
        }
        response
    }

    async fn request(
        self,
        session: Arc<Session>,
        principal: Principal,
        headers: Option<HeaderMap>,
    ) -> Response {
        let streams = self
            .headers
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/event-stream") || accept.contains("*/*"));
        let manner = Manner {
            streams,
            stateless: session.era == Era::Stateless,
            token: self.message.token().map(str::to_owned),
            hold: self.entered.served.hold(session.client()),
            clock: Arc::clone(self.entered.served.clock()),
        };
        let (sink, events) = queue::channel(EVENTS_MAX);
        let reason = self.entered.reason.clone();
        let call = Call { session, principal, message: self.message, reason, headers, sink };
        respond(call.answer(), events, manner).await
    }
}

/// Passes on a notification of the agent. A cancellation names our request, not the agent's.
async fn notify(session: &Arc<Session>, message: &Message) {
    if message.method() == "notifications/cancelled" {
        if let Some(id) = message.param("requestId") {
            session.cancel(id.raw());
        }
        return;
    }
    let text = message.replaced(0..0, "");
    if let Err(error) = session.tell(text).await {
        tracing::debug!(%error, "a notification could not be passed on");
    }
    if message.method() == "notifications/initialized"
        && let Ok(link) = session.link()
    {
        link.listen(session.served.gate.upkeep(&session.principal()));
    }
}

fn client_name(info: View<'_>) -> String {
    let part = |name| info.get(name).and_then(|part| part.string()).unwrap_or(Cow::Borrowed("?"));
    format!("{}/{}", part("name"), part("version"))
}
