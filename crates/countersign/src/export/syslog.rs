//! How does a batch reach a syslog receiver? Over one TCP connection that is kept. Syslog has no answers: what was written
//! counts as taken, and when the receiver is found to have hung up, the last batch is sent again over a new connection.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::SendError;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const WRITE_WITHIN: Duration = Duration::from_secs(30);

pub(super) struct Sender {
    address: String,
    stream: Option<TcpStream>,
}

impl Sender {
    pub(super) fn new(address: String) -> Self {
        Self { address, stream: None }
    }

    /// Writes frames.
    pub(super) async fn send(&mut self, frames: &[u8]) -> Result<(), SendError> {
        let failed = |source| SendError::Syslog { address: self.address.clone(), source };
        let mut stream = match self.stream.take() {
            Some(stream) if hung_up(&stream) => return Err(SendError::Hung),
            Some(stream) => stream,
            None => within(CONNECT_WITHIN, TcpStream::connect(&self.address)).await.map_err(failed)?,
        };
        within(WRITE_WITHIN, stream.write_all(frames)).await.map_err(failed)?;
        self.stream = Some(stream);
        Ok(())
    }
}

async fn within<T>(span: Duration, job: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    tokio::time::timeout(span, job).await.unwrap_or_else(|_late| Err(Error::from(ErrorKind::TimedOut)))
}

/// Whether the receiver has closed. Whatever it says is nothing that is waited for.
fn hung_up(stream: &TcpStream) -> bool {
    let mut said = [0; 1024];
    loop {
        match stream.try_read(&mut said) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}
