//! Renewals of a lease.

use idem_core::store::{State, Update};

use crate::case::{Case, assert_stale};
use crate::fixtures::{self, ClaimRequestExt, LONG};
use crate::harness::StoreHarness;

/// A renewal extends the claim by one lease from the time of the renewal.
pub async fn renewal_extends_the_lease<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once().lease(case.unit() * 3)).await;
    case.advance(2).await;
    assert_eq!(key.renew(claim, case.unit() * 3, LONG).await, Update::Applied);
    case.advance(2).await;
    assert_eq!(key.state().await, State::Running);
    case.advance(2).await;
    assert_eq!(key.state().await, State::Unknown);
}

/// The owner can renew a lapsed record that no other claim has taken over. It is then running
/// again.
pub async fn renewal_after_the_lease_succeeds<S: StoreHarness>(case: Case<S>) {
    for request in fixtures::each_guarantee() {
        let key = case.key();
        let claim = key.acquire(request.lease(case.unit())).await;
        case.advance(2).await;
        assert_eq!(key.state().await, State::Unknown);
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
    let claim = key.acquire(fixtures::at_most_once().lease(case.unit() * 2).ttl(case.unit())).await;
    case.advance(1).await;
    assert_eq!(key.renew(claim, case.unit(), case.unit() * 4).await, Update::Applied);
    case.advance(3).await;
    assert_eq!(key.state().await, State::Unknown);
    case.advance(3).await;
    key.assert_new().await;
}

/// A renewal changes neither the fencing token nor the attempt nor the fingerprint.
pub async fn renewal_does_not_change_the_claim<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let request = fixtures::at_least_once().with_fingerprint(fixtures::fingerprint(7));
    let claim = key.acquire(request).await;
    assert_eq!(key.renew(claim, LONG, LONG).await, Update::Applied);
    assert_eq!(key.acquire(request).await, claim);
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
    assert_eq!(key.state().await, State::Unknown, "a rejected renewal does not extend the lease");
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
