//! What happens when nobody acts? One task sleeps until the earliest deadline and lets clocks end.

use std::sync::{Arc, Weak};
use std::time::Duration;

use countersign_core::Timestamp;
use countersign_store::Move;

use crate::{Gate, Inner};

/// Deadlines handled in one go.
const BATCH: u16 = 200;
/// How often to look when there is no deadline, and how long notices, idempotency keys and results are kept.
const IDLE: Duration = Duration::from_secs(60);
/// How long to wait before an expiry is recorded again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
const KEEP: Duration = Duration::from_secs(24 * 3600);

impl Gate {
    /// Starts the task; it ends with the last clone of the gate.
    pub(crate) fn start_clocks(&self) {
        let weak = Arc::downgrade(&self.0);
        tokio::spawn(async move { while tick(&weak).await.is_some() {} });
    }

    /// Lets every clock that has ended end. False when that could not be recorded for one of them.
    pub(crate) async fn expire_due(&self) -> bool {
        let now = self.now();
        let due = match self.store().due(now, BATCH) {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "deadlines can't be read");
                return false;
            }
        };
        let mut all = true;
        for review in due {
            // A vote or claim may come first; then the tick is refused and the next deadline stands.
            if let Err(error) = self.store().advance(review, Move::Tick, now).await {
                tracing::error!(error = &error as &dyn std::error::Error, %review, "an expiry was not recorded");
                all = false;
            }
        }
        all
    }

    fn next_round(&self, all_recorded: bool) -> Timestamp {
        if !all_recorded {
            return self.now().plus(RETRY_AFTER);
        }
        let idle = self.now().plus(IDLE);
        self.store().next_deadline().ok().flatten().map_or(idle, |deadline| deadline.min(idle))
    }
}

/// One round. `None` when the gate is gone.
async fn tick(weak: &Weak<Inner>) -> Option<()> {
    let gate = Gate(weak.upgrade()?);
    let all_recorded = gate.expire_due().await;
    let now = gate.now();
    if let Err(error) = gate
        .store()
        .sweep(Timestamp::from_micros(
            now.as_micros().saturating_sub(i64::try_from(KEEP.as_micros()).unwrap_or(i64::MAX)),
        ))
        .await
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "old notices were not swept");
    }
    let sleep = gate.clock().sleep_until(gate.next_round(all_recorded));
    // Both are cancel safe: a clock and a notify, which keeps a permit for who was not listening.
    tokio::select! {
        () = sleep => {}
        () = gate.0.deadlines.notified() => {}
    }
    Some(())
}
