//! What does an HTTP request of an agent ask for, and may it ask at all? The door of the agent listener.

mod body;
mod door;
mod post;
mod respond;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::any;
use futures_util::StreamExt as _;
use http::header::{HeaderName, HeaderValue};
use http::{Method, StatusCode};

use crate::queue;
use crate::registry::McpProxy;
use crate::session::{Busy, Era, Session};
use door::{Door, Entered};
use respond::{json_error, plain, stream_headers};

const SESSION_HEADER: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT_HEADER: HeaderName = HeaderName::from_static("last-event-id");
/// A listening stream shows life this often.
const KEEP_ALIVE: std::time::Duration = std::time::Duration::from_secs(15);

/// The routes of the MCP proxy: `/mcp/{resource}`.
pub fn router(mcp: Arc<McpProxy>) -> Router {
    Router::new().route("/mcp/{resource}", any(handle)).with_state(mcp)
}

async fn handle(
    State(mcp): State<Arc<McpProxy>>,
    Path(resource): Path<String>,
    request: Request,
) -> Response {
    // Who calls comes first: before the body is read, before the resource is looked up.
    let entered = match Door::of(&mcp, &resource, request.headers()).enter().await {
        Ok(entered) => entered,
        Err(refused) => return *refused,
    };
    match *request.method() {
        Method::POST => post::handle(mcp, entered, request).await,
        Method::GET => listen(mcp, &entered, &request),
        Method::DELETE => end(&mcp, &entered),
        _ => {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(http::header::ALLOW, HeaderValue::from_static("GET, POST, DELETE"));
            response
        }
    }
}

/// Opens the session's own stream to the agent.
fn listen(mcp: Arc<McpProxy>, entered: &Entered, request: &Request) -> Response {
    let Some(session) = &entered.session else {
        // Without a session there is no such stream, as 2026-07-28 has it.
        return plain(StatusCode::METHOD_NOT_ALLOWED);
    };
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if !header(&http::header::ACCEPT).is_some_and(|accept| accept.contains("text/event-stream")) {
        return plain(StatusCode::NOT_ACCEPTABLE);
    }
    let after = header(&LAST_EVENT_HEADER).and_then(|number| number.parse().ok());
    let events = session.outbox.open(after);
    let listening = Listening {
        mcp,
        headers: request.headers().clone(),
        events,
        clock: Arc::clone(entered.served.clock()),
        session: Arc::clone(session),
        _busy: session.busy(),
    };
    let stream = futures_util::stream::unfold(listening, |mut listening| async move {
        let next = listening.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes::Bytes::from(next)), listening))
    });
    let mut response = Response::new(Body::from_stream(stream.boxed()));
    stream_headers(response.headers_mut());
    response
}

/// An open listening stream.
struct Listening {
    mcp: Arc<McpProxy>,
    headers: http::HeaderMap,
    events: queue::Receiver<String>,
    clock: Arc<dyn countersign_gate::Clock>,
    session: Arc<Session>,
    _busy: Busy,
}

impl Listening {
    /// The next piece. Ends when the session does, or when the token that opened the stream is no longer good.
    async fn next(&mut self) -> Option<String> {
        let piece = tokio::select! {
            biased;
            event = self.events.recv() => event?,
            () = self.clock.sleep_until(self.clock.now().plus(KEEP_ALIVE)) => ":\n\n".to_owned(),
        };
        let door = Door::of(&self.mcp, self.session.served.name(), &self.headers);
        door.authenticate(None).await.filter(|principal| principal.agent == self.session.agent)?;
        Some(piece)
    }
}

fn end(mcp: &McpProxy, entered: &Entered) -> Response {
    match &entered.session {
        Some(session) if session.era == Era::Sessions => {
            mcp.close(&session.id);
            plain(StatusCode::NO_CONTENT)
        }
        Some(_) | None => plain(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// A session that the caller may not see does not exist.
fn no_such_session() -> Response {
    json_error(StatusCode::NOT_FOUND, "null", -32001, "Session not found")
}

fn belongs(session: &Session, entered_agent: countersign_core::AgentId, resource: &str) -> bool {
    session.agent == entered_agent && session.served.name() == resource
}

#[cfg(test)]
mod tests;
