//! Which bundle holds now? One that can be replaced while questions are being answered, and only by a good one.

use std::sync::Arc;

use arc_swap::ArcSwap;
use countersign_core::Digest;

use crate::{Bundle, Finding, Source};

/// The bundle in force. Reading it never waits; whoever has read it keeps it whole until done.
#[derive(Debug)]
pub struct Live {
    current: ArcSwap<Bundle>,
}

/// What a replacement changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The hash before.
    pub from: Digest,
    /// The hash after.
    pub to: Digest,
    /// Ids that are new.
    pub added: Vec<String>,
    /// Ids that are gone.
    pub removed: Vec<String>,
    /// Ids whose text differs.
    pub changed: Vec<String>,
}

impl Change {
    /// Whether the texts are the same to the byte.
    pub fn is_none(&self) -> bool {
        self.from == self.to
    }

    fn between(old: &Bundle, new: &Bundle) -> Self {
        let absent = |ids: &Bundle, from: &Bundle| {
            ids.ids().filter(|id| from.statement(id).is_none()).map(Into::into).collect()
        };
        let changed = new.ids().filter(|id| {
            let (before, after) = (old.statement(id), new.statement(id));
            before.is_some_and(|before| Some(&before.text) != after.map(|after| &after.text))
        });
        Self {
            from: old.hash(),
            to: new.hash(),
            added: absent(new, old),
            removed: absent(old, new),
            changed: changed.map(Into::into).collect(),
        }
    }
}

impl Live {
    /// Starts with this bundle.
    pub fn new(bundle: Bundle) -> Self {
        Self { current: ArcSwap::from_pointee(bundle) }
    }

    /// The bundle in force at this moment.
    pub fn current(&self) -> Arc<Bundle> {
        self.current.load_full()
    }

    /// Puts the bundle of these texts in force.
    ///
    /// # Errors
    /// Every mistake in them; the old bundle stays in force.
    pub fn replace(&self, sources: &[Source]) -> Result<Change, Vec<Finding>> {
        let new = Arc::new(Bundle::load(sources)?);
        let old = self.current.swap(Arc::clone(&new));
        Ok(Change::between(&old, &new))
    }
}

#[cfg(test)]
mod tests;
