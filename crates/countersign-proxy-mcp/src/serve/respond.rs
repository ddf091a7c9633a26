//! How is one request answered: as JSON when the answer is there, as a stream of events while it is not?

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use countersign_core::Timestamp;
use countersign_gate::{Clock, Ticket};
use futures_util::StreamExt as _;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use crate::codec::{error, event};
use crate::queue;
use crate::upstream::Event;

/// A request that is not answered within this time gets its headers, so that no first-byte timer runs out.
const QUIET: Duration = Duration::from_secs(3);
/// A waiting request shows life this often.
const TICK: Duration = Duration::from_secs(10);

/// How this caller wants to be answered.
pub(super) struct Manner {
    /// Whether it takes a stream of events.
    pub(super) streams: bool,
    /// Whether it speaks 2026-07-28, where some errors have their own HTTP status.
    pub(super) stateless: bool,
    /// Its progress token, as it was written.
    pub(super) token: Option<String>,
    pub(super) hold: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

pub(super) fn plain(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

pub(super) fn json(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn json_error(status: StatusCode, id: &str, code: i32, text: &str) -> Response {
    json(status, error(id, code, text, None))
}

pub(super) fn stream_headers(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
}

/// Answers with `call`'s text. The call is polled by the response itself: when the caller goes away the response
/// is dropped, and the call with it.
pub(super) async fn respond(
    call: impl Future<Output = Option<String>> + Send + 'static,
    mut events: queue::Receiver<Event>,
    manner: Manner,
) -> Response {
    let mut call: Calling = Box::pin(call);
    let mut first = None;
    if manner.streams {
        let quiet = manner.clock.sleep_until(manner.clock.now().plus(QUIET));
        let early = tokio::select! {
            biased;
            event = events.recv() => { first = event; None }
            answer = &mut call => Some(answer),
            () = quiet => None,
        };
        if let Some(answer) = early {
            // The answer may have come in the same breath as events that belong before it.
            first = events.try_recv();
            if first.is_none() {
                return answered(answer, manner.stateless);
            }
            call = Box::pin(std::future::ready(answer));
        }
    } else {
        return answered(call.await, manner.stateless);
    }
    let now = manner.clock.now();
    let mut streaming =
        Streaming { call: Some(call), events, next_tick: now.plus(TICK), waiting: None, manner };
    let begin = first.map_or_else(|| ":\n\n".to_owned(), |event| streaming.show(event));
    let begin = futures_util::stream::once(async move { Ok::<_, Infallible>(Bytes::from(begin)) });
    let rest = futures_util::stream::unfold(streaming, |mut streaming| async move {
        let chunk = streaming.next().await?;
        Some((Ok(Bytes::from(chunk)), streaming))
    });
    let mut response = Response::new(Body::from_stream(begin.chain(rest)));
    stream_headers(response.headers_mut());
    response
}

type Calling = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

fn answered(answer: Option<String>, stateless: bool) -> Response {
    let Some(text) = answer else {
        // Cancelled by its caller, who expects no message; the request itself still wants an end.
        let mut response = plain(StatusCode::OK);
        stream_headers(response.headers_mut());
        return response;
    };
    let status = if stateless { status_of(&text) } else { StatusCode::OK };
    json(status, text)
}

/// The HTTP status that 2026-07-28 asks for with some errors.
fn status_of(answer: &str) -> StatusCode {
    let code = answer.get(..200.min(answer.len())).unwrap_or(answer);
    if !code.contains("\"error\":") {
        return StatusCode::OK;
    }
    let has = |number: &str| code.contains(&format!("\"code\":{number}"));
    if ["-32020", "-32021", "-32022"].into_iter().any(has) {
        StatusCode::BAD_REQUEST
    } else if has("-32601") {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    }
}

/// A request that is answered as a stream.
struct Streaming {
    call: Option<Calling>,
    events: queue::Receiver<Event>,
    next_tick: Timestamp,
    waiting: Option<(Ticket, Timestamp)>,
    manner: Manner,
}

impl Streaming {
    /// The next piece of the stream; `None` at its end.
    async fn next(&mut self) -> Option<String> {
        let call = self.call.as_mut()?;
        let answer = tokio::select! {
            biased;
            Some(event) = self.events.recv() => return Some(self.show(event)),
            answer = call => answer,
            () = self.manner.clock.sleep_until(self.next_tick) => return Some(self.sign_of_life()),
        };
        self.call = None;
        let mut last = String::new();
        while let Some(event) = self.events.try_recv() {
            last.push_str(&self.show(event));
        }
        last.push_str(&answer.map(|answer| event(None, &answer)).unwrap_or_default());
        Some(last)
    }

    fn show(&mut self, shown: Event) -> String {
        match shown {
            Event::Streams => ":\n\n".to_owned(),
            Event::Message(text) => {
                // It runs now: from here on progress is the upstream's.
                self.waiting = None;
                event(None, &text)
            }
            Event::Held(ticket) => {
                self.waiting = Some((ticket, self.manner.clock.now().plus(self.manner.hold)));
                self.sign_of_life()
            }
        }
    }

    /// Progress must rise. Seconds until the hold ends, below zero, leave everything from zero up to the upstream.
    fn sign_of_life(&mut self) -> String {
        let now = self.manner.clock.now();
        self.next_tick = now.plus(TICK);
        let Some((ticket, until)) = &self.waiting else { return ":\n\n".to_owned() };
        let Some(token) = &self.manner.token else {
            return format!(": waiting for approval {}\n\n", ticket.review);
        };
        let left = until.since(now).as_millis();
        let text = json!(format!("waiting for approval {}: {}", ticket.review, ticket.link));
        let progress =
            if left == 0 { "-0.001".to_owned() } else { format!("-{}.{:03}", left / 1000, left % 1000) };
        let message = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":{token},\
             \"progress\":{progress},\"message\":{text}}}}}"
        );
        event(None, &message)
    }
}

#[cfg(test)]
mod tests;
