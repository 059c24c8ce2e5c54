//! T11, T12: at least once, a lapsed record is run again.

use idem_core::store::{ClaimRequest, ExistingRecord, State, Update};

use crate::subject::{Case, Subject};
use crate::terms::{self, Terms};

/// A claim under at least once that lapses when the next unit is over.
fn short<S: Subject>() -> ClaimRequest {
    terms::at_least_once().lease(S::UNIT)
}

/// T11: the next claim takes a lapsed record over, with the next attempt and a higher fencing token.
pub async fn lapsed_record_is_taken_over<S: Subject>(case: Case<S>) {
    let key = case.key();
    let first = key.won(short::<S>().with_fingerprint(terms::print(1))).await;
    case.pass(2).await;
    let request = terms::at_least_once().with_fingerprint(terms::print(1));
    let second = key.won(request).await;
    assert_eq!((second.nonce, second.attempt), (request.nonce, 2));
    assert!(second.token > first.token);
    assert_eq!(key.won(request).await, second, "it is the new nonce's now");
    let running = ExistingRecord { fingerprint: terms::print(1), state: State::Running };
    assert_eq!(key.lost(terms::at_least_once()).await, running, "under a lease of its own");
}

/// R32: after a takeover the old owner can change nothing, and learns who stands there.
pub async fn old_owner_is_fenced<S: Subject>(case: Case<S>) {
    let key = case.key();
    let old = key.won(short::<S>()).await;
    case.pass(2).await;
    let request = terms::at_least_once();
    let new = key.won(request).await;
    key.assert_fenced(old, Some(terms::existing(State::Running))).await;
    assert_eq!(key.won(request).await, new);
    assert_eq!(key.complete(new, terms::answered("new")).await, Update::Applied);
    key.assert_fenced(old, Some(terms::existing(terms::completed("new")))).await;
    assert_eq!(key.state().await, terms::completed("new"));
}

/// R32: the owner compared is the claim's; the old nonce at the new fencing token is nobody.
pub async fn old_owner_cannot_guess_the_fence<S: Subject>(case: Case<S>) {
    let key = case.key();
    let old = key.won(short::<S>()).await;
    case.pass(2).await;
    let new = key.won(terms::at_least_once()).await;
    let guess = idem_core::store::Claim { token: new.token, ..old };
    key.assert_fenced(guess, Some(terms::existing(State::Running))).await;
}

/// T2 ends with the takeover: the old nonce is a duplicate.
pub async fn old_owner_is_a_duplicate<S: Subject>(case: Case<S>) {
    let key = case.key();
    let request = short::<S>();
    key.won(request).await;
    case.pass(2).await;
    key.won(terms::at_least_once()).await;
    assert_eq!(key.lost(request).await, terms::existing(State::Running));
}

/// T11 needs a lease that is over: not before, and not after a renewal.
pub async fn held_lease_is_not_taken_over<S: Subject>(case: Case<S>) {
    let key = case.key();
    let claim = key.won(terms::at_least_once().lease(S::UNIT * 3)).await;
    case.pass(2).await;
    assert_eq!(key.lost(terms::at_least_once()).await, terms::existing(State::Running));
    assert_eq!(key.renew(claim, S::UNIT * 3, terms::LONG).await, Update::Applied);
    case.pass(2).await;
    assert_eq!(key.lost(terms::at_least_once()).await, terms::existing(State::Running));
    case.pass(2).await;
    assert_eq!(key.won(terms::at_least_once()).await.attempt, 2);
}

/// T16: another request never takes over, nor one that says less or more of itself.
pub async fn other_fingerprint_does_not_take_over<S: Subject>(case: Case<S>) {
    let other_version = idem_core::store::Fingerprint::from_parts(2, [1; 32]);
    let cases = [
        (terms::print(1), terms::print(2)),
        (terms::print(1), None),
        (None, terms::print(1)),
        (terms::print(1), Some(other_version)),
    ];
    for (first, second) in cases {
        let key = case.key();
        key.won(short::<S>().with_fingerprint(first)).await;
        case.pass(2).await;
        let seen = key.lost(terms::at_least_once().with_fingerprint(second)).await;
        assert_eq!(seen, ExistingRecord { fingerprint: first, state: State::Unknown });
        assert_eq!(key.won(terms::at_least_once().with_fingerprint(first)).await.attempt, 2);
    }
}

/// T11 needs both to be at least once: after a deploy that changed the guarantee the careful one counts.
pub async fn careful_guarantee_counts<S: Subject>(case: Case<S>) {
    let careful = [
        (terms::at_most_once(), terms::at_least_once()),
        (terms::at_least_once(), terms::at_most_once()),
        (terms::at_most_once(), terms::at_most_once()),
    ];
    for (first, second) in careful {
        let key = case.key();
        let first = key.won(first.lease(S::UNIT)).await;
        case.pass(2).await;
        assert_eq!(key.lost(second).await, terms::existing(State::Unknown));
        assert_eq!(key.complete(first, terms::answered("late")).await, Update::Applied);
    }
}

/// T12: a record with all attempts used reads as unknown; its last owner may still conclude it.
pub async fn exhausted_record_is_unknown<S: Subject>(case: Case<S>) {
    let key = case.key();
    let mut last = key.won(short::<S>().max_attempts(3)).await;
    for attempt in 2..=3 {
        case.pass(2).await;
        let next = key.won(short::<S>().max_attempts(3)).await;
        assert_eq!(next.attempt, attempt);
        assert!(next.token > last.token);
        last = next;
    }
    case.pass(2).await;
    assert_eq!(key.lost(short::<S>().max_attempts(3)).await, terms::existing(State::Unknown));
    assert_eq!(key.complete(last, terms::answered("third")).await, Update::Applied);
    assert_eq!(key.state().await, terms::completed("third"));
}

/// T12: the bound is the claimer's, so a deploy that raises it frees what was stuck.
pub async fn attempts_are_bounded_by_the_claimer<S: Subject>(case: Case<S>) {
    let key = case.key();
    key.won(short::<S>().max_attempts(9)).await;
    case.pass(2).await;
    assert_eq!(key.lost(short::<S>().max_attempts(1)).await, terms::existing(State::Unknown));
    assert_eq!(key.won(short::<S>().max_attempts(2)).await.attempt, 2);
}

/// T11: a record that was taken over expires by the terms of its new owner.
pub async fn new_owner_sets_the_terms<S: Subject>(case: Case<S>) {
    let key = case.key();
    key.won(short::<S>().ttl(S::UNIT * 2)).await;
    case.pass(2).await;
    key.won(terms::at_least_once().lease(S::UNIT).ttl(S::UNIT * 4)).await;
    case.pass(3).await;
    assert_eq!(key.state().await, State::Unknown);
    case.pass(3).await;
    key.absent().await;
}

/// T8: an abandoned takeover does not forget that earlier runs began: its lease is over at once, and its
/// attempt stays counted.
pub async fn abandoned_takeover_keeps_its_attempts<S: Subject>(case: Case<S>) {
    let key = case.key();
    let first = key.won(short::<S>()).await;
    case.pass(2).await;
    let request = terms::at_least_once();
    let second = key.won(request).await;
    assert_eq!(key.abandon(request.nonce).await, Update::Applied);
    let third = key.won(terms::at_least_once()).await;
    assert_eq!((second.attempt, third.attempt), (2, 3));
    assert!(third.token > second.token);
    key.assert_fenced(first, Some(terms::existing(State::Running))).await;
    key.assert_fenced(second, Some(terms::existing(State::Running))).await;
}
