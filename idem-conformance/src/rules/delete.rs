//! `DeleteExpired`, which deletes expired records and no others.

use idem_core::store::{DeleteExpired, State, Update};

use crate::case::Case;
use crate::fixtures::{self, ClaimRequestExt, LONG};
use crate::harness::StoreHarness;

/// Expired records are deleted in every state, and counted.
pub async fn expired_records_are_deleted<S>(case: Case<S>)
where
    S: StoreHarness<Store: DeleteExpired>,
{
    deleted(&case).await;
    for (completion, _) in fixtures::completions() {
        let key = case.key();
        let claim = key.acquire(fixtures::at_most_once()).await;
        assert_eq!(key.complete_for(claim, completion, case.unit()).await, Update::Applied);
    }
    case.key().acquire(fixtures::at_most_once().lease(case.unit()).hold(case.unit())).await;
    case.advance(3).await;
    assert_eq!(deleted(&case).await, 4);
    assert_eq!(deleted(&case).await, 0);
}

/// Records that have not expired are kept, whether running, lapsed, renewed or completed.
pub async fn live_records_are_kept<S>(case: Case<S>)
where
    S: StoreHarness<Store: DeleteExpired>,
{
    let (running, lapsed, renewed, done) = (case.key(), case.key(), case.key(), case.key());
    let request = fixtures::at_most_once();
    let claim = running.acquire(&request).await;
    lapsed.acquire(fixtures::at_most_once().lease(case.unit())).await;
    let held = renewed.acquire(fixtures::at_most_once().lease(case.unit()).hold(case.unit())).await;
    assert_eq!(renewed.renew(held, LONG, case.unit()).await, Update::Applied);
    let finished =
        done.acquire(fixtures::at_most_once().lease(case.unit()).hold(case.unit())).await;
    assert_eq!(done.complete(finished, fixtures::with_response("kept")).await, Update::Applied);
    case.advance(3).await;
    assert_eq!(deleted(&case).await, 0);
    assert_eq!(running.acquire(&request).await, claim);
    assert_eq!(lapsed.state().await, fixtures::CRASHED);
    assert_eq!(renewed.state().await, State::Running);
    assert_eq!(done.state().await, fixtures::completed("kept"));
}

/// A key whose record was deleted is new, with a higher fencing token. Its late owner is rejected.
pub async fn deleted_key_is_new<S>(case: Case<S>)
where
    S: StoreHarness<Store: DeleteExpired>,
{
    let key = case.key();
    let late = key.acquire(fixtures::at_least_once().lease(case.unit()).hold(case.unit())).await;
    case.advance(3).await;
    deleted(&case).await;
    key.assert_rejected(late, None).await;
    let next = key.assert_new().await;
    assert!(next.token > late.token);
    key.assert_rejected(late, Some(fixtures::existing(State::Running))).await;
}

async fn deleted<S: StoreHarness<Store: DeleteExpired>>(case: &Case<S>) -> u64 {
    case.store().delete_expired().await.expect("delete_expired")
}
