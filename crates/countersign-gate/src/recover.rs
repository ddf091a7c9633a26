//! What did the last stop leave open? What was released without a recorded outcome is unknown: never done, never
//! retried silently. Everything else goes on where it was.

use countersign_core::{Outcome, State};
use countersign_store::Move;

use crate::{Gate, GateError};

const NOTE: &str = "the gateway stopped between sending the action and recording what became of it";

impl Gate {
    /// Settles what was running, then ends the clocks that ended meanwhile.
    pub(crate) async fn recover(&self) -> Result<(), GateError> {
        let now = self.now();
        for review in self.store().in_state(State::Claimed)? {
            let settle = Move::Settle { outcome: Outcome::unknown(NOTE), result: Vec::new() };
            self.store().advance(review, settle, now).await?;
            tracing::warn!(%review, "the outcome of an approved action is unknown");
        }
        for action in self.store().released_without_review()? {
            self.store().settle_allowed(action, Outcome::unknown(NOTE), None, now)?;
            tracing::warn!(%action, "the outcome of an allowed action is unknown");
        }
        while !self.store().due(now, 1)?.is_empty() && self.expire_due().await {}
        Ok(())
    }
}
