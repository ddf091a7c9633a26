//! May this action run now? The proof, as a value: made only by the gate, not cloneable, consumed by forwarding.

use std::sync::Arc;

use countersign_core::{Action, Terms};
use countersign_store::Covered;

/// The proof that exactly this action may run now, once.
///
/// There is no public constructor and no `Clone`: whoever writes to an upstream takes a `Permit` by value, so code
/// that forgets to ask the gate does not compile, and code that would send twice doesn't either.
#[derive(Debug)]
pub struct Permit {
    action: Arc<Action>,
    terms: Terms,
    covered: Option<Covered>,
}

impl Permit {
    /// For what policy allows without people; its entry is recorded.
    pub(crate) fn issue(action: Arc<Action>, terms: Terms) -> Self {
        Self { action, terms, covered: None }
    }

    /// For what people have approved; the entry of its release is under a signed checkpoint.
    pub(crate) fn issue_covered(action: Arc<Action>, terms: Terms, covered: Covered) -> Self {
        Self { action, terms, covered: Some(covered) }
    }

    /// The same under these terms as well.
    pub(crate) fn joined(self, terms: Terms) -> Self {
        Self { terms: self.terms.join(terms), ..self }
    }

    /// The proof that the release of an approved action is in the ledger, under a signed checkpoint. `None` for what
    /// policy allows without people.
    pub fn covered(&self) -> Option<&Covered> {
        self.covered.as_ref()
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
