//! Takeovers of lapsed records under at least once.

use idem_core::store::{Claim, ClaimRequest, Fingerprint, State, Update};

use crate::case::Case;
use crate::fixtures::{self, ClaimRequestExt};
use crate::harness::StoreHarness;

/// Returns an at-least-once claim with a lease of one unit.
fn short<S: StoreHarness>(case: &Case<S>) -> ClaimRequest {
    fixtures::at_least_once().lease(case.unit())
}

/// The next claim takes a lapsed record over, with the next attempt number and a higher fencing
/// token.
pub async fn lapsed_record_is_taken_over<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let first = key.acquire(short(&case).with_fingerprint(fixtures::fingerprint(1))).await;
    case.advance(2).await;
    let request = fixtures::at_least_once().with_fingerprint(fixtures::fingerprint(1));
    let second = key.acquire(&request).await;
    assert_eq!((second.nonce, second.attempt), (request.nonce, 2));
    assert!(second.token > first.token);
    assert_eq!(key.acquire(&request).await, second, "the record belongs to the new nonce");
    let running = fixtures::existing_of(fixtures::fingerprint(1), State::Running);
    assert_eq!(
        key.find_existing(fixtures::at_least_once()).await,
        running,
        "the new owner has its own lease"
    );
}

/// After a takeover the previous owner cannot change the record. Its completion returns the
/// existing record.
pub async fn stale_owner_is_rejected<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let old = key.acquire(short(&case)).await;
    case.advance(2).await;
    let request = fixtures::at_least_once();
    let new = key.acquire(&request).await;
    key.assert_rejected(old, Some(fixtures::existing(State::Running))).await;
    assert_eq!(key.acquire(&request).await, new);
    assert_eq!(key.complete(new, fixtures::with_response("new")).await, Update::Applied);
    key.assert_rejected(old, Some(fixtures::existing(fixtures::completed("new")))).await;
    assert_eq!(key.state().await, fixtures::completed("new"));
}

/// A claim with the previous nonce and the new fencing token is rejected.
pub async fn old_nonce_with_the_new_token_is_rejected<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let old = key.acquire(short(&case)).await;
    case.advance(2).await;
    let new = key.acquire(fixtures::at_least_once()).await;
    let guess = Claim { token: new.token, ..old };
    key.assert_rejected(guess, Some(fixtures::existing(State::Running))).await;
}

/// After a takeover, a repeated claim with the previous nonce is a duplicate.
pub async fn repeated_claim_after_a_takeover_is_a_duplicate<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let request = short(&case);
    key.acquire(&request).await;
    case.advance(2).await;
    key.acquire(fixtures::at_least_once()).await;
    assert_eq!(key.find_existing(&request).await, fixtures::existing(State::Running));
}

/// A record is taken over neither during its lease nor after a renewal.
pub async fn valid_lease_is_not_taken_over<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_least_once().lease(case.unit() * 3)).await;
    case.advance(2).await;
    assert_eq!(
        key.find_existing(fixtures::at_least_once()).await,
        fixtures::existing(State::Running)
    );
    assert_eq!(key.renew(claim, case.unit() * 3, fixtures::LONG).await, Update::Applied);
    case.advance(2).await;
    assert_eq!(
        key.find_existing(fixtures::at_least_once()).await,
        fixtures::existing(State::Running)
    );
    case.advance(2).await;
    assert_eq!(key.acquire(fixtures::at_least_once()).await.attempt, 2);
}

/// A claim with a different fingerprint, or with one where the record has none, does not take over.
pub async fn different_fingerprint_does_not_take_over<S: StoreHarness>(case: Case<S>) {
    let other_version = Fingerprint::from_parts(2, [1; 32]);
    let cases = [
        (fixtures::fingerprint(1), fixtures::fingerprint(2)),
        (fixtures::fingerprint(1), None),
        (None, fixtures::fingerprint(1)),
        (fixtures::fingerprint(1), Some(other_version)),
    ];
    for (first, second) in cases {
        let key = case.key();
        key.acquire(short(&case).with_fingerprint(first)).await;
        case.advance(2).await;
        let seen = key.find_existing(fixtures::at_least_once().with_fingerprint(second)).await;
        assert_eq!(seen, fixtures::existing_of(first, fixtures::CRASHED));
        assert_eq!(key.acquire(fixtures::at_least_once().with_fingerprint(first)).await.attempt, 2);
    }
}

/// A takeover requires at least once in the record and in the claim. After a deploy that changes
/// the guarantee, the stricter one applies.
pub async fn stricter_guarantee_applies<S: StoreHarness>(case: Case<S>) {
    let careful = [
        (fixtures::at_most_once(), fixtures::at_least_once()),
        (fixtures::at_least_once(), fixtures::at_most_once()),
        (fixtures::at_most_once(), fixtures::at_most_once()),
    ];
    for (first, second) in careful {
        let key = case.key();
        let first = key.acquire(first.lease(case.unit())).await;
        case.advance(2).await;
        assert_eq!(key.find_existing(&second).await, fixtures::existing(fixtures::CRASHED));
        assert_eq!(key.complete(first, fixtures::with_response("late")).await, Update::Applied);
    }
}

/// A lapsed record without attempts left reads as unknown. Its last owner can still complete it.
pub async fn exhausted_record_reads_as_unknown<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let mut last = key.acquire(short(&case).max_attempts(3)).await;
    for attempt in 2..=3 {
        case.advance(2).await;
        let next = key.acquire(short(&case).max_attempts(3)).await;
        assert_eq!(next.attempt, attempt);
        assert!(next.token > last.token);
        last = next;
    }
    case.advance(2).await;
    assert_eq!(
        key.find_existing(short(&case).max_attempts(3)).await,
        fixtures::existing(fixtures::CRASHED)
    );
    assert_eq!(key.complete(last, fixtures::with_response("third")).await, Update::Applied);
    assert_eq!(key.state().await, fixtures::completed("third"));
}

/// The attempt limit of the claim applies, so a deploy that raises the limit unblocks exhausted
/// records.
pub async fn attempt_limit_of_the_claim_applies<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    key.acquire(short(&case).max_attempts(9)).await;
    case.advance(2).await;
    assert_eq!(
        key.find_existing(short(&case).max_attempts(1)).await,
        fixtures::existing(fixtures::CRASHED)
    );
    assert_eq!(key.acquire(short(&case).max_attempts(2)).await.attempt, 2);
}

/// A record that was taken over expires by the lease and ttl of its new owner.
pub async fn takeover_sets_the_ttl<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    key.acquire(short(&case).hold(case.unit() * 2)).await;
    case.advance(2).await;
    key.acquire(fixtures::at_least_once().lease(case.unit()).hold(case.unit() * 4)).await;
    case.advance(3).await;
    assert_eq!(key.state().await, fixtures::CRASHED);
    case.advance(3).await;
    key.assert_new().await;
}

/// Abandoning a takeover ends its lease immediately and keeps the attempt count, because earlier
/// runs have started.
pub async fn abandoned_takeover_keeps_the_attempt_count<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let first = key.acquire(short(&case)).await;
    case.advance(2).await;
    let request = fixtures::at_least_once();
    let second = key.acquire(&request).await;
    assert_eq!(key.abandon(request.nonce).await, Update::Applied);
    let third = key.acquire(fixtures::at_least_once()).await;
    assert_eq!((second.attempt, third.attempt), (2, 3));
    assert!(third.token > second.token);
    key.assert_rejected(first, Some(fixtures::existing(State::Running))).await;
    key.assert_rejected(second, Some(fixtures::existing(State::Running))).await;
}
