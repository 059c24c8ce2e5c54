//! The recent claims of this process, kept to make completions cheaper.
//!
//! With the guarantee and the fingerprint of a claim, a completion can send the whole new value. Without
//! them, the script assembles the value from the stored one, which takes the server about a third more time.
//! The cache is only an optimization: a claim that is not in it is completed by the slower script.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use idem_core::store::{Claim, ClaimNonce, ClaimRequest, Fingerprint, Record, State};
use idem_core::{Guarantee, codec};

/// Maximum number of cached claims. Runs that never complete would fill the cache, so a full cache is
/// cleared.
const CAPACITY: usize = 1 << 16;

/// The cached claims by their nonces.
#[derive(Default)]
pub(crate) struct ClaimCache(Mutex<HashMap<ClaimNonce, CachedClaim>>);

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
        [codec::guarantee_code(self.guarantee), version]
    }

    /// The record of `claim` in the given state.
    pub(crate) fn record(self, claim: &Claim, state: State) -> Record {
        let Self { guarantee, fingerprint } = self;
        let Claim { nonce, token, attempt, .. } = *claim;
        Record { nonce, token, attempt, guarantee, fingerprint, state }
    }
}

impl ClaimCache {
    /// Caches an acquired claim.
    pub(crate) fn insert(&self, request: &ClaimRequest) {
        let ClaimRequest { nonce, guarantee, fingerprint, .. } = *request;
        let mut claims = self.lock();
        if claims.len() >= CAPACITY {
            claims.clear();
        }
        claims.insert(nonce, CachedClaim { guarantee, fingerprint });
    }

    /// Returns the claim of a nonce. The claim stays cached, because the completion may be repeated.
    pub(crate) fn get(&self, nonce: &ClaimNonce) -> Option<CachedClaim> {
        self.lock().get(nonce).copied()
    }

    /// Removes a claim that has ended.
    pub(crate) fn remove(&self, nonce: &ClaimNonce) {
        self.lock().remove(nonce);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClaimNonce, CachedClaim>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
