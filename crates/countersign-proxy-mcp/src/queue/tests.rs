use super::*;

#[test]
fn what_waits_is_bounded_by_bytes_and_room_returns_with_reading() {
    let (sender, mut receiver) = channel::<String>(1000);
    let piece = "x".repeat(1 << 20);
    let sent = (0..100).take_while(|_| sender.try_send(piece.clone()).is_ok()).count();
    assert_eq!(sent, 16);
    assert_eq!(receiver.try_recv().map(|piece| piece.len()), Some(1 << 20));
    sender.try_send(piece.clone()).unwrap();
    assert!(sender.try_send(piece).is_err());
}

#[test]
fn one_message_longer_than_the_bound_passes_alone() {
    let (sender, mut receiver) = channel::<String>(10);
    sender.try_send("x".repeat(BYTES_MAX + 1)).unwrap();
    assert!(sender.try_send("y".to_owned()).is_err());
    receiver.try_recv().unwrap();
    sender.try_send("y".to_owned()).unwrap();
}

#[test]
fn what_waits_is_bounded_by_count() {
    let (sender, receiver) = channel::<String>(2);
    let sent = (0..5).filter(|_| sender.try_send(String::new()).is_ok()).count();
    assert_eq!(sent, 2);
    drop(receiver);
    assert!(sender.try_send(String::new()).is_err());
}
