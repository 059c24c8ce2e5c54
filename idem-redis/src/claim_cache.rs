//! The recent claims of this process, kept to make completions cheaper.
//!
//! With the guarantee, the fingerprint and the extras of a claim, a completion can send the whole new value. Without
//! them, a script assembles the value from the stored one, which takes the server about a third more time.
//! The cache is only an optimization: a claim that is not in it is completed by the slower script.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;
use idem_core::store::{Claim, ClaimNonce, ClaimRequest, Extras, Fingerprint, Record, State};
use idem_core::{Guarantee, codec};

/// Maximum number of cached claims. Runs that never complete leave their claims behind, so a full cache
/// drops its oldest claim.
const CAPACITY: usize = 1 << 16;

/// The cached claims by their nonces. The memory of a removed claim is used for the next one, so a claim
/// needs no allocation of its own.
pub(crate) struct ClaimCache(Mutex<LruCache<ClaimNonce, CachedClaim>>);

/// The parts of a claim that its completed record contains too.
#[derive(Clone)]
pub(crate) struct CachedClaim {
    guarantee: Guarantee,
    recoverable: bool,
    fingerprint: Option<Fingerprint>,
    /// Without a silence: it ends with the completion.
    extras: Extras,
}

impl CachedClaim {
    /// The parts of a claim that did not begin a recovery.
    pub(crate) fn of_run(request: &ClaimRequest) -> Self {
        let ClaimRequest { guarantee, recoverable, fingerprint, .. } = *request;
        Self { guarantee, recoverable, fingerprint, extras: request.extras.clone() }
    }

    /// The parts of a record that is in recovery.
    pub(crate) fn of_recovery(record: &Record) -> Self {
        let Record { guarantee, recoverable, fingerprint, .. } = *record;
        Self { guarantee, recoverable, fingerprint, extras: record.extras.with_silence(None) }
    }

    /// The record's bytes for the guarantee and the version of the fingerprint.
    pub(crate) fn guarantee_and_version(&self) -> [u8; 2] {
        let version = self.fingerprint.map_or(0, |fingerprint| fingerprint.version());
        [codec::guarantee_code(self.guarantee, self.recoverable), version]
    }

    /// The record of `claim` in the given state.
    pub(crate) fn record(&self, claim: &Claim, state: State) -> Record {
        let Self { guarantee, recoverable, fingerprint, .. } = *self;
        let Claim { nonce, token, attempt, .. } = *claim;
        let extras = self.extras.clone();
        Record { nonce, token, attempt, guarantee, recoverable, fingerprint, extras, state }
    }
}

impl Default for ClaimCache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(CAPACITY)))
    }
}

impl ClaimCache {
    /// Caches an acquired claim.
    pub(crate) fn insert(&self, nonce: ClaimNonce, claim: CachedClaim) {
        self.lock().insert(nonce, claim);
    }

    /// Returns the claim of a nonce. The claim stays cached, because the completion may be repeated.
    pub(crate) fn get(&self, nonce: &ClaimNonce) -> Option<CachedClaim> {
        self.lock().peek(nonce).cloned()
    }

    /// Removes a claim that has ended.
    pub(crate) fn remove(&self, nonce: &ClaimNonce) {
        self.lock().remove(nonce);
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<ClaimNonce, CachedClaim>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use idem_core::Policy;

    use super::*;

    fn request() -> ClaimRequest {
        ClaimRequest::new(&Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce))
    }

    #[test]
    fn a_full_cache_drops_only_its_oldest_claim() {
        let (cache, oldest, second) = (ClaimCache::default(), request(), request());
        let insert = |request: &ClaimRequest| {
            cache.insert(request.nonce, CachedClaim::of_run(request));
        };
        insert(&oldest);
        insert(&second);
        for _ in 2..CAPACITY {
            insert(&request());
        }
        assert!(cache.get(&oldest.nonce).is_some());
        let newest = request();
        insert(&newest);
        assert!(cache.get(&oldest.nonce).is_none());
        assert!(cache.get(&second.nonce).is_some());
        assert!(cache.get(&newest.nonce).is_some());
    }
}
