//! Claims and completions that the rules share.

use std::time::Duration;

use bytes::Bytes;
use idem_core::store::{
    Claim, ClaimNonce, ClaimRequest, Completion, ExistingRecord, FencingToken, Fingerprint, State,
    StoredResponse, UnknownOutcome, UnknownReason,
};
use idem_core::{Guarantee, Policy};

/// A lease or ttl that does not end within a rule.
pub(crate) const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns an at-most-once claim with a fresh nonce that neither lapses nor expires within a rule.
pub(crate) fn at_most_once() -> ClaimRequest {
    ClaimRequest::new(&policy(Guarantee::AtMostOnce))
}

/// Returns the at-least-once equivalent of [`at_most_once`].
pub(crate) fn at_least_once() -> ClaimRequest {
    ClaimRequest::new(&policy(Guarantee::AtLeastOnce))
}

fn policy(guarantee: Guarantee) -> Policy {
    Policy::new(LONG, guarantee).with_hold(LONG).with_lease(LONG)
}

/// Returns the equivalent of [`at_most_once`] for a handler with `recover`.
pub(crate) fn recovering() -> ClaimRequest {
    at_most_once().with_recoverable(true)
}

/// Returns a claim under each guarantee.
pub(crate) fn each_guarantee() -> [ClaimRequest; 2] {
    [at_most_once(), at_least_once()]
}

pub(crate) trait ClaimRequestExt {
    fn nonce(self, nonce: ClaimNonce) -> Self;
    fn lease(self, lease: Duration) -> Self;
    fn hold(self, hold: Duration) -> Self;
    fn max_attempts(self, max_attempts: u32) -> Self;
}

impl ClaimRequestExt for ClaimRequest {
    fn nonce(mut self, nonce: ClaimNonce) -> Self {
        self.nonce = nonce;
        self
    }

    fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    fn hold(mut self, hold: Duration) -> Self {
        (self.hold, self.ttl) = (hold, hold);
        self
    }

    fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = max_attempts;
        self
    }
}

/// Returns a fingerprint that differs for every `byte`.
pub(crate) const fn fingerprint(byte: u8) -> Option<Fingerprint> {
    Some(Fingerprint::from_parts(1, [byte; 32]))
}

pub(crate) fn response(body: &'static str) -> StoredResponse {
    StoredResponse::new(
        201,
        [("content-type", b"text/plain".as_slice())].into_iter().collect(),
        Bytes::from_static(body.as_bytes()),
    )
}

pub(crate) fn with_response(body: &'static str) -> Completion {
    Completion::Response(response(body))
}

pub(crate) fn completed(body: &'static str) -> State {
    State::Completed(response(body))
}

/// Returns the existing record of a claim without a fingerprint.
pub(crate) fn existing(state: State) -> ExistingRecord {
    existing_of(None, state)
}

/// Returns the existing record of a claim that cannot be recovered.
pub(crate) fn existing_of(fingerprint: Option<Fingerprint>, state: State) -> ExistingRecord {
    ExistingRecord { fingerprint, state, recoverable_in: None }
}

/// The state of a record whose lease has ended.
pub(crate) const CRASHED: State = State::Unknown(UnknownReason::Crashed);

/// A completion with an unknown outcome.
pub(crate) const fn unknown(reason: UnknownReason) -> Completion {
    Completion::unknown(reason)
}

/// A completion with a disputed outcome.
pub(crate) fn disputed(text: &str) -> Completion {
    Completion::Unknown(UnknownOutcome::disputed(text))
}

/// Returns every kind of completion, with the state that it leads to.
pub(crate) fn completions() -> [(Completion, State); 3] {
    [
        (with_response("first"), completed("first")),
        (Completion::NotRetained { status: 207 }, State::NotRetained { status: 207 }),
        (unknown(UnknownReason::TimedOut), State::Unknown(UnknownReason::TimedOut)),
    ]
}

/// Returns claims that differ from `claim` in the nonce or the fencing token, which a store must compare.
pub(crate) fn forged(claim: Claim) -> [Claim; 3] {
    [
        Claim { nonce: ClaimNonce::random(), ..claim },
        Claim { token: FencingToken(claim.token.0 + 1), ..claim },
        Claim { token: FencingToken(claim.token.0 - 1), ..claim },
    ]
}
