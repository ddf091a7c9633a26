//! What is in the protected database, and since when is that known? One snapshot per resource, loaded on a connection
//! of the gateway's own, anew after every statement that may have changed it and now and then besides.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign_core::Timestamp;
use countersign_gate::Clock;
use countersign_sql::{CATALOG_QUERY, Catalog};

use crate::control::{self, Answer, AskError};
use crate::login::upstream::{UpstreamAddress, UpstreamLoginError, connect};
use crate::masking::{LINEAGE_QUERY, Lineage};
use crate::wire::Wire;

/// A catalog of more than this is not read. Bytes.
const CATALOG_MAX: usize = 256 << 20;
/// How long reading it may take.
const LOAD_WITHIN: Duration = Duration::from_secs(60);
/// Others change the database as well, so a snapshot is renewed when it is older than this.
const RENEW_AFTER: Duration = Duration::from_secs(30);
/// A snapshot that nobody has renewed for so long is not relied on: the next statement waits for a new one.
const RELY_ON_UNTIL: Duration = Duration::from_secs(60);

/// Why the catalog can't be read. Everything is `unknown` then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("logging in to read the catalog")]
    Login(#[from] UpstreamLoginError),
    #[error("reading the catalog")]
    Ask(#[from] AskError),
    #[error("understanding the catalog")]
    Understand(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the catalog took too long")]
    TooSlow,
}

/// The snapshot of one database.
pub(crate) struct Keeper {
    address: UpstreamAddress,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Held while somebody loads.
    loading: tokio::sync::Mutex<()>,
}

struct State {
    catalog: Arc<Catalog>,
    lineage: Arc<Lineage>,
    loaded_at: Option<Timestamp>,
    /// Raised whenever the snapshot may be wrong.
    wanted: u64,
    /// What was wanted when the snapshot was begun.
    have: u64,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("place", &self.address.place).finish_non_exhaustive()
    }
}

impl Keeper {
    pub(crate) fn new(address: UpstreamAddress, clock: Arc<dyn Clock>) -> Self {
        let state = State {
            catalog: Arc::new(Catalog::empty()),
            lineage: Arc::default(),
            loaded_at: None,
            wanted: 1,
            have: 0,
        };
        Self { address, clock, state: Mutex::new(state), loading: tokio::sync::Mutex::new(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The snapshot as it is.
    pub(crate) fn current(&self) -> Arc<Catalog> {
        Arc::clone(&self.state().catalog)
    }

    /// Where its columns come from.
    pub(crate) fn lineage(&self) -> Arc<Lineage> {
        Arc::clone(&self.state().lineage)
    }

    /// Something was done that may have changed the database.
    pub(crate) fn expire(&self) {
        self.state().wanted += 1;
    }

    /// Whether the snapshot is from before something that may have changed the database.
    pub(crate) fn is_stale(&self) -> bool {
        let state = self.state();
        state.have < state.wanted
    }

    /// Whether it is time to look what others have changed.
    pub(crate) fn is_old(&self) -> bool {
        let now = self.clock.now();
        self.state().loaded_at.is_none_or(|at| now >= at.plus(RENEW_AFTER))
    }

    /// Whether it is so old that nothing may be judged by it.
    pub(crate) fn is_too_old(&self) -> bool {
        let now = self.clock.now();
        self.state().loaded_at.is_none_or(|at| now >= at.plus(RELY_ON_UNTIL))
    }

    /// Loads the catalog unless somebody did since it went stale. When that fails nothing is known, so every statement
    /// is `unknown` until it works.
    pub(crate) async fn load(&self, even_if_fresh: bool) {
        let _one_at_a_time = self.loading.lock().await;
        if !(self.is_stale() || even_if_fresh && self.is_old()) {
            return;
        }
        let wanted = self.state().wanted;
        let loaded = self.fetch().await;
        let now = self.clock.now();
        let mut state = self.state();
        (state.have, state.loaded_at) = (wanted, Some(now));
        match loaded {
            Ok((catalog, lineage)) => {
                if catalog.digest() != state.catalog.digest() {
                    state.catalog = Arc::new(catalog);
                }
                if lineage.digest() != state.lineage.digest() {
                    state.lineage = Arc::new(lineage);
                }
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "nothing is known about the database"
                );
                state.catalog = Arc::new(Catalog::empty());
                state.lineage = Arc::default();
            }
        }
    }

    async fn fetch(&self) -> Result<(Catalog, Lineage), LoadError> {
        let deadline = || self.clock.sleep_until(self.clock.now().plus(LOAD_WITHIN));
        // The query's own names must not be looked up anywhere else.
        let settings = [("search_path", "pg_catalog"), ("default_transaction_read_only", "on")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut upstream = connect(&self.address, &settings, deadline()).await?;
        let catalog = self.ask(&mut upstream.wire, CATALOG_QUERY).await?;
        let lineage = self.ask(&mut upstream.wire, LINEAGE_QUERY).await?;
        let catalog =
            Catalog::from_json(text(&catalog)?).map_err(|error| LoadError::Understand(error.into()))?;
        let lineage =
            Lineage::from_json(text(&lineage)?).map_err(|error| LoadError::Understand(error.into()))?;
        Ok((catalog, lineage))
    }

    async fn ask(&self, wire: &mut Wire, question: &str) -> Result<Answer, LoadError> {
        let deadline = self.clock.sleep_until(self.clock.now().plus(LOAD_WITHIN));
        tokio::select! {
            answer = control::ask(wire, question, CATALOG_MAX) => Ok(answer?),
            () = deadline => Err(LoadError::TooSlow),
        }
    }
}

fn text(answer: &Answer) -> Result<&str, LoadError> {
    let senseless = || AskError::Senseless("it is not one text".to_owned());
    Ok(answer.only_text().ok_or_else(senseless)?)
}
