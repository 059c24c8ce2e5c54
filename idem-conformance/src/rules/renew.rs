//! Renewals of a lease.

use idem_core::store::{State, Update};

use crate::case::{Case, assert_stale};
use crate::fixtures::{self, ClaimRequestExt, LONG};
use crate::harness::StoreHarness;
use crate::rules::concurrency::together;

/// A renewal extends the claim by one lease from the time of the renewal.
pub async fn renewal_extends_the_lease<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once().lease(case.unit() * 3)).await;
    case.advance(2).await;
    assert_eq!(key.renew(claim, case.unit() * 3, LONG).await, Update::Applied);
    case.advance(2).await;
    assert_eq!(key.state().await, State::Running);
    case.advance(2).await;
    assert_eq!(key.state().await, fixtures::CRASHED);
}

/// The owner can renew a lapsed record that no other claim has taken over. It is then running
/// again.
pub async fn renewal_after_the_lease_succeeds<S: StoreHarness>(case: Case<S>) {
    for request in fixtures::each_guarantee() {
        let key = case.key();
        let claim = key.acquire(request.lease(case.unit())).await;
        case.advance(2).await;
        assert_eq!(key.state().await, fixtures::CRASHED);
        assert_eq!(key.renew(claim, LONG, LONG).await, Update::Applied);
        assert_eq!(
            key.find_existing(fixtures::at_least_once()).await,
            fixtures::existing(State::Running)
        );
    }
}

/// A renewed record expires one ttl after its new lease.
pub async fn renewal_extends_the_expiry<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim =
        key.acquire(fixtures::at_most_once().lease(case.unit() * 2).hold(case.unit())).await;
    case.advance(1).await;
    assert_eq!(key.renew(claim, case.unit(), case.unit() * 4).await, Update::Applied);
    case.advance(3).await;
    assert_eq!(key.state().await, fixtures::CRASHED);
    case.advance(3).await;
    key.assert_new().await;
}

/// A renewal changes neither the fencing token nor the attempt nor the fingerprint.
pub async fn renewal_does_not_change_the_claim<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let request = fixtures::at_least_once().with_fingerprint(fixtures::fingerprint(7));
    let claim = key.acquire(&request).await;
    assert_eq!(key.renew(claim, LONG, LONG).await, Update::Applied);
    assert_eq!(key.acquire(&request).await, claim);
    assert_eq!(
        key.find_existing(fixtures::at_most_once()).await.fingerprint,
        fixtures::fingerprint(7)
    );
}

/// A renewal with another nonce or another fencing token is rejected.
pub async fn stale_renewal_is_rejected<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once().lease(case.unit())).await;
    for forged in fixtures::forged(claim) {
        assert_stale(&key.renew(forged, LONG, LONG).await, "renew");
    }
    case.advance(2).await;
    assert_eq!(
        key.state().await,
        fixtures::CRASHED,
        "a rejected renewal does not extend the lease"
    );
}

/// A stale renewal is rejected, even if the store handles it together with the renewal of the current claim.
pub async fn stale_renewal_beside_the_current_one_is_rejected<S: StoreHarness>(case: Case<S>) {
    let mut lapsed = Vec::new();
    for _ in 0..S::ROUNDS {
        let key = case.key();
        let stale = key.acquire(fixtures::at_least_once().lease(case.unit())).await;
        lapsed.push((key, stale));
    }
    case.advance(2).await;
    let mut renewals = Vec::new();
    for (key, stale) in lapsed {
        let current = key.acquire(fixtures::at_least_once()).await;
        renewals.extend([(key.clone(), current, true), (key, stale, false)]);
    }
    let renewals = renewals.into_iter().map(|(key, claim, is_current)| async move {
        (is_current, key.renew(claim, LONG, LONG).await)
    });
    for (is_current, update) in together(renewals).await {
        assert_eq!(update == Update::Applied, is_current, "{update:?}");
    }
}

/// A renewal of an absent, released or completed record is rejected and changes nothing.
pub async fn renewal_requires_a_running_record<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once()).await;
    assert_eq!(key.release(claim).await, Update::Applied);
    assert_stale(&key.renew(claim, LONG, LONG).await, "renew");
    key.assert_new().await;
    for (completion, state) in fixtures::completions() {
        let key = case.key();
        let claim = key.acquire(fixtures::at_most_once()).await;
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        assert_stale(&key.renew(claim, LONG, LONG).await, "renew");
        assert_eq!(key.state().await, state);
    }
}
