//! T15: when a record is forgotten, by the store's clock and exactly at read time.

use idem_core::store::{Claim, ClaimRequest, Completion, FencingToken, State, Update};

use crate::key::{Key, assert_lost};
use crate::subject::{Case, Subject};
use crate::terms::{self, LONG, Terms};

/// R29: a completion is kept for its ttl from completion, whatever the claim said, and then the key is new.
pub async fn conclusion_expires_by_its_ttl<S: Subject>(case: Case<S>) {
    for (completion, state) in terms::completions() {
        let short = case.key();
        let long = case.key();
        let claim = short.won(terms::at_least_once()).await;
        let other = long.won(terms::at_least_once().lease(S::UNIT).ttl(S::UNIT)).await;
        assert_eq!(
            short.complete_for(claim, completion.clone(), S::UNIT * 4).await,
            Update::Applied
        );
        assert_eq!(long.complete_for(other, completion, LONG).await, Update::Applied);
        case.pass(3).await;
        assert_eq!(short.state().await, state, "kept until the ttl is over");
        case.pass(2).await;
        assert!(short.absent().await.token > claim.token);
        assert_eq!(long.state().await, state, "the ttl of the claim is no longer in force");
    }
}

/// R29: replays never extend the ttl.
pub async fn replays_do_not_extend_the_ttl<S: Subject>(case: Case<S>) {
    let key = case.key();
    let request = terms::at_least_once();
    let claim = key.won(request).await;
    assert_eq!(
        key.complete_for(claim, terms::answered("once"), S::UNIT * 4).await,
        Update::Applied
    );
    for _ in 0..3 {
        case.pass(1).await;
        assert_eq!(key.lost(request).await, terms::existing(terms::completed("once")));
        assert_eq!(key.state().await, terms::completed("once"));
    }
    case.pass(2).await;
    key.absent().await;
}

/// T5: completing again does not extend the ttl.
pub async fn completing_again_does_not_extend_the_ttl<S: Subject>(case: Case<S>) {
    for completion in [terms::answered("once"), Completion::NotRetained { status: 200 }] {
        let key = case.key();
        let claim = key.won(terms::at_most_once()).await;
        assert_eq!(key.complete_for(claim, completion.clone(), S::UNIT * 3).await, Update::Applied);
        case.pass(2).await;
        assert_eq!(key.complete_for(claim, completion, LONG).await, Update::Applied);
        case.pass(2).await;
        key.absent().await;
    }
}

/// T15: a running record outlives its lease by its ttl, and no longer.
pub async fn running_record_outlives_its_lease_by_the_ttl<S: Subject>(case: Case<S>) {
    let key = case.key();
    let claim = key.won(terms::at_most_once().lease(S::UNIT).ttl(S::UNIT * 4)).await;
    case.pass(4).await;
    assert_eq!(key.state().await, State::Unknown);
    case.pass(2).await;
    assert!(key.absent().await.token > claim.token);
}

/// T15: a claim that is renewed outlasts any ttl.
pub async fn renewed_record_never_expires<S: Subject>(case: Case<S>) {
    let key = case.key();
    let request = terms::at_most_once().lease(S::UNIT * 2).ttl(S::UNIT);
    let claim = key.won(request).await;
    for _ in 0..5 {
        case.pass(1).await;
        assert_eq!(key.renew(claim, S::UNIT * 2, S::UNIT).await, Update::Applied);
        assert_eq!(key.state().await, State::Running);
    }
    assert_eq!(key.won(request).await, claim);
}

/// T15: the owner of an expired record can change nothing, and does not bring it back.
pub async fn late_owner_of_an_expired_record_is_fenced<S: Subject>(case: Case<S>) {
    let (key, late) = expired(&case).await;
    key.assert_fenced(late, None).await;
    let next = key.absent().await;
    assert!(next.token > late.token);
    key.assert_fenced(late, Some(terms::existing(State::Running))).await;
    assert_eq!(key.complete(next, terms::answered("next")).await, Update::Applied);
    key.assert_fenced(late, Some(terms::existing(terms::completed("next")))).await;
}

/// T15, T2: the nonce of an expired record is a newcomer like any other.
pub async fn late_owner_of_an_expired_record_starts_anew<S: Subject>(case: Case<S>) {
    let key = case.key();
    let request = terms::at_least_once().lease(S::UNIT).ttl(S::UNIT);
    let first = key.won(request).await;
    case.pass(3).await;
    let request = request.lease(LONG);
    let second = key.won(request).await;
    assert_eq!(second.attempt, 1);
    assert!(second.token > first.token);
    assert_lost(&key.renew(first, LONG, LONG).await, "renew");
    assert_lost(&key.release(first).await, "release");
    let lost = key.complete(first, terms::answered("late")).await;
    assert_eq!(lost, Update::Stale(Some(Box::new(terms::existing(State::Running)))));
    assert_eq!(key.won(request).await, second);
}

/// T15: an expired record is not taken over: the key is new, at attempt 1, for any fingerprint.
pub async fn expired_attempts_do_not_count<S: Subject>(case: Case<S>) {
    let key = case.key();
    let request = |print| {
        terms::at_least_once().lease(S::UNIT).ttl(S::UNIT).with_fingerprint(terms::print(print))
    };
    key.won(request(1).ttl(LONG)).await;
    case.pass(2).await;
    assert_eq!(key.won(request(1)).await.attempt, 2);
    case.pass(3).await;
    let request = request(2);
    assert_eq!(key.won(request).await.attempt, 1);
    assert_eq!(key.lost(terms::at_most_once()).await.fingerprint, terms::print(2));
}

/// Fences grow with every new owner, over release, abandonment, takeover and expiry (I5).
pub async fn fences_grow<S: Subject>(case: Case<S>) {
    let key = case.key();
    let mut highest = FencingToken(0);
    let mut grown = |token: FencingToken| {
        assert!(token > highest, "{token:?} after {highest:?}");
        highest = token;
    };
    for _ in 0..3 {
        let released = key.won(terms::at_least_once()).await;
        grown(released.token);
        assert_eq!(key.release(released).await, Update::Applied);
        let abandoned = key.won(terms::at_least_once()).await;
        grown(abandoned.token);
        assert_eq!(key.abandon(abandoned.nonce).await, Update::Applied);
        grown(key.won(brief::<S>()).await.token);
        case.pass(2).await;
        let last = key.won(brief::<S>()).await;
        grown(last.token);
        assert_eq!(key.complete_for(last, terms::answered("last"), S::UNIT).await, Update::Applied);
        case.pass(2).await;
    }
}

/// A claim that lapses within a unit, and whose record then stays.
fn brief<S: Subject>() -> ClaimRequest {
    terms::at_least_once().lease(S::UNIT)
}

/// A key whose record expired while it ran, and the claim of its owner.
async fn expired<S: Subject>(case: &Case<S>) -> (Key<S>, Claim) {
    let key = case.key();
    let late = key.won(terms::at_least_once().lease(S::UNIT).ttl(S::UNIT)).await;
    case.pass(3).await;
    (key, late)
}
