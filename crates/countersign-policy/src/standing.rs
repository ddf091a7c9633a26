//! Which answers hold whatever is said? Those that no condition on arguments, facts or the time could change: they
//! depend on who asks, on the resource, on the operation and on the effect, so they are worked out once per bundle and
//! kept.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign_core::{Decision, Effect, Standing as LinkStanding};

use crate::Question;

/// With so many answers kept, all are dropped: a bound is needed, and refilling is cheap.
const KEPT_MAX: usize = 8192;

/// The answers of one bundle, by everything that they depend on.
#[derive(Debug, Default)]
pub(crate) struct Standing(Mutex<HashMap<Box<[u8]>, Decision>>);

impl Clone for Standing {
    /// A copy of a bundle works its answers out anew.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Standing {
    fn kept(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, Decision>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find(&self, key: &[u8]) -> Option<Decision> {
        self.kept().get(key).cloned()
    }

    pub(crate) fn keep(&self, key: Vec<u8>, decision: Decision) {
        let mut kept = self.kept();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key.into_boxed_slice(), decision);
    }
}

/// Everything of a question, but for its effects, that a statement could look at which looks at nothing that is said.
#[derive(Debug)]
pub(crate) struct Key {
    bytes: Vec<u8>,
    /// Up to here all effects of the question share the key.
    shared: usize,
}

impl Key {
    pub(crate) fn of(q: &Question<'_>) -> Self {
        let mut key = Self { bytes: Vec::with_capacity(256), shared: 0 };
        key.part(q.principal.agent.as_bytes());
        key.part(q.principal.name.as_bytes());
        key.count(q.principal.teams.len());
        for team in &q.principal.teams {
            key.part(team.as_bytes());
        }
        for link in q.principal.links.iter().filter(|link| link.standing == LinkStanding::Verified) {
            key.part(link.kind.word().as_bytes());
            key.part(link.name.as_bytes());
        }
        key.part(b"operation");
        key.part(q.operation.as_bytes());
        key.part(q.resource.name.as_bytes());
        key.part(q.resource.protocol.as_bytes());
        for (name, value) in &q.resource.labels {
            key.part(name.as_bytes());
            key.part(value.as_bytes());
        }
        key.shared = key.bytes.len();
        key
    }

    /// The key of one effect of the question.
    pub(crate) fn with(&mut self, effect: &Effect) -> &[u8] {
        self.bytes.truncate(self.shared);
        self.part(effect.verb.word().as_bytes());
        self.part(effect.object.as_bytes());
        &self.bytes
    }

    /// Length first, so that no two lists of parts share their bytes.
    fn part(&mut self, part: &[u8]) {
        self.count(part.len());
        self.bytes.extend_from_slice(part);
    }

    fn count(&mut self, count: usize) {
        self.bytes.extend_from_slice(&u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes());
    }
}

#[cfg(test)]
mod tests;
