//! The live keys of scopes that have a quota.

use std::collections::{HashMap, HashSet};

use super::amortized_sweep::AmortizedSweep;
use crate::model::{RecordId, ScopeId};
use crate::state_machine::Timestamp;
use crate::store::Quota;

/// The minimum time between two recounts of a scope that has reached its quota, in microseconds.
const RECOUNT_PAUSE: u64 = 1_000_000;

#[derive(Default)]
pub(super) struct Quotas {
    scopes: HashMap<ScopeId, Keys>,
    ids: usize,
    sweep: AmortizedSweep,
}

/// The keys of a scope: all live ones, and some that no longer exist.
#[derive(Default)]
struct Keys {
    ids: HashSet<RecordId>,
    recounted_at: Option<u64>,
}

impl Quotas {
    pub(super) fn has_room(
        &mut self,
        quota: Quota,
        now: Timestamp,
        is_live: impl Fn(&RecordId) -> bool,
    ) -> bool {
        let max_keys = quota.max_keys.get() as usize;
        let Some(keys) = self.scopes.get_mut(&quota.scope) else { return true };
        if keys.ids.len() >= max_keys
            && keys.recounted_at.is_none_or(|at| now.0 >= at + RECOUNT_PAUSE)
        {
            self.ids -= keys.ids.len();
            keys.ids.retain(is_live);
            self.ids += keys.ids.len();
            keys.recounted_at = (keys.ids.len() >= max_keys).then_some(now.0);
        }
        keys.ids.len() < max_keys
    }

    pub(super) fn insert(
        &mut self,
        scope: ScopeId,
        id: RecordId,
        is_live: impl Fn(&RecordId) -> bool,
    ) {
        if self.scopes.entry(scope).or_default().ids.insert(id) {
            self.ids += 1;
        }
        if self.sweep.is_due(self.ids) {
            self.sweep(is_live);
        }
    }

    /// Removes keys that are no longer live, and scopes without keys.
    fn sweep(&mut self, is_live: impl Fn(&RecordId) -> bool) {
        self.scopes.retain(|_, keys| {
            keys.ids.retain(&is_live);
            !keys.ids.is_empty()
        });
        self.ids = self.scopes.values().map(|keys| keys.ids.len()).sum();
        self.sweep.done(self.ids);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn scopes_without_live_keys_are_removed() {
        let mut quotas = Quotas::default();
        for n in 0..10_000_u32 {
            let id = RecordId::from_bytes(rand::random());
            let mut scope = [0; 32];
            scope[..4].copy_from_slice(&n.to_be_bytes());
            let quota = Quota { scope: ScopeId::from_bytes(scope), max_keys: NonZeroU32::MIN };
            assert!(quotas.has_room(quota, Timestamp(0), |_| true));
            quotas.insert(quota.scope, id, |live| *live == id);
            assert!(quotas.scopes.len() <= 64, "{} scopes", quotas.scopes.len());
            assert_eq!(quotas.ids, quotas.scopes.len());
        }
    }
}
