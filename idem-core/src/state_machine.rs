//! The transitions of a record as pure functions, without I/O and without a clock.
//!
//! The functions define the [state machine](crate::rules::guarantees#state-machine) of the promises. The memory store
//! calls them under a lock, and the other stores translate them. The conformance suite and the model checker compare
//! every store with them.
//!
//! Each function takes the stored [`Slot`], if there is one, and the current time. It returns the [`Change`] that the
//! store must apply and the reply for the caller. `now` is always the store's own clock. Read, function and change must
//! be one atomic operation; see [a complete store](crate::store#a-complete-store).

use std::time::Duration;

use crate::model::{
    Claim, ClaimNonce, Completion, FencingToken, Guarantee, Record, RecordId, State,
};
use crate::store::{ClaimOutcome, ClaimRequest, Update};

/// A moment on a [store's clock](crate::rules::semantics#store-clock), in microseconds. It is never compared with
/// another clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// A record with its two times on the store's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The record.
    pub record: Record,
    /// The end of the lease. It has a meaning only while the record is running.
    pub lease_until: Timestamp,
    /// The time from which the record counts as absent. While the record is running, it is `ttl` after
    /// `lease_until`.
    pub expires_at: Timestamp,
}

impl Slot {
    /// Whether the record counts as absent. This is exact, even if the expired record is deleted much later.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Whether the lease has ended.
    pub fn lapsed(&self, now: Timestamp) -> bool {
        self.lease_until <= now
    }

    /// Whether the record is unexpired and `claim` is its current claim.
    fn held_by(&self, claim: &Claim, now: Timestamp) -> bool {
        let current = self.record.nonce == claim.nonce && self.record.token == claim.token;
        !self.expired(now) && current
    }
}

/// The change that a transition makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The stored slot stays as it is.
    Keep,
    /// The slot is written, and replaces the stored one.
    Put(Slot),
    /// The stored slot is deleted.
    Remove,
}

/// Claims a key. Covers the transitions *claim*, *repeat claim*, *take over*, *lapse* and *expire*.
///
/// * If no unexpired record exists, the caller gets a claim with attempt 1.
/// * If the record is running and has the caller's nonce, the caller gets the same claim again.
/// * If the record may be taken over, the caller gets a claim with the next attempt and a higher fencing token.
/// * Otherwise the caller gets the existing record. A running record whose lease has ended reads as unknown.
///
/// A takeover needs at least once in the record and in the request, an ended lease, equal fingerprints and fewer
/// attempts than the request's [`max_attempts`](ClaimRequest::max_attempts).
pub fn claim(
    slot: Option<&Slot>,
    id: RecordId,
    request: &ClaimRequest,
    now: Timestamp,
) -> (Change, ClaimOutcome) {
    let Some(slot) = slot else {
        return acquire(id, request, None, 1, now);
    };
    let record = &slot.record;
    if slot.expired(now) {
        return acquire(id, request, Some(record.token), 1, now);
    }
    let is_repeated = record.nonce == request.nonce;
    if is_repeated && record.state == State::Running {
        let claim = Claim { id, nonce: record.nonce, token: record.token, attempt: record.attempt };
        return (Change::Keep, ClaimOutcome::Acquired(claim));
    }
    if may_take_over(slot, request, now) {
        return acquire(id, request, Some(record.token), record.attempt + 1, now);
    }
    (Change::Keep, ClaimOutcome::Exists(record.observe(slot.lapsed(now))))
}

/// Whether a request may take over a record. If a deploy changed the guarantee, the stricter one applies, so both the
/// record and the request must be at least once.
fn may_take_over(slot: &Slot, request: &ClaimRequest, now: Timestamp) -> bool {
    let record = &slot.record;
    record.state == State::Running
        && slot.lapsed(now)
        && record.guarantee == Guarantee::AtLeastOnce
        && request.guarantee == Guarantee::AtLeastOnce
        && record.attempt < request.max_attempts
        && record.fingerprint == request.fingerprint
}

fn acquire(
    id: RecordId,
    request: &ClaimRequest,
    previous: Option<FencingToken>,
    attempt: u32,
    now: Timestamp,
) -> (Change, ClaimOutcome) {
    let token =
        FencingToken(previous.map_or(now.0, |FencingToken(previous)| now.0.max(previous + 1)));
    let record = Record {
        nonce: request.nonce,
        token,
        attempt,
        guarantee: request.guarantee,
        fingerprint: request.fingerprint,
        state: State::Running,
    };
    let lease_until = now.after(request.lease);
    let slot = Slot { record, lease_until, expires_at: lease_until.after(request.ttl) };
    (Change::Put(slot), ClaimOutcome::Acquired(Claim { id, nonce: request.nonce, token, attempt }))
}

/// Extends the lease of a running record to `lease` after now, and the record to `ttl` after that.
///
/// The lease may have ended, if no other caller has claimed the key since. [`Update::Stale`] carries no record.
pub fn renew(
    slot: Option<&Slot>,
    claim: &Claim,
    lease: Duration,
    ttl: Duration,
    now: Timestamp,
) -> (Change, Update) {
    match slot {
        Some(slot) if slot.held_by(claim, now) && slot.record.state == State::Running => {
            let lease_until = now.after(lease);
            let renewed = Slot {
                record: slot.record.clone(),
                lease_until,
                expires_at: lease_until.after(ttl),
            };
            (Change::Put(renewed), Update::Applied)
        }
        _ => (Change::Keep, Update::Stale(None)),
    }
}

/// Completes the run: stores the response, or records that it was not retained or that the outcome is unknown.
///
/// The owner can complete a running or an unknown record. The record then expires `ttl` after now. A repeated
/// completion changes nothing and returns [`Update::Applied`]. A stale caller gets the existing record, if there is an
/// unexpired one.
pub fn complete(
    slot: Option<&Slot>,
    claim: &Claim,
    completion: Completion,
    ttl: Duration,
    now: Timestamp,
) -> (Change, Update) {
    match slot {
        Some(slot) if slot.held_by(claim, now) => {
            if !slot.record.state.is_open() {
                return (Change::Keep, Update::Applied);
            }
            let record = Record { state: completion.into(), ..slot.record.clone() };
            let completed =
                Slot { record, lease_until: slot.lease_until, expires_at: now.after(ttl) };
            (Change::Put(completed), Update::Applied)
        }
        Some(slot) if !slot.expired(now) => {
            (Change::Keep, Update::Stale(Some(Box::new(slot.record.observe(slot.lapsed(now))))))
        }
        _ => (Change::Keep, Update::Stale(None)),
    }
}

/// Releases a running record, so that its key is free. The owner calls it for a run that had no effect or that may be
/// repeated. [`Update::Stale`] carries no record.
pub fn release(slot: Option<&Slot>, claim: &Claim, now: Timestamp) -> (Change, Update) {
    match slot {
        Some(slot) if slot.held_by(claim, now) && slot.record.state == State::Running => {
            (Change::Remove, Update::Applied)
        }
        _ => (Change::Keep, Update::Stale(None)),
    }
}

/// Abandons a claim whose reply was lost: the caller does not know whether it holds the key. Its handler never started.
///
/// A first attempt is deleted. A later attempt stays as a running record whose lease has ended, because an earlier run
/// may have had an effect and may still be active. The attempt stays counted. [`Update::Stale`] carries no record; it
/// is returned if the nonce does not hold a running record.
pub fn abandon(slot: Option<&Slot>, nonce: ClaimNonce, now: Timestamp) -> (Change, Update) {
    match slot {
        Some(slot)
            if !slot.expired(now)
                && slot.record.nonce == nonce
                && slot.record.state == State::Running =>
        {
            let change = match slot.record.attempt {
                1 => Change::Remove,
                _ => Change::Put(Slot { lease_until: now, ..slot.clone() }),
            };
            (change, Update::Applied)
        }
        _ => (Change::Keep, Update::Stale(None)),
    }
}
