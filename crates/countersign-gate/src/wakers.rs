//! Who waits for what? Wakes exactly those who wait for a review that a commit has just changed. Nobody polls.
//!
//! A wake is a hint: who is woken reads the truth again, and who subscribes does so before it reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_core::{Notice, ReviewId};
use tokio::sync::{broadcast, watch};

/// Notices that a slow watcher may be behind; further behind it reads again from the store.
const FEED_DEPTH: usize = 1024;

/// The meeting point of the store's commits and everybody who waits.
#[derive(Clone)]
pub struct Wakers(Arc<Inner>);

struct Inner {
    waiting: Mutex<HashMap<ReviewId, watch::Sender<u64>>>,
    feed: broadcast::Sender<Notice>,
}

impl std::fmt::Debug for Wakers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wakers")
    }
}

impl Default for Wakers {
    fn default() -> Self {
        let (feed, _) = broadcast::channel(FEED_DEPTH);
        Self(Arc::new(Inner { waiting: Mutex::default(), feed }))
    }
}

impl Wakers {
    /// The hook for [`countersign_store::Options::on_commit`].
    pub fn on_commit(&self) -> Arc<dyn Fn(&Notice) + Send + Sync> {
        let inner = self.0.clone();
        Arc::new(move |notice| {
            if let Some(waiting) = inner.lock().get(&notice.review) {
                waiting.send_replace(notice.version);
            }
            // Nobody may be watching.
            let _watchers = inner.feed.send(notice.clone());
        })
    }

    /// Wakes on every later change of this review.
    pub(crate) fn subscribe(&self, review: ReviewId) -> Subscription {
        let mut waiting = self.0.lock();
        let sender = waiting.entry(review).or_insert_with(|| watch::channel(0).0);
        Subscription { review, changes: sender.subscribe(), wakers: self.clone() }
    }

    /// Every change of every review.
    pub(crate) fn feed(&self) -> broadcast::Receiver<Notice> {
        self.0.feed.subscribe()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<ReviewId, watch::Sender<u64>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One waiter's place. Dropping it leaves nothing behind.
pub(crate) struct Subscription {
    review: ReviewId,
    changes: watch::Receiver<u64>,
    wakers: Wakers,
}

impl Subscription {
    /// Completes at the first change since the last call, or since the subscription. Cancel safe.
    pub(crate) async fn changed(&mut self) {
        // The sender lives as long as a subscription does.
        let _open = self.changes.changed().await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut waiting = self.wakers.0.lock();
        if waiting.get(&self.review).is_some_and(|sender| sender.receiver_count() <= 1) {
            waiting.remove(&self.review);
        }
    }
}
