//! Was this token verified a moment ago? A bounded memory by SHA-256, in which what is not asked for again is forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_core::Digest;

/// Tokens in each half.
const HALF_MAX: usize = 5_000;

/// Two halves: what is used moves to the younger one, and when that is full, the older one is forgotten.
pub(super) struct Seen<T>(Mutex<Halves<T>>);

struct Halves<T> {
    younger: HashMap<Digest, Arc<T>>,
    older: HashMap<Digest, Arc<T>>,
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(Mutex::new(Halves { younger: HashMap::new(), older: HashMap::new() }))
    }
}

impl<T> Seen<T> {
    pub(super) fn get(&self, token: &Digest) -> Option<Arc<T>> {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = halves.younger.get(token) {
            return Some(Arc::clone(found));
        }
        let found = halves.older.remove(token)?;
        halves.put(*token, Arc::clone(&found));
        Some(found)
    }

    pub(super) fn put(&self, token: Digest, value: Arc<T>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(token, value);
    }
}

impl<T> Halves<T> {
    fn put(&mut self, token: Digest, value: Arc<T>) {
        if self.younger.len() >= HALF_MAX {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(token, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_kept_and_the_rest_is_forgotten_within_a_bound() {
        let seen = Seen::default();
        let hash = |number: usize| Digest::of(&number.to_be_bytes());
        for number in 0..HALF_MAX * 4 {
            seen.put(hash(number), Arc::new(number));
            assert_eq!(seen.get(&hash(0)).as_deref(), Some(&0), "after {number}");
        }
        let halves = seen.0.lock().unwrap();
        assert!(halves.younger.len() + halves.older.len() <= 2 * HALF_MAX);
        drop(halves);
        assert_eq!(seen.get(&hash(1)), None);
    }
}
