//! How much may wait for a slow reader? A channel that is bounded by count and by bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

/// More bytes do not wait, except for one message that is longer by itself.
const BYTES_MAX: usize = 16 << 20;

/// How long a message is.
pub(crate) trait Weighs {
    fn bytes(&self) -> usize;
}

impl Weighs for String {
    fn bytes(&self) -> usize {
        self.len()
    }
}

/// The reader is gone or does not read.
#[derive(Debug, thiserror::Error)]
#[error("the reader is gone or does not read")]
pub(crate) struct NotTaken;

/// Where messages go.
#[derive(Debug)]
pub(crate) struct Sender<T> {
    inner: mpsc::Sender<T>,
    waiting: Arc<AtomicUsize>,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), waiting: Arc::clone(&self.waiting) }
    }
}

/// Where messages come out.
#[derive(Debug)]
pub(crate) struct Receiver<T> {
    inner: mpsc::Receiver<T>,
    waiting: Arc<AtomicUsize>,
}

/// A channel for so many messages.
pub(crate) fn channel<T: Weighs>(count: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel(count);
    let waiting = Arc::new(AtomicUsize::new(0));
    (Sender { inner: sender, waiting: Arc::clone(&waiting) }, Receiver { inner: receiver, waiting })
}

impl<T: Weighs> Sender<T> {
    /// Sends without waiting.
    pub(crate) fn try_send(&self, message: T) -> Result<(), NotTaken> {
        let bytes = message.bytes();
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let fits = before == 0 || before.saturating_add(bytes) <= BYTES_MAX;
        if fits && self.inner.try_send(message).is_ok() {
            return Ok(());
        }
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        Err(NotTaken)
    }
}

impl<T: Weighs> Receiver<T> {
    /// The next message; `None` once nobody can send any more.
    pub(crate) async fn recv(&mut self) -> Option<T> {
        let message = self.inner.recv().await;
        self.taken(message)
    }

    /// The next message that is already there.
    pub(crate) fn try_recv(&mut self) -> Option<T> {
        let message = self.inner.try_recv().ok();
        self.taken(message)
    }

    fn taken(&self, message: Option<T>) -> Option<T> {
        let bytes = message.as_ref().map_or(0, Weighs::bytes);
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        message
    }
}

#[cfg(test)]
mod tests;
