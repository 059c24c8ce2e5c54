//! T3: the owner holds on.

use idem_core::store::{State, Update};

use crate::key::assert_lost;
use crate::subject::{Case, Subject};
use crate::terms::{self, LONG, Terms};

/// T3: the claim holds for another lease from the renewal, and not longer.
pub async fn renewal_extends_the_lease<S: Subject>(case: Case<S>) {
    let key = case.key();
    let claim = key.won(terms::at_most_once().lease(S::UNIT * 3)).await;
    case.pass(2).await;
    assert_eq!(key.renew(claim, S::UNIT * 3, LONG).await, Update::Applied);
    case.pass(2).await;
    assert_eq!(key.state().await, State::Running);
    case.pass(2).await;
    assert_eq!(key.state().await, State::Unknown);
}

/// T3: also after it lapsed, if nobody moved it; the record then runs again.
pub async fn renewal_after_the_lease_holds<S: Subject>(case: Case<S>) {
    for request in terms::each_guarantee() {
        let key = case.key();
        let claim = key.won(request.lease(S::UNIT)).await;
        case.pass(2).await;
        assert_eq!(key.state().await, State::Unknown);
        assert_eq!(key.renew(claim, LONG, LONG).await, Update::Applied);
        assert_eq!(key.lost(terms::at_least_once()).await, terms::existing(State::Running));
    }
}

/// T3, T15: a renewed record outlives its new lease by the ttl.
pub async fn renewal_extends_the_expiry<S: Subject>(case: Case<S>) {
    let key = case.key();
    let claim = key.won(terms::at_most_once().lease(S::UNIT * 2).ttl(S::UNIT)).await;
    case.pass(1).await;
    assert_eq!(key.renew(claim, S::UNIT, S::UNIT * 4).await, Update::Applied);
    case.pass(3).await;
    assert_eq!(key.state().await, State::Unknown);
    case.pass(3).await;
    key.absent().await;
}

/// T3: renewing changes neither the fencing token nor the attempt nor the fingerprint.
pub async fn renewal_keeps_the_claim<S: Subject>(case: Case<S>) {
    let key = case.key();
    let request = terms::at_least_once().with_fingerprint(terms::print(7));
    let claim = key.won(request).await;
    assert_eq!(key.renew(claim, LONG, LONG).await, Update::Applied);
    assert_eq!(key.won(request).await, claim);
    assert_eq!(key.lost(terms::at_most_once()).await.fingerprint, terms::print(7));
}

/// T3: a foreign owner or another fencing token renews nothing.
pub async fn stale_renewal_is_refused<S: Subject>(case: Case<S>) {
    let key = case.key();
    let claim = key.won(terms::at_most_once().lease(S::UNIT)).await;
    for forged in terms::forged(claim) {
        assert_lost(&key.renew(forged, LONG, LONG).await, "renew");
    }
    case.pass(2).await;
    assert_eq!(key.state().await, State::Unknown, "the refused renewals gave no time");
}

/// T3: what is absent, released or concluded is not renewed, and stays as it is.
pub async fn renewal_needs_a_running_record<S: Subject>(case: Case<S>) {
    let key = case.key();
    let claim = key.won(terms::at_most_once()).await;
    assert_eq!(key.release(claim).await, Update::Applied);
    assert_lost(&key.renew(claim, LONG, LONG).await, "renew");
    key.absent().await;
    for (completion, state) in terms::completions() {
        let key = case.key();
        let claim = key.won(terms::at_most_once()).await;
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        assert_lost(&key.renew(claim, LONG, LONG).await, "renew");
        assert_eq!(key.state().await, state);
    }
}
