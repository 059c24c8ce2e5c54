//! T7, T8: the key is freed.

use idem_core::store::{ClaimNonce, State, Update};

use crate::key::assert_lost;
use crate::subject::{Case, Subject};
use crate::terms::{self, Terms};

/// T7: a released key is new: attempt 1, no fingerprint of before, and a higher fencing token.
pub async fn released_key_is_new<S: Subject>(case: Case<S>) {
    for request in terms::each_guarantee() {
        let key = case.key();
        let first = key.won(request.with_fingerprint(terms::print(1))).await;
        assert_eq!(key.release(first).await, Update::Applied);
        let second = key.absent().await;
        assert!(second.token > first.token);
        assert_eq!(key.lost(request).await, terms::existing(State::Running));
    }
}

/// T7: a lapsed record that nobody moved is still its owner's to free.
pub async fn release_after_the_lease_frees<S: Subject>(case: Case<S>) {
    let key = case.key();
    let claim = key.won(terms::at_most_once().lease(S::UNIT)).await;
    case.pass(2).await;
    assert_eq!(key.release(claim).await, Update::Applied);
    assert!(key.absent().await.token > claim.token);
}

/// T7: only the owner at its own fencing token frees the key.
pub async fn stale_release_touches_nothing<S: Subject>(case: Case<S>) {
    let key = case.key();
    let request = terms::at_most_once();
    let claim = key.won(request).await;
    for forged in terms::forged(claim) {
        assert_lost(&key.release(forged).await, "release");
    }
    assert_eq!(key.won(request).await, claim);
}

/// T7 sent again after its answer was lost: the next owner is untouched.
pub async fn release_sent_again_touches_nobody<S: Subject>(case: Case<S>) {
    let key = case.key();
    let first = key.won(terms::at_most_once()).await;
    assert_eq!(key.release(first).await, Update::Applied);
    assert_lost(&key.release(first).await, "release");
    let request = terms::at_most_once();
    let second = key.won(request).await;
    assert_lost(&key.release(first).await, "release");
    assert_eq!(key.won(request).await, second);
}

/// T7, T8: what is concluded is not freed, not by its owner either.
pub async fn concluded_record_is_not_freed<S: Subject>(case: Case<S>) {
    for (completion, state) in terms::completions() {
        let key = case.key();
        let claim = key.won(terms::at_least_once()).await;
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        assert_lost(&key.release(claim).await, "release");
        assert_lost(&key.abandon(claim.nonce).await, "abandon");
        assert_eq!(key.state().await, state);
    }
}

/// T8: an owner that never learned whether it won frees what it won, once.
pub async fn abandoned_key_is_new<S: Subject>(case: Case<S>) {
    for request in terms::each_guarantee() {
        let key = case.key();
        let first = key.won(request).await;
        assert_eq!(key.abandon(request.nonce).await, Update::Applied);
        assert_lost(&key.abandon(request.nonce).await, "abandon");
        let second = key.absent().await;
        assert!(second.token > first.token);
    }
}

/// T8: also after the lease, if nobody moved it.
pub async fn abandonment_after_the_lease_frees<S: Subject>(case: Case<S>) {
    let key = case.key();
    let request = terms::at_least_once().lease(S::UNIT);
    key.won(request).await;
    case.pass(2).await;
    assert_eq!(key.abandon(request.nonce).await, Update::Applied);
    key.absent().await;
}

/// T8: an owner that holds nothing frees nothing.
pub async fn abandonment_by_another_owner_touches_nothing<S: Subject>(case: Case<S>) {
    let key = case.key();
    assert_lost(&key.abandon(ClaimNonce::random()).await, "abandon");
    let request = terms::at_most_once();
    let claim = key.won(request).await;
    assert_lost(&key.abandon(ClaimNonce::random()).await, "abandon");
    assert_eq!(key.won(request).await, claim);
}
