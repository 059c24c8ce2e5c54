//! What this process claimed with, so that a completion can be sent as a whole value. Otherwise the script
//! puts it together from what stands there, at a third more of the server's time. Only a help: what was
//! forgotten, or claimed by another process, goes that way.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use idem_core::store::{Claim, ClaimNonce, ClaimRequest, Fingerprint, Record, State};
use idem_core::{Guarantee, codec};

/// How many claims are remembered. Those who never conclude would fill it; then all are forgotten.
const CAPACITY: usize = 1 << 16;

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Memo(Mutex<HashMap<ClaimNonce, Remembered>>);

/// What a record keeps of its claim.
#[derive(Clone, Copy)]
pub(crate) struct Remembered {
    pub(crate) guarantee: Guarantee,
    pub(crate) fingerprint: Option<Fingerprint>,
}

impl Remembered {
    /// The bytes of the guarantee and of the fingerprint's rule, as a record has them.
    pub(crate) fn terms(self) -> [u8; 2] {
        let rule = self.fingerprint.map_or(0, |print| print.version());
        [codec::guarantee_code(self.guarantee), rule]
    }

    /// The record of a claim, in another state.
    pub(crate) fn record(self, claim: &Claim, state: State) -> Record {
        let Self { guarantee, fingerprint } = self;
        let Claim { nonce, token, attempt, .. } = *claim;
        Record { nonce, token, attempt, guarantee, fingerprint, state }
    }
}

impl Memo {
    /// Remembers a claim that was won.
    pub(crate) fn keep(&self, request: &ClaimRequest) {
        let ClaimRequest { nonce, guarantee, fingerprint, .. } = *request;
        let mut claims = self.lock();
        if claims.len() >= CAPACITY {
            claims.clear();
        }
        claims.insert(nonce, Remembered { guarantee, fingerprint });
    }

    /// What the nonce claimed with. Kept, since the completion may have to be sent again.
    pub(crate) fn of(&self, nonce: &ClaimNonce) -> Option<Remembered> {
        self.lock().get(nonce).copied()
    }

    /// Forgets a claim that is over.
    pub(crate) fn forget(&self, nonce: &ClaimNonce) {
        self.lock().remove(nonce);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClaimNonce, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
