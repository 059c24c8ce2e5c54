//! The records of the handlers by hand: 64 locked maps.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 64;

pub(super) type Shard<A> = HashMap<String, Record<A>, ahash::RandomState>;

pub(super) struct Records<A> {
    shards: [Mutex<Shard<A>>; SHARDS],
    hasher: ahash::RandomState,
}

pub(super) struct Record<A> {
    pub(super) fingerprint: [u8; 32],
    /// `None` while the first request runs.
    pub(super) response: Option<A>,
}

impl<A> Records<A> {
    pub(super) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: ahash::RandomState::new(),
        }
    }

    pub(super) fn shard(&self, key: &str) -> MutexGuard<'_, Shard<A>> {
        let shard = &self.shards[self.hasher.hash_one(key) as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
