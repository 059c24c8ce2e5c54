//! What the rules claim with and conclude by.

use std::time::Duration;

use bytes::Bytes;
use idem_core::store::{
    Claim, ClaimNonce, ClaimRequest, Completion, ExistingRecord, FencingToken, Fingerprint, State,
    StoredResponse,
};
use idem_core::{Guarantee, Policy};

/// A lease or ttl that does not end within a rule.
pub(crate) const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// A claim by a new owner under at most once that neither lapses nor expires within a rule.
pub(crate) fn at_most_once() -> ClaimRequest {
    ClaimRequest::new(&Policy::new(LONG, Guarantee::AtMostOnce).with_lease(LONG))
}

/// The same under at least once.
pub(crate) fn at_least_once() -> ClaimRequest {
    ClaimRequest::new(&Policy::new(LONG, Guarantee::AtLeastOnce).with_lease(LONG))
}

/// A claim under either guarantee.
pub(crate) fn each_guarantee() -> [ClaimRequest; 2] {
    [at_most_once(), at_least_once()]
}

pub(crate) trait Terms {
    fn nonce(self, nonce: ClaimNonce) -> Self;
    fn lease(self, lease: Duration) -> Self;
    fn ttl(self, ttl: Duration) -> Self;
    fn max_attempts(self, max_attempts: u32) -> Self;
}

impl Terms for ClaimRequest {
    fn nonce(mut self, nonce: ClaimNonce) -> Self {
        self.nonce = nonce;
        self
    }

    fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = max_attempts;
        self
    }
}

/// A fingerprint that differs from that of any other `byte`.
pub(crate) const fn print(byte: u8) -> Option<Fingerprint> {
    Some(Fingerprint::from_parts(1, [byte; 32]))
}

pub(crate) fn answer(body: &'static str) -> StoredResponse {
    StoredResponse {
        status: 201,
        headers: [("content-type", b"text/plain".as_slice())].into_iter().collect(),
        body: Bytes::from_static(body.as_bytes()),
    }
}

pub(crate) fn answered(body: &'static str) -> Completion {
    Completion::Response(answer(body))
}

pub(crate) fn completed(body: &'static str) -> State {
    State::Completed(answer(body))
}

/// What a duplicate learns where no fingerprint was recorded.
pub(crate) const fn existing(state: State) -> ExistingRecord {
    ExistingRecord { fingerprint: None, state }
}

/// Every completion there is, and how it reads afterwards.
pub(crate) fn completions() -> [(Completion, State); 3] {
    [
        (answered("first"), completed("first")),
        (Completion::NotRetained { status: 207 }, State::NotRetained { status: 207 }),
        (Completion::Unknown, State::Unknown),
    ]
}

/// Claims that differ from `claim` in one of the two things that a store must compare.
pub(crate) fn forged(claim: Claim) -> [Claim; 3] {
    [
        Claim { nonce: ClaimNonce::random(), ..claim },
        Claim { token: FencingToken(claim.token.0 + 1), ..claim },
        Claim { token: FencingToken(claim.token.0 - 1), ..claim },
    ]
}
