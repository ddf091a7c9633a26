//! What changes while somebody looks? A stream of notices; each only names a review, the truth is read again.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use countersign_core::Notice;
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use tokio_stream::wrappers::ReceiverStream;

use crate::Shared;
use crate::codes::{Code, Problem};
use crate::credential::Caller;

/// So often a comment shows that the stream lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// So long a browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);

/// `GET /api/v1/events`.
#[utoipa::path(get, path = "/api/v1/events", tag = "reviews", operation_id = "watch",
    params(("Last-Event-ID" = Option<String>, Header, pattern = "^[0-9]{1,18}$",
        description = "Everything after this event is sent again first")),
    responses((status = 200, content_type = "text/event-stream", body = String,
        description = "Events named `review`, each with the number of the notice as id and \
                       `{\"review\",\"state\",\"version\"}` as data; comments keep the connection alive")))]
pub(crate) async fn stream(
    State(app): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Problem::new(Code::InvalidParameter, "this address takes no parameters"));
    }
    let after = last_event_id(&headers)?;
    let clock = app.console.gate.clock();
    let end = clock.sleep_until(caller.signed_in().session.expires_at);
    let notices = ReceiverStream::new(app.console.gate.notices(after));
    // A session that was ended elsewhere hears nothing more.
    let still_signed_in = move |_: &Notice| {
        let now = app.console.gate.clock().now();
        let signed_in = app.console.identity.reviewer(caller.token(), now);
        std::future::ready(signed_in.is_ok_and(|signed_in| signed_in.is_some()))
    };
    let hello = Event::default().retry(RETRY).comment("watching");
    let events = stream::once(std::future::ready(hello))
        .chain(notices.take_while(still_signed_in).map(|notice| event(&notice)))
        .take_until(end)
        .map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("alive")).into_response())
}

fn event(notice: &Notice) -> Event {
    let data = serde_json::json!({
        "review": notice.review,
        "state": notice.state,
        "version": notice.version,
    });
    Event::default().id(notice.seq.to_string()).event("review").data(data.to_string())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let text = value.to_str().unwrap_or("");
    let plain = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten().map(Some).ok_or_else(|| {
        Problem::new(Code::InvalidParameter, "`Last-Event-ID` is the id of an event of this stream")
    })
}
