//! Which keys does the issuer have now? Fetched when they are needed, kept while they are fresh, and for a while when the
//! issuer can't be asked. Whatever strangers send, the issuer is asked only so often.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use countersign_core::{Digest, Timestamp};

use super::fetch::{Fetch, FetchError, Source};
use super::keys::{KeySet, KeysError};

/// Older keys are fetched anew before they are used: a key that the issuer has withdrawn counts no longer than this.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// While the issuer can't be asked, its keys go on counting until they are so old.
const KEPT: Duration = Duration::from_secs(2 * 60 * 60);
/// The issuer is not asked again before this has passed, whatever the reason.
const BETWEEN: Duration = Duration::from_secs(10);

pub(super) struct Ring {
    /// The issuer's name, for the log.
    name: String,
    source: Source,
    fetch: Arc<Fetch>,
    state: RwLock<State>,
    /// One fetch at a time.
    alone: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    tried_at: Option<Timestamp>,
}

struct Held {
    keys: Arc<KeySet>,
    /// Of the text as it came.
    digest: Digest,
    fetched_at: Timestamp,
    /// Rises with each change of the keys.
    generation: u64,
}

#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error("they can't be fetched")]
    Fetch(#[from] FetchError),
    #[error("what was fetched is not taken")]
    Keys(#[from] KeysError),
}

impl Ring {
    pub(super) fn new(name: &str, source: Source, fetch: Arc<Fetch>) -> Self {
        let (state, alone) = Default::default();
        Self { name: name.to_owned(), source, fetch, state, alone }
    }

    /// The number of the keys' state, while they are fresh.
    pub(super) fn generation(&self, now: Timestamp) -> Option<u64> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.held.as_ref().filter(|held| held.is_younger(FRESH, now)).map(|held| held.generation)
    }

    /// The keys, fetched anew when they are old or this one is not among them. `None` when there are none that count.
    pub(super) async fn keys_for(&self, id: Option<&str>, now: Timestamp) -> Option<(Arc<KeySet>, u64)> {
        if let Some(found) = self.held(FRESH, now).filter(|(keys, _)| keys.has(id)) {
            return Some(found);
        }
        let alone = self.alone.lock().await;
        if let Some(found) = self.held(FRESH, now).filter(|(keys, _)| keys.has(id)) {
            return Some(found);
        }
        if self.may_ask(now)
            && let Err(error) = self.refresh(now).await
        {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(issuer = self.name, error, "the issuer's keys can't be had");
        }
        drop(alone);
        self.held(KEPT, now)
    }

    fn held(&self, within: Duration, now: Timestamp) -> Option<(Arc<KeySet>, u64)> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let held = state.held.as_ref().filter(|held| held.is_younger(within, now))?;
        Some((Arc::clone(&held.keys), held.generation))
    }

    fn may_ask(&self, now: Timestamp) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let may = state.tried_at.is_none_or(|tried| now.since(tried) >= BETWEEN);
        if may {
            state.tried_at = Some(now);
        }
        may
    }

    async fn refresh(&self, now: Timestamp) -> Result<(), RefreshError> {
        let text = self.fetch.keys(&self.source).await?;
        let (keys, digest) = (KeySet::parse(&text)?, Digest::of(&text));
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let before = state.held.as_ref();
        let same = before.is_some_and(|held| held.digest == digest);
        let generation = before.map_or(0, |held| held.generation) + u64::from(!same);
        state.held = Some(Held { keys: Arc::new(keys), digest, fetched_at: now, generation });
        Ok(())
    }
}

impl Held {
    fn is_younger(&self, than: Duration, now: Timestamp) -> bool {
        now.since(self.fetched_at) < than
    }
}
