//! How is an upstream spoken to that serves Streamable HTTP? One POST per message; its answer is JSON or a stream.

mod headers;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::{Buf, Bytes};
use countersign_gate::{Clock, UpkeepPermit};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming as Body;
use tokio_util::sync::CancellationToken;

use super::exchange::{Belongings, named};
use super::{Event, HttpClient, Inbound, Route, UpstreamError, within};
use crate::codec::{Answer, Incoming, Message, SseReader, one_line};

pub(crate) use headers::{decoded, parameter_text};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
/// How long after its end a listening stream is opened again.
const LISTEN_AGAIN: Duration = Duration::from_secs(2);

/// One agent session's way to an HTTP upstream.
pub(crate) struct Remote {
    shared: Arc<Shared>,
}

struct Shared {
    uri: Uri,
    headers: HeaderMap,
    client: HttpClient,
    limit: usize,
    clock: Arc<dyn Clock>,
    inbound: Weak<dyn Inbound>,
    next: AtomicU64,
    /// The upstream's own session, never shown to the agent.
    session: OnceLock<HeaderValue>,
    /// The version that initialize settled on.
    version: OnceLock<HeaderValue>,
    cancels: Mutex<HashMap<u64, CancellationToken>>,
    /// Set once the session's own stream is listened to.
    listening: OnceLock<()>,
    over: CancellationToken,
}

/// Header values may hold the credential and are not shown.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("uri", &self.shared.uri).finish_non_exhaustive()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.shared.over.cancel();
        let (shared, ended) = (Arc::clone(&self.shared), self.shared.session.get().is_some());
        // Tells the upstream that the session is over; nobody waits for that.
        if let (true, Ok(runtime)) = (ended, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let request = shared.request(Method::DELETE, Bytes::new(), HeaderMap::new());
                let sent = async { shared.client.request(request?).await.map_err(|error| lost(&error)) };
                if let Err(error) = within(&shared.clock, Some(Duration::from_secs(10)), sent).await {
                    tracing::debug!(%error, "the upstream's session could not be ended");
                }
            });
        }
    }
}

impl Remote {
    pub(super) fn new(
        url: &str,
        headers: &BTreeMap<String, String>,
        client: HttpClient,
        limit: usize,
        clock: Arc<dyn Clock>,
        inbound: Weak<dyn Inbound>,
    ) -> Result<Self, UpstreamError> {
        let bad = |what: &str, why: &dyn fmt::Display| {
            UpstreamError::NotSent(format!("the configured {what} is not valid: {why}"))
        };
        let uri: Uri = url.parse().map_err(|error: http::uri::InvalidUri| bad("URL", &error))?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName =
                name.parse().map_err(|error: http::header::InvalidHeaderName| bad("header name", &error))?;
            let mut value: HeaderValue = value
                .parse()
                .map_err(|error: http::header::InvalidHeaderValue| bad("header value", &error))?;
            value.set_sensitive(true);
            map.insert(name, value);
        }
        let shared = Shared {
            uri,
            headers: map,
            client,
            limit,
            clock,
            inbound,
            next: AtomicU64::new(1),
            session: OnceLock::new(),
            version: OnceLock::new(),
            cancels: Mutex::default(),
            listening: OnceLock::new(),
            over: CancellationToken::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(super) fn next_id(&self) -> u64 {
        self.shared.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The version that later requests name in their header.
    pub(crate) fn settle_version(&self, version: &str) {
        if let Ok(value) = HeaderValue::from_str(version) {
            self.shared.version.get_or_init(|| value);
        }
    }

    pub(super) async fn exchange(&self, message: &Message, route: Route) -> Result<Answer, UpstreamError> {
        let cancel = CancellationToken::new();
        self.shared.cancels().insert(route.id, cancel.clone());
        let _forget = Forget { shared: &self.shared, id: route.id };
        let exchanged = within(&self.shared.clock, route.timeout, self.shared.exchange(message, &route));
        tokio::select! {
            biased;
            answer = exchanged => answer,
            () = cancel.cancelled() => Err(UpstreamError::Cancelled),
        }
    }

    pub(super) async fn tell(&self, text: String) -> Result<(), UpstreamError> {
        let request = self.shared.request(Method::POST, Bytes::from(one_line(&text)), HeaderMap::new())?;
        let sent = async { self.shared.client.request(request).await.map_err(|error| lost(&error)) };
        let response = within(&self.shared.clock, Some(Duration::from_secs(30)), sent).await?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(UpstreamError::Refused(format!("HTTP {}", response.status().as_u16())))
    }

    /// Whether there was such a request.
    pub(super) fn cancel(&self, id: u64) -> bool {
        let token = self.shared.cancels().remove(&id);
        token.inspect(CancellationToken::cancel).is_some()
    }

    /// Listens for messages that answer no request, as long as the session lives and the upstream offers it.
    pub(crate) fn listen(&self, _permit: UpkeepPermit) {
        if self.shared.listening.set(()).is_ok() {
            tokio::spawn(listen(Arc::clone(&self.shared)));
        }
    }
}

struct Forget<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.shared.cancels().remove(&self.id);
    }
}

impl Shared {
    fn cancels(&self) -> std::sync::MutexGuard<'_, HashMap<u64, CancellationToken>> {
        self.cancels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(
        &self,
        method: Method,
        body: Bytes,
        extra: HeaderMap,
    ) -> Result<Request<Full<Bytes>>, UpstreamError> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.uri.clone())
            .body(Full::new(body))
            .map_err(|error| UpstreamError::NotSent(error.to_string()))?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        for (name, value) in [(SESSION, self.session.get()), (VERSION, self.version.get())] {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
        headers.extend(extra);
        headers.extend(self.headers.clone());
        Ok(request)
    }

    async fn exchange(&self, message: &Message, route: &Route) -> Result<Answer, UpstreamError> {
        let body = Bytes::from(message.spliced(&route.id.to_string()));
        let extra = headers::mirrored(message, &route.header_parameters)?;
        let request = self.request(Method::POST, body, extra)?;
        let response = self.client.request(request).await.map_err(|error| lost(&error))?;
        if message.method() == "initialize"
            && let Some(session) = response.headers().get(SESSION)
        {
            self.session.get_or_init(|| session.clone());
        }
        if is_stream(&response) {
            if let Some(sink) = &route.sink
                && sink.try_send(Event::Streams).is_err()
            {
                tracing::debug!("the caller left before the upstream began to answer");
            }
            return self.answer_in_stream(response, route).await.map_err(after_head);
        }
        let status = response.status();
        let bytes = self.collect(response).await?;
        let answer = Incoming::parse(bytes).map(Incoming::into_answer);
        match (answer, status.is_success()) {
            (Ok(Some(answer)), _) => Ok(answer),
            (Ok(None), true) => Err(UpstreamError::Garbage("an answer without result or error".to_owned())),
            (Err(error), true) => Err(UpstreamError::Garbage(error.to_string())),
            (_, false) if REFUSALS.contains(&status.as_u16()) => {
                if status == StatusCode::NOT_FOUND && self.session.get().is_some() {
                    self.ended("the upstream no longer knows the session");
                }
                Err(UpstreamError::Refused(format!("HTTP {}", status.as_u16())))
            }
            (_, false) => Err(UpstreamError::Lost(format!("HTTP {}", status.as_u16()))),
        }
    }

    fn ended(&self, why: &str) {
        if let Some(inbound) = self.inbound.upgrade() {
            inbound.ended(why);
        }
    }

    async fn collect(&self, response: Response<Body>) -> Result<Vec<u8>, UpstreamError> {
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| UpstreamError::Lost(error.to_string()))?;
            if let Some(data) = frame.data_ref() {
                bytes.extend_from_slice(data);
            }
            if bytes.len() > self.limit {
                return Err(UpstreamError::Garbage(format!("an answer longer than {} bytes", self.limit)));
            }
        }
        Ok(bytes)
    }

    /// Reads the response stream of one request until its answer. A stream that ends early after naming an event
    /// is taken up again where it ended, as 2025-11-25 allows servers to do.
    async fn answer_in_stream(
        &self,
        response: Response<Body>,
        route: &Route,
    ) -> Result<Answer, UpstreamError> {
        let belongings = Belongings::of(route);
        let mut response = response;
        let mut last_event = None;
        for _ in 0..RESUMES_MAX {
            let read = self.read_stream(response, &mut last_event, |message| {
                self.one_of_stream(message, route.id, &belongings)
            });
            if let Some(answer) = read.await? {
                return Ok(answer);
            }
            let Some(event) = &last_event else { break };
            self.clock.sleep_until(self.clock.now().plus(Duration::from_secs(1))).await;
            response = self.open_stream(Some(event)).await?;
        }
        Err(UpstreamError::Lost("the response stream ended".to_owned()))
    }

    /// Gives the answer to `id`; hands on everything else.
    fn one_of_stream(
        &self,
        message: Incoming,
        id: u64,
        belongings: &Belongings,
    ) -> Result<Option<Answer>, UpstreamError> {
        if message.method().is_none() {
            if message.id().and_then(Incoming::correlator) != Some(id) {
                return Ok(None);
            }
            let missing = || UpstreamError::Garbage("an answer without result or error".to_owned());
            return message.into_answer().ok_or_else(missing).map(Some);
        }
        match named(&message) {
            Some(named) if named.id == id => belongings.deliver(&message, named),
            Some(_) => tracing::debug!("a notification named another request"),
            None => {
                if let Some(inbound) = self.inbound.upgrade() {
                    inbound.take(message, belongings.sink());
                }
            }
        }
        Ok(None)
    }

    async fn open_stream(&self, last_event: Option<&str>) -> Result<Response<Body>, UpstreamError> {
        let mut extra = HeaderMap::new();
        extra.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(value) = last_event.and_then(|event| HeaderValue::from_str(event).ok()) {
            extra.insert(LAST_EVENT, value);
        }
        let request = self.request(Method::GET, Bytes::new(), extra)?;
        let response = self.client.request(request).await.map_err(|error| lost(&error))?;
        if response.status().is_success() && is_stream(&response) {
            return Ok(response);
        }
        Err(UpstreamError::Refused(format!("HTTP {} to a GET", response.status().as_u16())))
    }

    /// Reads events until `take` gives something or the stream ends.
    async fn read_stream<T>(
        &self,
        response: Response<Body>,
        last_event: &mut Option<String>,
        mut take: impl FnMut(Incoming) -> Result<Option<T>, UpstreamError>,
    ) -> Result<Option<T>, UpstreamError> {
        let mut body = response.into_body();
        let mut reader = SseReader::new(self.limit);
        while let Some(frame) = body.frame().await {
            let frame = match frame {
                Ok(frame) => frame,
                Err(_) if last_event.is_some() => return Ok(None),
                Err(error) => return Err(UpstreamError::Lost(error.to_string())),
            };
            let Ok(mut data) = frame.into_data() else { continue };
            let chunk = data.copy_to_bytes(data.remaining());
            let events = reader.feed(&chunk).map_err(|error| UpstreamError::Garbage(error.to_string()))?;
            for event in events {
                if event.id.is_some() {
                    *last_event = event.id;
                }
                if event.data.is_empty() {
                    continue;
                }
                let message = Incoming::parse(event.data);
                let message = message.map_err(|error| UpstreamError::Garbage(error.to_string()))?;
                if let Some(taken) = take(message)? {
                    return Ok(Some(taken));
                }
            }
        }
        Ok(None)
    }
}

/// Statuses of a POST that say that its message was not acted on. Others, such as 409, 408 or 499, may come after it
/// was.
const REFUSALS: [u16; 8] = [400, 401, 403, 404, 405, 406, 413, 415];

/// What failed after the upstream had begun to answer: whatever it was, the message had arrived.
fn after_head(error: UpstreamError) -> UpstreamError {
    match error {
        UpstreamError::NotSent(why) | UpstreamError::Refused(why) => {
            UpstreamError::Lost(format!("its answer can't be fetched: {why}"))
        }
        UpstreamError::Lost(_)
        | UpstreamError::TimedOut(_)
        | UpstreamError::Garbage(_)
        | UpstreamError::Cancelled => error,
    }
}

/// A response stream is taken up again at most so often.
const RESUMES_MAX: usize = 1000;

async fn listen(shared: Arc<Shared>) {
    let mut last_event: Option<String> = None;
    loop {
        let listening = async {
            let response = shared.open_stream(last_event.clone().as_deref()).await?;
            shared
                .read_stream(response, &mut last_event, |message| {
                    if let Some(inbound) = shared.inbound.upgrade() {
                        inbound.take(message, None);
                    }
                    Ok(None::<()>)
                })
                .await
        };
        let ended = tokio::select! {
            ended = listening => ended,
            () = shared.over.cancelled() => return,
        };
        if let Err(error @ (UpstreamError::Refused(_) | UpstreamError::Garbage(_))) = ended {
            tracing::debug!(%error, "the upstream offers no listening stream");
            return;
        }
        let again = shared.clock.sleep_until(shared.clock.now().plus(LISTEN_AGAIN));
        tokio::select! {
            () = again => {}
            () = shared.over.cancelled() => return,
        }
    }
}

fn is_stream(response: &Response<Body>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    response.status().is_success() && kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

fn lost(error: &hyper_util::client::legacy::Error) -> UpstreamError {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    if error.is_connect() { UpstreamError::NotSent(text) } else { UpstreamError::Lost(text) }
}
