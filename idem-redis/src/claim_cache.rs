//! The recent claims of this process, kept to make completions cheaper.
//!
//! With the guarantee and the fingerprint of a claim, a completion can send the whole new value. Without
//! them, the script assembles the value from the stored one, which takes the server about a third more time.
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

/// The guarantee and the fingerprint of a claim, which its record contains too.
#[derive(Clone, Copy)]
pub(crate) struct CachedClaim {
    guarantee: Guarantee,
    fingerprint: Option<Fingerprint>,
}

impl CachedClaim {
    /// The record's bytes for the guarantee and the version of the fingerprint.
    pub(crate) fn guarantee_and_version(self) -> [u8; 2] {
        let version = self.fingerprint.map_or(0, |fingerprint| fingerprint.version());
        [codec::guarantee_code(self.guarantee, false), version]
    }

    /// The record of `claim` in the given state.
    pub(crate) fn record(self, claim: &Claim, state: State) -> Record {
        let Self { guarantee, fingerprint } = self;
        let Claim { nonce, token, attempt, .. } = *claim;
        Record {
            nonce,
            token,
            attempt,
            guarantee,
            recoverable: false,
            fingerprint,
            extras: Extras::default(),
            state,
        }
    }
}

impl Default for ClaimCache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(CAPACITY)))
    }
}

impl ClaimCache {
    /// Caches an acquired claim.
    pub(crate) fn insert(&self, request: &ClaimRequest) {
        let ClaimRequest { nonce, guarantee, fingerprint, .. } = *request;
        self.lock().insert(nonce, CachedClaim { guarantee, fingerprint });
    }

    /// Returns the claim of a nonce. The claim stays cached, because the completion may be repeated.
    pub(crate) fn get(&self, nonce: &ClaimNonce) -> Option<CachedClaim> {
        self.lock().peek(nonce).copied()
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
        cache.insert(&oldest);
        cache.insert(&second);
        for _ in 2..CAPACITY {
            cache.insert(&request());
        }
        assert!(cache.get(&oldest.nonce).is_some());
        let newest = request();
        cache.insert(&newest);
        assert!(cache.get(&oldest.nonce).is_none());
        assert!(cache.get(&second.nonce).is_some());
        assert!(cache.get(&newest.nonce).is_some());
    }
}
