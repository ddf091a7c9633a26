//! How does a message reach the protected server, and how does its answer come back?
//!
//! Every function here that writes takes a permit by value: [`Permit`] for what was judged, [`UpkeepPermit`] for
//! the protocol's own upkeep. There is no other way out.

mod exchange;
mod http;
mod stdio;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use countersign_core::Timestamp;
use countersign_gate::{Clock, Permit, Ticket, UpkeepPermit};

use crate::codec::{Answer, Incoming, Message};
use crate::config::{ResourceConfig, Upstream};
use crate::queue::{self, Weighs};

pub(crate) use http::{decoded, parameter_text};
pub(crate) use tls::{HttpClient, client};

/// What happens while one request of an agent is under way.
#[derive(Debug)]
pub(crate) enum Event {
    /// The upstream answers with a stream; so the agent gets one as well.
    Streams,
    /// A message for the agent that belongs to this request.
    Message(String),
    /// The request waits for people.
    Held(Ticket),
}

/// Where the events of one request go. Bounded: an agent that doesn't read loses progress, not the answer.
pub(crate) type Sink = queue::Sender<Event>;

impl Weighs for Event {
    fn bytes(&self) -> usize {
        match self {
            Self::Message(text) => text.len(),
            Self::Streams | Self::Held(_) => 0,
        }
    }
}

/// Why no answer came.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("the upstream could not be reached; nothing was sent: {0}")]
    NotSent(String),
    #[error("the upstream refused the request: {0}")]
    Refused(String),
    #[error("the connection to the upstream ended before its answer: {0}")]
    Lost(String),
    #[error("the upstream did not answer within {0} seconds")]
    TimedOut(u64),
    #[error("the upstream answered something that is not MCP: {0}")]
    Garbage(String),
    #[error("the call was cancelled by its caller after it had been sent")]
    Cancelled,
}

impl UpstreamError {
    /// The stable code.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::NotSent(_) => "upstream_unreachable",
            Self::Refused(_) => "upstream_refused",
            Self::Lost(_) => "upstream_lost",
            Self::TimedOut(_) => "upstream_timeout",
            Self::Garbage(_) => "upstream_garbage",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the request provably did nothing.
    pub(crate) const fn did_nothing(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::Refused(_))
    }
}

/// How one request is correlated and what belongs to it.
#[derive(Debug, Default)]
pub(crate) struct Route {
    /// Our id for it on this link, from [`Link::next_id`]; also its progress token there.
    pub(crate) id: u64,
    /// The agent's own id, as it was written.
    pub(crate) agent_id: Option<String>,
    /// The agent's own progress token, as it was written.
    pub(crate) token: Option<String>,
    /// Where its events go.
    pub(crate) sink: Option<Sink>,
    /// How long the answer may take; `None` for streams that live long.
    pub(crate) timeout: Option<Duration>,
    /// Names of tool parameters that the server wants repeated in headers, with their paths.
    pub(crate) header_parameters: Vec<(String, Vec<String>)>,
}

/// Who takes messages of the upstream that answer no request.
pub(crate) trait Inbound: Send + Sync + 'static {
    /// Must not block. `near` is the request that the message belongs to, as far as that can be known.
    fn take(&self, message: Incoming, near: Option<&Sink>);
    /// The link is over; nothing more will come.
    fn ended(&self, why: &str);
}

/// One way to one upstream, owned by one session.
#[derive(Debug)]
pub(crate) enum Link {
    Stdio(stdio::Child),
    Http(http::Remote),
}

impl Link {
    /// Starts the child process, or prepares the connection.
    pub(crate) fn start(
        config: &ResourceConfig,
        http: &HttpClient,
        clock: Arc<dyn Clock>,
        inbound: std::sync::Weak<dyn Inbound>,
    ) -> Result<Self, UpstreamError> {
        let limit = config.max_answer_bytes;
        match &config.upstream {
            Upstream::Stdio { command, args, env, cwd } => {
                let program = stdio::Program { command, args, env, cwd: cwd.as_deref() };
                stdio::Child::start(&program, limit, clock, inbound).map(Self::Stdio)
            }
            Upstream::Http { url, headers } => {
                http::Remote::new(url, headers, http.clone(), limit, clock, inbound).map(Self::Http)
            }
        }
    }

    pub(crate) fn next_id(&self) -> u64 {
        match self {
            Self::Stdio(child) => child.next_id(),
            Self::Http(remote) => remote.next_id(),
        }
    }

    /// Sends a judged request: the permitted bytes with our correlators, nothing else. `received` is the message
    /// as this caller sent it; when its text is the permitted one it need not be read again.
    pub(crate) async fn call(
        &self,
        permit: Permit,
        received: &Message,
        route: Route,
    ) -> Result<Answer, UpstreamError> {
        let payload = permit.action().payload();
        if payload == received.text().as_bytes() {
            return self.exchange(received, route).await;
        }
        // An earlier sending of the same request was the one that people saw; that one is sent.
        let approved = Message::parse(payload.to_vec()).map_err(|source| {
            UpstreamError::NotSent(format!("the approved bytes can't be read: {source}"))
        })?;
        self.exchange(&approved, route).await
    }

    /// Sends a request of the protocol's upkeep.
    pub(crate) async fn ask(
        &self,
        _permit: UpkeepPermit,
        message: &Message,
        route: Route,
    ) -> Result<Answer, UpstreamError> {
        self.exchange(message, route).await
    }

    /// Sends a message that nobody answers.
    pub(crate) async fn tell(&self, _permit: UpkeepPermit, text: String) -> Result<(), UpstreamError> {
        match self {
            Self::Stdio(child) => child.tell(&text).await,
            Self::Http(remote) => remote.tell(text).await,
        }
    }

    /// Stops waiting for a request that was sent, and tells the upstream so.
    pub(crate) async fn cancel(&self, _permit: UpkeepPermit, id: u64) {
        let text = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":{id}}}}}"
        );
        let told = match self {
            Self::Stdio(child) if child.cancel(id) => child.tell(&text).await,
            Self::Http(remote) if remote.cancel(id) => remote.tell(text).await,
            Self::Stdio(_) | Self::Http(_) => Ok(()),
        };
        if let Err(error) = told {
            tracing::debug!(%error, "a cancellation could not be passed on");
        }
    }

    /// The version that `initialize` settled on; HTTP upstreams want it in every later request.
    pub(crate) fn settle_version(&self, version: &str) {
        if let Self::Http(remote) = self {
            remote.settle_version(version);
        }
    }

    /// Listens for messages that answer no request. On stdio they come anyway.
    pub(crate) fn listen(&self, permit: UpkeepPermit) {
        if let Self::Http(remote) = self {
            remote.listen(permit);
        }
    }

    async fn exchange(&self, message: &Message, route: Route) -> Result<Answer, UpstreamError> {
        match self {
            Self::Stdio(child) => child.exchange(message, route).await,
            Self::Http(remote) => remote.exchange(message, route).await,
        }
    }
}

/// `future`, unless `timeout` passes first.
async fn within<T>(
    clock: &Arc<dyn Clock>,
    timeout: Option<Duration>,
    future: impl Future<Output = Result<T, UpstreamError>>,
) -> Result<T, UpstreamError> {
    let Some(timeout) = timeout else { return future.await };
    let until: Timestamp = clock.now().plus(timeout);
    tokio::select! {
        biased;
        answer = future => answer,
        () = clock.sleep_until(until) => Err(UpstreamError::TimedOut(timeout.as_secs())),
    }
}
