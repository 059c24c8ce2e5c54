//! The number of things per key, for limits.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

/// A count per key. It stores no zeros.
pub(super) struct KeyedCounts<K>(HashMap<K, usize>);

impl<K> Default for KeyedCounts<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> KeyedCounts<K> {
    pub(super) fn of(&self, key: &K) -> usize {
        self.0.get(key).copied().unwrap_or(0)
    }

    pub(super) fn increment(&mut self, key: K) {
        *self.0.entry(key).or_default() += 1;
    }

    /// Takes back one [`increment`](Self::increment).
    pub(super) fn decrement(&mut self, key: K) {
        if let Entry::Occupied(mut count) = self.0.entry(key) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}
