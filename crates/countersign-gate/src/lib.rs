//! May this action pass? The waist of Countersign: everything security-relevant happens here once.
//!
//! Open `pass.rs` first: [`Gate::pass`] tells the whole story, and each of its steps has a file of its own:
//! `judge.rs`, `hold.rs`, `claim.rs`, `run.rs`. A proxy supplies only decode, forward and explain. `people.rs` is
//! what reviewers can do, `requester.rs` what the asking side can, `detached.rs` how an action goes on without its
//! caller; `expire.rs` and `recover.rs` keep the promises when nobody calls, `publish.rs` tells the world how far the
//! ledger has come, and `witness.rs` has others confirm it.

mod claim;
mod clock;
mod detached;
mod expire;
mod feed;
mod hold;
mod judge;
mod pass;
mod people;
mod permit;
mod publish;
mod recover;
mod requester;
mod run;
mod standing;
mod verdict;
mod wakers;
mod witness;

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_core::{AgentId, Entropy, PersonId, Timestamp};
use countersign_policy::Live;
use countersign_store::{Store, StoreError};
use tokio::sync::Notify;

pub use clock::{Clock, SystemClock};
pub use people::{Recall, VoteError};
pub use permit::{Permit, UpkeepPermit};
pub use standing::{Standing, StandingPermit};
pub use verdict::{Forward, Forwarded, Ticket, Verdict};
pub use wakers::Wakers;
pub use witness::{AskError, Witness, WitnessAnswer};

/// Rights as they are at this moment, looked up again just before an approved action runs.
pub trait Directory: Send + Sync + 'static {
    /// The person's groups; `None` when the person is gone.
    fn groups(&self, person: PersonId) -> Option<BTreeSet<String>>;
    /// Whether the agent's credential still stands.
    fn agent_stands(&self, agent: AgentId, now: Timestamp) -> bool;
}

/// Bounds on what comes from outside.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Larger payloads are denied. Bytes.
    pub payload_max_bytes: usize,
    /// An agent may have so many pending reviews.
    pub pending_max_per_agent: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { payload_max_bytes: 8 * 1024 * 1024, pending_max_per_agent: 50 }
    }
}

/// What a gate is made of.
#[derive(Clone)]
pub struct Parts {
    /// Opened with [`Wakers::on_commit`] of `wakers`.
    pub store: Store,
    /// Woken by the store's commits.
    pub wakers: Wakers,
    /// The policy in force.
    pub policy: Arc<Live>,
    /// Rights at this moment.
    pub directory: Arc<dyn Directory>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub entropy: Arc<dyn Entropy>,
    /// Bounds.
    pub limits: Limits,
    /// Who cosigns the ledger; no two with one name.
    pub witnesses: Vec<Arc<dyn Witness>>,
    /// Where people decide, for example `https://countersign.example.com`, without a slash at the end.
    pub people_url: String,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("people_url", &self.people_url).finish_non_exhaustive()
    }
}

/// The gate. Cheap to clone; all clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    /// Tells the expiry task that an earlier deadline may have come up.
    deadlines: Notify,
    witnesses: witness::Witnesses,
}

/// The store failed the gate.
#[derive(Debug, thiserror::Error)]
#[error("the store can't be used")]
pub struct GateError(#[from] StoreError);

impl Gate {
    /// Settles what the last stop left open, then starts the clocks. Must be called within a tokio runtime, by the
    /// only gate on this store.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub async fn start(parts: Parts) -> Result<Self, GateError> {
        let witnesses = witness::Witnesses::new(&parts.witnesses);
        let gate = Self(Arc::new(Inner { parts, deadlines: Notify::new(), witnesses }));
        gate.recover().await?;
        gate.start_clocks();
        gate.start_asking();
        Ok(gate)
    }

    /// The time as the gate sees it.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.parts.clock
    }

    /// The gate's source of randomness.
    pub fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.0.parts.entropy
    }

    fn store(&self) -> &Store {
        &self.0.parts.store
    }

    fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }
}
