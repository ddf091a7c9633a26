//! Is a witness that doesn't answer, or answers without end, given up?

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Answers every connection with these bytes, then with nothing.
async fn answering(answer: String) -> Remote {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _read = stream.read(&mut request).await;
                let _sent = stream.write_all(answer.as_bytes()).await;
                std::future::pending::<()>().await;
            });
        }
    });
    Remote::new(&format!("http://{address}"))
}

/// Time stands still but for timers, so that waiting costs nothing.
#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_or_end_is_given_up() {
    for head in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"] {
        let remote = answering(head.to_owned()).await;
        assert!(matches!(remote.ask("old 0".to_owned()).await, Err(RemoteError::Late { .. })), "{head}");
    }
}

#[tokio::test]
async fn an_answer_without_bounds_is_refused() {
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(NOTE_MAX_BYTES + 1));
    let remote = answering(endless).await;
    assert!(matches!(remote.ask("old 0".to_owned()).await, Err(RemoteError::Body { .. })));
}

#[tokio::test]
async fn a_witness_that_is_not_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let asked = Remote::new(&format!("http://{address}")).ask("old 0".to_owned()).await;
    assert!(matches!(asked, Err(RemoteError::Send { .. })));
}
