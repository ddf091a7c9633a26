//! What did the upstream get? Every payload that reached it, in order, and a switch to keep it from answering.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use countersign_core::{Digest, Obligation, Outcome, Status};
use countersign_gate::{Forward, Forwarded, Permit, Ticket};
use countersign_store::Covered;
use tokio::sync::{Semaphore, watch};

/// Remembers what was sent. It keeps no promise of its own: whether an action ran twice is seen here.
#[derive(Debug, Clone)]
pub struct CountingUpstream {
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    covered: Arc<Mutex<Vec<Option<Covered>>>>,
    open: Arc<Semaphore>,
}

impl Default for CountingUpstream {
    fn default() -> Self {
        Self {
            received: Arc::default(),
            covered: Arc::default(),
            open: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }
}

impl CountingUpstream {
    /// Receives, but answers only after [`CountingUpstream::answer`].
    pub fn silent() -> Self {
        Self { received: Arc::default(), covered: Arc::default(), open: Arc::new(Semaphore::new(0)) }
    }

    /// Lets so many calls be answered.
    pub fn answer(&self, calls: usize) {
        self.open.add_permits(calls);
    }

    /// Every payload that arrived.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.received.lock().unwrap().clone()
    }

    /// What each permit carried as its proof to be in the ledger.
    pub fn covered(&self) -> Vec<Option<Covered>> {
        self.covered.lock().unwrap().clone()
    }

    async fn call(&self, permit: Permit) -> Bytes {
        self.covered.lock().unwrap().push(permit.covered().cloned());
        self.received.lock().unwrap().push(permit.action().payload().to_vec());
        self.open.acquire().await.unwrap().forget();
        Bytes::from_static(b"{\"result\":\"done\"}")
    }
}

/// One call of a test's own protocol.
#[derive(Debug, Clone)]
pub struct TestCall {
    /// Where it goes.
    pub upstream: CountingUpstream,
    /// How long it is held.
    pub hold: Duration,
    /// The facts as they are now.
    pub facts: BTreeMap<String, String>,
    /// Becomes true when the call begins to wait.
    pub held: watch::Sender<bool>,
}

impl TestCall {
    /// A call that is held for 45 seconds and has no facts.
    pub fn new(upstream: &CountingUpstream) -> Self {
        Self {
            upstream: upstream.clone(),
            hold: Duration::from_secs(45),
            facts: BTreeMap::new(),
            held: watch::Sender::new(false),
        }
    }
}

impl Forward for TestCall {
    fn hold(&self) -> Duration {
        self.hold
    }

    fn held(&self, _ticket: &Ticket) {
        self.held.send_replace(true);
    }

    fn performs(&self, _obligation: &Obligation) -> bool {
        false
    }

    fn facts(&self) -> BTreeMap<String, String> {
        self.facts.clone()
    }

    async fn forward(self, permit: Permit) -> Forwarded {
        let result = self.upstream.call(permit).await;
        let outcome = Outcome {
            status: Status::Executed,
            result: Some(Digest::of(&result)),
            rows: None,
            duration_us: 1,
            note: None,
        };
        Forwarded { outcome, result }
    }
}
