//! May this action run now? The proof, as a value: made only by the gate, not cloneable, consumed by forwarding.

use std::sync::Arc;

use countersign_core::{Action, Terms};

/// The proof that exactly this action may run now, once.
///
/// There is no public constructor and no `Clone`: whoever writes to an upstream takes a `Permit` by value, so code
/// that forgets to ask the gate does not compile, and code that would send twice doesn't either.
#[derive(Debug)]
pub struct Permit {
    action: Arc<Action>,
    terms: Terms,
}

impl Permit {
    pub(crate) fn issue(action: Arc<Action>, terms: Terms) -> Self {
        Self { action, terms }
    }

    /// The action that may run; forward [`Action::payload`], nothing else.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// The terms under which it may run.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }
}

/// The proof for a protocol's own upkeep: messages that have no effect on the resource, such as a handshake, a
/// ping or a listing. Made by [`crate::Gate::upkeep`] for an identified principal; consumed by sending.
#[derive(Debug)]
pub struct UpkeepPermit(());

impl UpkeepPermit {
    pub(crate) fn issue() -> Self {
        Self(())
    }
}
