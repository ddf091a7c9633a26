use super::*;

/// Whether the stream has ended.
fn ended(mut stream: queue::Receiver<String>) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::pin!(stream.recv()).poll(&mut context) == std::task::Poll::Ready(None)
}

fn drained(stream: &mut queue::Receiver<String>) -> Vec<String> {
    std::iter::from_fn(|| stream.try_recv()).collect()
}

#[test]
fn messages_wait_for_a_stream_and_come_once() {
    let outbox = Outbox::default();
    outbox.push("a");
    let mut first = outbox.open(None);
    outbox.push("b");
    assert_eq!(drained(&mut first), ["id: 1\ndata: a\n\n", "id: 2\ndata: b\n\n"]);
    let mut second = outbox.open(None);
    assert_eq!(drained(&mut second), Vec::<String>::new());
    assert!(ended(first), "the stream before has ended");
}

#[test]
fn a_stream_that_broke_is_taken_up_after_the_last_event_seen() {
    let outbox = Outbox::default();
    drop(outbox.open(None));
    for message in ["a", "b", "c"] {
        outbox.push(message);
    }
    let mut again = outbox.open(Some(1));
    assert_eq!(drained(&mut again), ["id: 2\ndata: b\n\n", "id: 3\ndata: c\n\n"]);
}

#[test]
fn what_is_kept_is_bounded() {
    let outbox = Outbox::default();
    for _ in 0..1000 {
        outbox.push(&"x".repeat(10_000));
    }
    let kept = drained(&mut outbox.open(None));
    assert!(kept.len() <= 105, "{}", kept.len());
}

#[test]
fn a_closed_outbox_ends_its_stream() {
    let outbox = Outbox::default();
    let stream = outbox.open(None);
    outbox.close();
    assert!(ended(stream));
    assert!(ended(outbox.open(None)));
}
