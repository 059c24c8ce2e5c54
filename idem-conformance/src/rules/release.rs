//! Release and abandonment of a key.

use idem_core::store::{ClaimNonce, State, Update};

use crate::case::{Case, assert_stale};
use crate::fixtures::{self, ClaimRequestExt};
use crate::harness::StoreHarness;

/// A released key is new: it starts at attempt 1, without a fingerprint and with a higher fencing
/// token.
pub async fn released_key_is_new<S: StoreHarness>(case: Case<S>) {
    for request in fixtures::each_guarantee() {
        let key = case.key();
        let first = key.acquire(request.clone().with_fingerprint(fixtures::fingerprint(1))).await;
        assert_eq!(key.release(first).await, Update::Applied);
        let second = key.assert_new().await;
        assert!(second.token > first.token);
        assert_eq!(key.find_existing(&request).await, fixtures::existing(State::Running));
    }
}

/// The owner can release a lapsed record that no other claim has taken over.
pub async fn release_after_the_lease_frees_the_key<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once().lease(case.unit())).await;
    case.advance(2).await;
    assert_eq!(key.release(claim).await, Update::Applied);
    assert!(key.assert_new().await.token > claim.token);
}

/// A release with another nonce or another fencing token is rejected.
pub async fn stale_release_changes_nothing<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let request = fixtures::at_most_once();
    let claim = key.acquire(&request).await;
    for forged in fixtures::forged(claim) {
        assert_stale(&key.release(forged).await, "release");
    }
    assert_eq!(key.acquire(&request).await, claim);
}

/// A repeated release, as after a lost reply, does not change the next claim of the key.
pub async fn repeated_release_changes_nothing<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let first = key.acquire(fixtures::at_most_once()).await;
    assert_eq!(key.release(first).await, Update::Applied);
    assert_stale(&key.release(first).await, "release");
    let request = fixtures::at_most_once();
    let second = key.acquire(&request).await;
    assert_stale(&key.release(first).await, "release");
    assert_eq!(key.acquire(&request).await, second);
}

/// A completed record is not freed, not even by its owner.
pub async fn completed_record_is_not_freed<S: StoreHarness>(case: Case<S>) {
    for (completion, state) in fixtures::completions() {
        let key = case.key();
        let claim = key.acquire(fixtures::at_least_once()).await;
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        assert_stale(&key.release(claim).await, "release");
        assert_stale(&key.abandon(claim.nonce).await, "abandon");
        assert_eq!(key.state().await, state);
    }
}

/// A nonce whose claim reply was lost frees the key by abandoning it, once.
pub async fn abandoned_key_is_new<S: StoreHarness>(case: Case<S>) {
    for request in fixtures::each_guarantee() {
        let key = case.key();
        let first = key.acquire(&request).await;
        assert_eq!(key.abandon(request.nonce).await, Update::Applied);
        assert_stale(&key.abandon(request.nonce).await, "abandon");
        let second = key.assert_new().await;
        assert!(second.token > first.token);
    }
}

/// Abandoning frees a lapsed record that no other claim has taken over.
pub async fn abandon_after_the_lease_frees_the_key<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let request = fixtures::at_least_once().lease(case.unit());
    key.acquire(&request).await;
    case.advance(2).await;
    assert_eq!(key.abandon(request.nonce).await, Update::Applied);
    key.assert_new().await;
}

/// Abandoning with a nonce that holds nothing is rejected and changes nothing.
pub async fn abandon_with_another_nonce_changes_nothing<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    assert_stale(&key.abandon(ClaimNonce::random()).await, "abandon");
    let request = fixtures::at_most_once();
    let claim = key.acquire(&request).await;
    assert_stale(&key.abandon(ClaimNonce::random()).await, "abandon");
    assert_eq!(key.acquire(&request).await, claim);
}
