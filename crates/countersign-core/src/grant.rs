//! What did the yes buy? A bounded right to run one action: a number of uses and two ends.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Digest, GrantId, Timestamp};

/// Why a grant gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantRefusal {
    /// Other bytes, requester, resource or facts than approved.
    #[error("the action is not the one that was approved")]
    OtherAction,
    /// Nobody claimed it in time.
    #[error("the approval was not claimed in time")]
    ClaimedTooLate,
    /// Its life is over.
    #[error("the grant has ended")]
    Ended,
    /// Every use is spent.
    #[error("the grant is used up")]
    UsedUp,
}

/// The bounded result of an approved review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// This grant.
    pub id: GrantId,
    /// The one action that it lets run.
    pub digest: Digest,
    /// How often still.
    pub uses_left: u32,
    /// The first use must come before this: the second clock, counted from the approval.
    pub claim_until: Timestamp,
    /// No use after this: the third clock.
    pub ends_at: Timestamp,
}

impl Grant {
    /// A grant for one run of the action with this digest.
    pub fn once(
        id: GrantId,
        digest: Digest,
        approved_at: Timestamp,
        claim_within: Duration,
        grant_for: Duration,
    ) -> Self {
        Self {
            id,
            digest,
            uses_left: 1,
            claim_until: approved_at.plus(claim_within),
            ends_at: approved_at.plus(grant_for),
        }
    }

    /// The instant from which nothing can be claimed any more.
    pub fn lapses_at(&self) -> Timestamp {
        self.claim_until.min(self.ends_at)
    }

    /// Spends one use.
    ///
    /// # Errors
    /// A [`GrantRefusal`] that says which bound was met.
    pub fn claim(&self, digest: Digest, now: Timestamp) -> Result<Self, GrantRefusal> {
        if digest != self.digest {
            return Err(GrantRefusal::OtherAction);
        }
        if now >= self.ends_at {
            return Err(GrantRefusal::Ended);
        }
        if now >= self.claim_until {
            return Err(GrantRefusal::ClaimedTooLate);
        }
        let uses_left = self.uses_left.checked_sub(1).ok_or(GrantRefusal::UsedUp)?;
        Ok(Self { uses_left, ..self.clone() })
    }
}
