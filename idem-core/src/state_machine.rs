//! Every transition of a record as a pure function: no I/O, no clock of its own.
//!
//! This is the state machine of RELIABILITY section 3. The memory store calls it under a lock; the
//! other stores translate it, and the conformance suite and the model checker hold them to it. `now`
//! is always the store's own clock.

use std::time::Duration;

use crate::model::{
    Claim, ClaimNonce, Completion, FencingToken, Guarantee, Record, RecordId, State,
};
use crate::store::{ClaimOutcome, ClaimRequest, Update};

/// A moment on a store's clock, in microseconds. Never compared with another clock (R30).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// A record with the two times that the store's clock judges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The record.
    pub record: Record,
    /// Until when a running record holds without news of its owner.
    pub lease_until: Timestamp,
    /// When the record is forgotten. At least `ttl` after `lease_until` while it runs (T15).
    pub expires_at: Timestamp,
}

impl Slot {
    /// Whether the record counts as absent (T15): exact at read time, whenever it is purged.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Whether a running record's owner has not been heard of for a lease.
    pub fn lapsed(&self, now: Timestamp) -> bool {
        self.lease_until <= now
    }

    /// Whether the record is live and `claim` is its current claim.
    fn held_by(&self, claim: &Claim, now: Timestamp) -> bool {
        let current = self.record.nonce == claim.nonce && self.record.token == claim.token;
        !self.expired(now) && current
    }
}

/// What a transition writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Keep,
    /// This, in place of what was there.
    Put(Slot),
    /// Nothing stands there any more.
    Remove,
}

/// T1, T2, T10-T12, T15, T16: a caller asks for the key.
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
    let sent_again = record.nonce == request.nonce;
    if sent_again && record.state == State::Running {
        let claim = Claim { id, nonce: record.nonce, token: record.token, attempt: record.attempt };
        return (Change::Keep, ClaimOutcome::Acquired(claim));
    }
    if may_take_over(slot, request, now) {
        return acquire(id, request, Some(record.token), record.attempt + 1, now);
    }
    (Change::Keep, ClaimOutcome::Exists(record.observe(slot.lapsed(now))))
}

/// T11. Both the record and the caller must be at least once: after a deploy that changed the
/// guarantee, the careful one counts.
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

/// T3: the owner holds on.
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

/// T4, T5, T6, T9: the owner says how it ended.
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
            let concluded =
                Slot { record, lease_until: slot.lease_until, expires_at: now.after(ttl) };
            (Change::Put(concluded), Update::Applied)
        }
        Some(slot) if !slot.expired(now) => {
            (Change::Keep, Update::Stale(Some(Box::new(slot.record.observe(slot.lapsed(now))))))
        }
        _ => (Change::Keep, Update::Stale(None)),
    }
}

/// T7: the owner frees the key.
pub fn release(slot: Option<&Slot>, claim: &Claim, now: Timestamp) -> (Change, Update) {
    match slot {
        Some(slot) if slot.held_by(claim, now) && slot.record.state == State::Running => {
            (Change::Remove, Update::Applied)
        }
        _ => (Change::Keep, Update::Stale(None)),
    }
}

/// T8: a caller that never learned whether it won gives back what it may have won. A first claim leaves
/// nothing; a takeover leaves a record whose lease is over, because an earlier run began, may still go
/// on, and must not be forgotten. The attempt stays counted.
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
