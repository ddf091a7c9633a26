//! Does an answer lose what came just before it?

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use countersign_testkit::FakeClock;
use http_body_util::BodyExt as _;

use super::*;

fn manner(streams: bool) -> Manner {
    let clock = Arc::new(FakeClock::default());
    Manner { streams, stateless: false, token: None, hold: Duration::from_secs(45), clock }
}

/// A call that has its events and its answer in one breath.
async fn at_once(events: Vec<Event>, streams: bool) -> Response {
    let (sink, queue) = queue::channel(8);
    let call = async move {
        for event in events {
            sink.try_send(event).unwrap();
        }
        Some("{\"id\":1}".to_owned())
    };
    respond(call, queue, manner(streams)).await
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn an_answer_that_comes_together_with_events_comes_after_them() {
    let events =
        vec![Event::Streams, Event::Message("{\"a\":1}".to_owned()), Event::Message("{\"a\":2}".to_owned())];
    let response = at_once(events, true).await;
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
    let text = text(response).await;
    let places: Vec<_> =
        ["{\"a\":1}", "{\"a\":2}", "{\"id\":1}"].iter().map(|part| text.find(part).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test]
async fn an_upstream_that_streams_at_once_is_answered_as_a_stream_each_time() {
    let response = at_once(vec![Event::Streams], true).await;
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
}

#[tokio::test]
async fn an_answer_alone_is_json() {
    let response = at_once(vec![], true).await;
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    let response = at_once(vec![Event::Streams], false).await;
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
}
