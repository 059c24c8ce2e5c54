//! An external payment provider. Its charges cannot be undone.

use std::collections::{HashMap, HashSet};

/// Every call that reached the provider.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Number of charges of each message at a provider that does not accept keys.
    calls: HashMap<u64, u64>,
    /// The downstream keys of each message. A provider that accepts keys charges once for each key.
    keys: HashMap<u64, HashSet<String>>,
}

impl Ledger {
    pub(crate) fn charge(&mut self, message: u64, key: &str) {
        *self.calls.entry(message).or_default() += 1;
        self.keys.entry(message).or_default().insert(key.to_owned());
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.values().sum()
    }

    pub(crate) fn calls_of(&self, message: u64) -> u64 {
        self.calls.get(&message).copied().unwrap_or_default()
    }

    pub(crate) fn keys_of(&self, message: u64) -> usize {
        self.keys.get(&message).map_or(0, HashSet::len)
    }

    /// Number of effects at a provider that accepts keys.
    pub(crate) fn effects_by_key(&self) -> u64 {
        let keys: HashSet<&String> = self.keys.values().flatten().collect();
        keys.len() as u64
    }
}
