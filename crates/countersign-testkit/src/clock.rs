//! What time is it in a test? What the test says; sleepers wake when it says so.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use countersign_core::Timestamp;
use countersign_gate::Clock;
use tokio::sync::watch;

/// A clock that only the test moves.
#[derive(Debug, Clone)]
pub struct FakeClock(watch::Sender<Timestamp>);

impl Default for FakeClock {
    fn default() -> Self {
        // 2026-11-22T05:00:00Z
        Self(watch::Sender::new(Timestamp::from_micros(1_795_323_600_000_000)))
    }
}

impl FakeClock {
    /// Moves time forward and wakes who slept until then.
    pub fn advance(&self, span: Duration) {
        self.0.send_modify(|now| *now = now.plus(span));
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            // The sender outlives every gate that sleeps on it; when it is gone, so is the test.
            if now.wait_for(|now| *now >= until).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
