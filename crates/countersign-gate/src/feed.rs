//! What changed while somebody was away, and what changes now? Notices from the store first, then live.

use countersign_core::Notice;
use tokio::sync::{broadcast, mpsc};

use crate::Gate;

/// Notices that may wait for one watcher.
const DEPTH: usize = 64;
/// Notices read from the store at a time.
const PAGE: u16 = 500;

impl Gate {
    /// Notices with a `seq` above `after`, oldest first, then each as it happens; `None` for only new ones. Ends
    /// when the receiver is dropped.
    pub fn notices(&self, after: Option<u64>) -> mpsc::Receiver<Notice> {
        let (sender, receiver) = mpsc::channel(DEPTH);
        // Subscribed before the first read, so that nothing falls between both.
        let live = self.0.parts.wakers.feed();
        let gate = self.clone();
        tokio::spawn(async move {
            let after = after.unwrap_or_else(|| gate.store().newest_notice().unwrap_or(0));
            gate.feed(after, live, &sender).await;
        });
        receiver
    }

    async fn feed(
        &self,
        mut last: u64,
        mut live: broadcast::Receiver<Notice>,
        sender: &mpsc::Sender<Notice>,
    ) -> Option<()> {
        loop {
            last = self.replay(last, sender).await?;
            loop {
                // Both are cancel safe.
                let next = tokio::select! {
                    next = live.recv() => next,
                    () = sender.closed() => return None,
                };
                match next {
                    Ok(notice) if notice.seq > last => {
                        last = notice.seq;
                        sender.send(notice).await.ok()?;
                    }
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => break,
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        }
    }

    async fn replay(&self, mut last: u64, sender: &mpsc::Sender<Notice>) -> Option<u64> {
        loop {
            let page = match self.store().notices_after(last, PAGE) {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "notices can't be read");
                    return None;
                }
            };
            if page.is_empty() {
                return Some(last);
            }
            for notice in page {
                last = notice.seq;
                sender.send(notice).await.ok()?;
            }
        }
    }
}
