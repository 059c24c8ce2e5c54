//! Claims of new and existing keys.

use std::time::Duration;

use idem_core::store::{ClaimOutcome, Fingerprint, State, Update};

use crate::case::{Case, Key};
use crate::fixtures::{self, ClaimRequestExt, LONG};
use crate::harness::StoreHarness;

/// The first claim of a key is acquired as attempt 1 with the nonce of the request.
pub async fn new_key_is_acquired<S: StoreHarness>(case: Case<S>) {
    for request in fixtures::each_guarantee() {
        let key = case.key();
        let claim = key.acquire(&request).await;
        assert_eq!((claim.id, claim.nonce, claim.attempt), (key.id, request.nonce, 1));
        assert!(claim.token.0 > 0);
        assert_eq!(key.state().await, State::Running);
    }
}

/// The fingerprint of the first claim is recorded and returned to every duplicate. A claim without
/// a fingerprint records none.
pub async fn first_fingerprint_is_recorded<S: StoreHarness>(case: Case<S>) {
    for (first, second) in [
        (fixtures::fingerprint(1), fixtures::fingerprint(2)),
        (fixtures::fingerprint(1), None),
        (None, fixtures::fingerprint(2)),
    ] {
        let key = case.key();
        let claim = key.acquire(fixtures::at_most_once().with_fingerprint(first)).await;
        let duplicate = fixtures::at_most_once().with_fingerprint(second);
        let seen = key.find_existing(&duplicate).await;
        assert_eq!(seen, fixtures::existing_of(first, State::Running));
        assert_eq!(key.complete(claim, fixtures::with_response("done")).await, Update::Applied);
        let seen = key.find_existing(&duplicate).await;
        assert_eq!(seen, fixtures::existing_of(first, fixtures::completed("done")));
    }
}

/// A fingerprint of any version is returned unchanged.
pub async fn fingerprint_versions_are_kept<S: StoreHarness>(case: Case<S>) {
    let digest = std::array::from_fn(|n| n as u8 * 8);
    for version in [1, 2, 127, 128, 255] {
        let key = case.key();
        let fingerprint = Some(Fingerprint::from_parts(version, digest));
        key.acquire(fixtures::at_most_once().with_fingerprint(fingerprint)).await;
        assert_eq!(key.find_existing(fixtures::at_most_once()).await.fingerprint, fingerprint);
    }
}

/// A claim that is repeated with the same nonce, as after a lost reply, returns the same claim.
pub async fn repeated_claim_returns_the_same_claim<S: StoreHarness>(case: Case<S>) {
    for request in fixtures::each_guarantee() {
        let key = case.key();
        let claim = key.acquire(&request).await;
        assert_eq!(key.acquire(&request).await, claim);
        assert_eq!(key.acquire(&request).await, claim);
    }
}

/// A claim that is repeated after the lease returns the same claim, and does not extend the lease.
pub async fn repeated_claim_after_the_lease_returns_the_same_claim<S: StoreHarness>(case: Case<S>) {
    for request in fixtures::each_guarantee() {
        let key = case.key();
        let request = request.lease(case.unit());
        let claim = key.acquire(&request).await;
        case.advance(2).await;
        assert_eq!(key.acquire(&request).await, claim);
        assert_eq!(key.state().await, fixtures::CRASHED);
    }
}

/// Repeating a claim during the lease does not extend the lease.
pub async fn repeated_claim_does_not_extend_the_lease<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let request = fixtures::at_most_once().lease(case.unit() * 3);
    let claim = key.acquire(&request).await;
    case.advance(2).await;
    assert_eq!(key.acquire(&request).await, claim);
    case.advance(2).await;
    assert_eq!(key.state().await, fixtures::CRASHED);
}

/// After completion, a repeated claim returns the existing record.
pub async fn repeated_claim_after_completion_is_a_duplicate<S: StoreHarness>(case: Case<S>) {
    for (completion, state) in fixtures::completions() {
        let key = case.key();
        let request = fixtures::at_least_once();
        let claim = key.acquire(&request).await;
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        assert_eq!(key.find_existing(&request).await, fixtures::existing(state));
    }
}

/// Under at most once, a lapsed record reads as unknown and is not taken over.
pub async fn lapsed_at_most_once_record_reads_as_unknown<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let request =
        fixtures::at_most_once().lease(case.unit() * 2).with_fingerprint(fixtures::fingerprint(1));
    let claim = key.acquire(&request).await;
    assert_eq!(key.state().await, State::Running);
    case.advance(3).await;
    let unknown = fixtures::existing_of(fixtures::fingerprint(1), fixtures::CRASHED);
    for duplicate in fixtures::each_guarantee() {
        let seen = key.find_existing(duplicate.with_fingerprint(fixtures::fingerprint(1))).await;
        assert_eq!(seen, unknown);
    }
    assert_eq!(key.acquire(&request).await, claim, "a duplicate changes nothing");
}

/// Record ids that differ in one bit are independent keys.
pub async fn ids_that_differ_in_one_bit_are_independent<S: StoreHarness>(case: Case<S>) {
    let id: [u8; 32] = rand::random();
    let first = case.key_at(id);
    let claim = first.acquire(fixtures::at_most_once()).await;
    for bit in 0..256 {
        let mut near = id;
        near[bit / 8] ^= 1 << (bit % 8);
        let near = case.key_at(near);
        let own = near.assert_new().await;
        assert_eq!(near.release(own).await, Update::Applied);
    }
    assert_eq!(first.complete(claim, fixtures::with_response("mine")).await, Update::Applied);
}

/// One nonce on two keys makes two claims. Ending one does not affect the other.
pub async fn one_nonce_on_two_keys_makes_two_claims<S: StoreHarness>(case: Case<S>) {
    let request = fixtures::at_most_once();
    let (one, two): (Key<S>, Key<S>) = (case.key(), case.key());
    let first = one.acquire(&request).await;
    let second = two.acquire(&request).await;
    assert_eq!((first.id, second.id), (one.id, two.id));
    assert_eq!(two.release(second).await, Update::Applied);
    assert_eq!(one.claim(&request).await, ClaimOutcome::Acquired(first));
}

/// Durations below one millisecond are accepted and expire within one unit.
pub async fn tiny_durations_expire<S: StoreHarness>(case: Case<S>) {
    const TINY: Duration = Duration::from_micros(1);
    let (claimed, lapsed) = (case.key(), case.key());
    claimed.acquire(fixtures::at_most_once().lease(TINY).hold(TINY)).await;
    let late = lapsed.acquire(fixtures::at_most_once().lease(TINY)).await;
    case.advance(1).await;
    claimed.assert_new().await;
    assert_eq!(lapsed.state().await, fixtures::CRASHED);
    assert_eq!(
        lapsed.complete_for(late, fixtures::with_response("brief"), TINY).await,
        Update::Applied
    );
    case.advance(1).await;
    let claim = lapsed.assert_new().await;
    assert_eq!(lapsed.renew(claim, TINY, TINY).await, Update::Applied);
    case.advance(1).await;
    lapsed.assert_new().await;
}

/// Durations of ten years, and of more milliseconds than 31 or 32 bits can hold, are not truncated.
pub async fn huge_durations_are_not_truncated<S: StoreHarness>(case: Case<S>) {
    const HUGE: [Duration; 3] =
        [LONG.saturating_mul(3653), Duration::from_millis(1 << 31), Duration::from_millis(1 << 32)];
    for huge in HUGE {
        let (leased, kept, done) = (case.key(), case.key(), case.key());
        leased.acquire(fixtures::at_most_once().lease(huge).hold(huge)).await;
        let late = kept.acquire(fixtures::at_most_once().lease(case.unit() / 2).hold(huge)).await;
        let claim = done.acquire(fixtures::at_most_once()).await;
        assert_eq!(
            done.complete_for(claim, fixtures::with_response("kept"), huge).await,
            Update::Applied
        );
        case.advance(1).await;
        assert_eq!(leased.state().await, State::Running);
        assert_eq!(kept.state().await, fixtures::CRASHED);
        assert_eq!(done.state().await, fixtures::completed("kept"));
        assert_eq!(kept.renew(late, huge, huge).await, Update::Applied);
        case.advance(1).await;
        assert_eq!(kept.state().await, State::Running);
    }
}
