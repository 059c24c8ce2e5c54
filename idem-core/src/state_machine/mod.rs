//! The transitions of a record as pure functions, without I/O and without a clock.
//!
//! The functions define the [state machine](crate::rules::guarantees#state-machine) of the promises. The memory store
//! calls them under a lock, and the other stores translate them. The conformance suite and the model checker compare
//! every store with them.
//!
//! Each function takes the stored [`Slot`], if there is one, and the current time. It returns the [`Change`] that the
//! store must apply and the reply for the caller. `now` is always the store's own clock. Read, function and change must
//! be one atomic operation; see [a complete store](crate::store#a-complete-store).

mod resolve;
mod slot;

use std::time::Duration;

pub use crate::model::Timestamp;
use crate::model::{
    Claim, ClaimNonce, Completion, FencingToken, Guarantee, Record, RecordId, Silence, State,
    UnknownReason,
};
use crate::store::{ClaimOutcome, ClaimRequest, Update};
pub use resolve::resolve;
pub use slot::{Change, Slot};

/// Claims a key. Covers the transitions *claim*, *repeat claim*, *take over*, *begin recovery*, *lapse* and *expire*.
///
/// * If no unexpired record exists, the caller gets a claim with attempt 1.
/// * If the record is running and has the caller's nonce, the caller gets the same claim again.
/// * If the record may be taken over, the caller gets a claim with the next attempt and a higher fencing token.
/// * If its outcome may be recovered, the caller gets such a claim to recover it.
/// * Otherwise the caller gets the existing record. A running record whose lease has ended reads as unknown.
///
/// A takeover needs at least once in the record and in the request, an ended lease, equal fingerprints and fewer
/// attempts than the request's [`max_attempts`](ClaimRequest::max_attempts).
///
/// A recovery needs `recover` in the record and in the request, equal fingerprints, and an ended lease or quiet time.
/// The reason must not be [`Disputed`](UnknownReason::Disputed). While a record is in recovery, each of its claims is
/// reported as [`Recovering`](ClaimOutcome::Recovering).
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
        return (Change::Keep, granted(id, record, now));
    }
    if may_take_over(slot, request, now) {
        return acquire(id, request, Some(record.token), record.attempt.saturating_add(1), now);
    }
    if may_recover(slot, request, now) {
        return begin_recovery(slot, id, request, now);
    }
    (Change::Keep, ClaimOutcome::Exists(slot.observe(now)))
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

/// Whether a request may determine the outcome of a lost run. A record that was claimed without `recover` is never
/// recovered: its run may not have used a downstream key, so a provider that does not know the key proves nothing.
fn may_recover(slot: &Slot, request: &ClaimRequest, now: Timestamp) -> bool {
    let record = &slot.record;
    slot.lapsed(now)
        && record.recoverable
        && request.recoverable
        && record.fingerprint == request.fingerprint
        && match record.state {
            State::Running => true,
            State::Unknown(reason) => reason != UnknownReason::Disputed,
            State::Completed(_) | State::NotRetained { .. } => false,
        }
}

fn acquire(
    id: RecordId,
    request: &ClaimRequest,
    previous: Option<FencingToken>,
    attempt: u32,
    now: Timestamp,
) -> (Change, ClaimOutcome) {
    let record = Record {
        nonce: request.nonce,
        token: next_token(previous, now),
        attempt,
        guarantee: request.guarantee,
        recoverable: request.recoverable,
        fingerprint: request.fingerprint,
        extras: request.extras.clone(),
        state: State::Running,
    };
    put_claim(id, record, request, now)
}

fn begin_recovery(
    slot: &Slot,
    id: RecordId,
    request: &ClaimRequest,
    now: Timestamp,
) -> (Change, ClaimOutcome) {
    let record = &slot.record;
    let silence = record.extras.silence().unwrap_or(Silence {
        since: slot.lease_until,
        reason: UnknownReason::Crashed,
        attempt: record.attempt,
    });
    let record = Record {
        nonce: request.nonce,
        token: next_token(Some(record.token), now),
        attempt: record.attempt.saturating_add(1),
        extras: record.extras.with_silence(Some(silence)),
        state: State::Running,
        ..record.clone()
    };
    put_claim(id, record, request, now)
}

fn next_token(previous: Option<FencingToken>, now: Timestamp) -> FencingToken {
    FencingToken(previous.map_or(now.0, |FencingToken(previous)| now.0.max(previous + 1)))
}

fn put_claim(
    id: RecordId,
    record: Record,
    request: &ClaimRequest,
    now: Timestamp,
) -> (Change, ClaimOutcome) {
    let outcome = granted(id, &record, now);
    let lease_until = now.after(request.lease);
    let slot = Slot { record, lease_until, expires_at: lease_until.after(request.hold) };
    (Change::Put(slot), outcome)
}

/// The reply to the owner of a running record.
fn granted(id: RecordId, record: &Record, now: Timestamp) -> ClaimOutcome {
    let Record { nonce, token, attempt, .. } = *record;
    let claim = Claim { id, nonce, token, attempt };
    match record.extras.silence() {
        None => ClaimOutcome::Acquired(claim),
        Some(silence) => ClaimOutcome::Recovering(claim, silence.lost_run(now)),
    }
}

/// Extends the lease of a running record to `lease` after now, and the record to `hold` after that.
///
/// The lease may have ended, if no other caller has claimed the key since. [`Update::Stale`] carries no record.
pub fn renew(
    slot: Option<&Slot>,
    claim: &Claim,
    lease: Duration,
    hold: Duration,
    now: Timestamp,
) -> (Change, Update) {
    match slot {
        Some(slot) if slot.held_by(claim, now) && slot.record.state == State::Running => {
            let lease_until = now.after(lease);
            let renewed = Slot {
                record: slot.record.clone(),
                lease_until,
                expires_at: lease_until.after(hold),
            };
            (Change::Put(renewed), Update::Applied)
        }
        _ => (Change::Keep, Update::Stale(None)),
    }
}

/// Ends a recovery whose hook reported that nothing happened: removes the [silence](Silence), so that the handler may
/// run under the same claim. Otherwise like [`renew`].
///
/// A repeated call changes nothing else and returns [`Update::Applied`].
pub fn resume_run(
    slot: Option<&Slot>,
    claim: &Claim,
    lease: Duration,
    hold: Duration,
    now: Timestamp,
) -> (Change, Update) {
    let (change, update) = renew(slot, claim, lease, hold, now);
    let Change::Put(mut slot) = change else { return (change, update) };
    slot.record.extras = slot.record.extras.with_silence(None);
    (Change::Put(slot), update)
}

/// Completes the run: stores the response, or records that it was not retained or that the outcome is unknown.
///
/// The owner can complete a running or an unknown record. The record then expires `retention` after now, and an unknown
/// one `retention` after its quiet time. An unknown record keeps the silence of its recovery, or else is silent from now.
/// A repeated completion changes nothing and returns [`Update::Applied`]. A stale caller gets the existing record, if there
/// is an unexpired one.
pub fn complete(
    slot: Option<&Slot>,
    claim: &Claim,
    completion: Completion,
    retention: Duration,
    now: Timestamp,
) -> (Change, Update) {
    match slot {
        Some(slot) if slot.held_by(claim, now) => {
            if !slot.record.state.is_open() {
                return (Change::Keep, Update::Applied);
            }
            (Change::Put(completed(slot, completion, retention, now)), Update::Applied)
        }
        Some(slot) if !slot.expired(now) => {
            (Change::Keep, Update::Stale(Some(Box::new(slot.observe(now)))))
        }
        _ => (Change::Keep, Update::Stale(None)),
    }
}

fn completed(slot: &Slot, completion: Completion, retention: Duration, now: Timestamp) -> Slot {
    let record = &slot.record;
    let (extras, ends) = match &completion {
        Completion::Unknown(outcome) => {
            let silence = record.extras.silence().unwrap_or(Silence {
                since: now,
                reason: outcome.reason,
                attempt: record.attempt,
            });
            let extras = record.extras.with_silence(Some(silence));
            let extras = match &outcome.dispute {
                None => extras,
                Some(dispute) => extras.with_dispute(dispute),
            };
            (extras, now.after(outcome.quiet))
        }
        Completion::Response(_) | Completion::NotRetained { .. } => {
            (record.extras.with_silence(None), now)
        }
    };
    let record = Record { extras, state: completion.into(), ..record.clone() };
    Slot { record, lease_until: ends, expires_at: ends.after(retention) }
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
