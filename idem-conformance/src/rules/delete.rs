//! `DeleteExpired`: what expired is removed, and nothing else.

use idem_core::store::{DeleteExpired, State, Update};

use crate::subject::{Case, Subject};
use crate::terms::{self, LONG, Terms};

/// Removes records in every state once they expired, and counts them.
pub async fn expired_records_are_removed<S>(case: Case<S>)
where
    S: Subject<Store: DeleteExpired>,
{
    deleted(&case).await;
    for (completion, _) in terms::completions() {
        let key = case.key();
        let claim = key.won(terms::at_most_once()).await;
        assert_eq!(key.complete_for(claim, completion, S::UNIT).await, Update::Applied);
    }
    case.key().won(terms::at_most_once().lease(S::UNIT).ttl(S::UNIT)).await;
    case.pass(3).await;
    assert_eq!(deleted(&case).await, 4);
    assert_eq!(deleted(&case).await, 0);
}

/// What did not expire stays: running, lapsed, renewed or concluded.
pub async fn live_records_stay<S>(case: Case<S>)
where
    S: Subject<Store: DeleteExpired>,
{
    let (running, lapsed, renewed, done) = (case.key(), case.key(), case.key(), case.key());
    let request = terms::at_most_once();
    let claim = running.won(request).await;
    lapsed.won(terms::at_most_once().lease(S::UNIT)).await;
    let held = renewed.won(terms::at_most_once().lease(S::UNIT).ttl(S::UNIT)).await;
    assert_eq!(renewed.renew(held, LONG, S::UNIT).await, Update::Applied);
    let finished = done.won(terms::at_most_once().lease(S::UNIT).ttl(S::UNIT)).await;
    assert_eq!(done.complete(finished, terms::answered("kept")).await, Update::Applied);
    case.pass(3).await;
    assert_eq!(deleted(&case).await, 0);
    assert_eq!(running.won(request).await, claim);
    assert_eq!(lapsed.state().await, State::Unknown);
    assert_eq!(renewed.state().await, State::Running);
    assert_eq!(done.state().await, terms::completed("kept"));
}

/// A key whose record was removed is new, its fencing token higher, and its late owner fenced.
pub async fn removed_key_is_new<S>(case: Case<S>)
where
    S: Subject<Store: DeleteExpired>,
{
    let key = case.key();
    let late = key.won(terms::at_least_once().lease(S::UNIT).ttl(S::UNIT)).await;
    case.pass(3).await;
    deleted(&case).await;
    key.assert_fenced(late, None).await;
    let next = key.absent().await;
    assert!(next.token > late.token);
    key.assert_fenced(late, Some(terms::existing(State::Running))).await;
}

async fn deleted<S: Subject<Store: DeleteExpired>>(case: &Case<S>) -> u64 {
    case.store().delete_expired().await.expect("delete_expired")
}
