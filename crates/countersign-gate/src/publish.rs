//! How does the world learn how far the ledger has come? Its head is published each second when it has changed, and
//! when nothing happens for long, that is written down as well: silence could otherwise be something that was left out.

use std::sync::{Arc, Weak};
use std::time::Duration;

use countersign_core::Timestamp;
use countersign_ledger::tile::{Bundle, Tile};

use crate::{Gate, GateError, Inner};

const PUBLISH_EVERY: Duration = Duration::from_secs(1);
const HEARTBEAT_AFTER: Duration = Duration::from_secs(600);

/// What was published last, and when something last happened.
#[derive(Debug, Clone, Copy)]
struct Told {
    size: u64,
    changed_at: Timestamp,
}

impl Gate {
    /// The newest published checkpoint.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn published(&self) -> Result<Option<String>, GateError> {
        Ok(self.store().published()?)
    }

    /// A tile of the published log. `None` when it has no such tile.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, GateError> {
        Ok(self.store().tile(tile)?)
    }

    /// The leaves of a bundle of the published log. `None` when it has no such bundle.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn bundle(&self, bundle: Bundle) -> Result<Option<Vec<Vec<u8>>>, GateError> {
        Ok(self.store().bundle(bundle)?)
    }

    /// Publishes for as long as the gate is there.
    pub fn start_publishing(&self) {
        let weak = Arc::downgrade(&self.0);
        let mut told = Told { size: 0, changed_at: self.now() };
        tokio::spawn(async move {
            while let Some(next) = round(&weak, told).await {
                told = next;
            }
        });
    }

    /// Publishes the newest checkpoint, and writes a heartbeat when nothing has happened since long before `now`.
    async fn publish(&self, told: Told, now: Timestamp) -> Result<Told, GateError> {
        let size = self.store().signed().map_or(0, |signed| signed.size);
        if size != told.size {
            self.store().publish(now).await?;
            self.0.witnesses.tell_published();
            return Ok(Told { size, changed_at: now });
        }
        if now.since(told.changed_at) >= HEARTBEAT_AFTER {
            self.store().heartbeat(now).await?;
        }
        Ok(told)
    }
}

/// One round. `None` when the gate is gone.
async fn round(weak: &Weak<Inner>, told: Told) -> Option<Told> {
    let (told, sleep) = {
        let gate = Gate(weak.upgrade()?);
        let now = gate.now();
        let told = match gate.publish(told, now).await {
            Ok(told) => told,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the ledger's head was not published"
                );
                told
            }
        };
        (told, gate.clock().sleep_until(now.plus(PUBLISH_EVERY)))
    };
    sleep.await;
    Some(told)
}
