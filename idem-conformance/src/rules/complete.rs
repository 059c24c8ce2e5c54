//! Completions of a run.

use idem_core::store::{Completion, State, UnknownReason, Update};

use crate::case::Case;
use crate::fixtures::{self, ClaimRequestExt};
use crate::harness::StoreHarness;

/// Every kind of completion of a running record is stored unchanged.
pub async fn completion_is_stored<S: StoreHarness>(case: Case<S>) {
    for request in fixtures::each_guarantee() {
        for (completion, state) in fixtures::completions() {
            let key = case.key();
            let claim = key.acquire(&request).await;
            assert_eq!(key.complete(claim, completion).await, Update::Applied);
            for duplicate in fixtures::each_guarantee() {
                assert_eq!(key.find_existing(&duplicate).await, fixtures::existing(state.clone()));
            }
        }
    }
}

/// The owner can complete a lapsed record that no other claim has taken over.
pub async fn completion_after_the_lease_is_stored<S: StoreHarness>(case: Case<S>) {
    for (completion, state) in fixtures::completions() {
        let key = case.key();
        let claim = key.acquire(fixtures::at_least_once().lease(case.unit())).await;
        case.advance(2).await;
        assert_eq!(key.state().await, fixtures::CRASHED);
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        assert_eq!(key.state().await, state);
    }
}

/// The owner can complete a record after it was recorded as unknown.
pub async fn owner_resolves_unknown_outcome<S: StoreHarness>(case: Case<S>) {
    for (completion, state) in fixtures::completions() {
        let key = case.key();
        let claim = key.acquire(fixtures::at_most_once()).await;
        assert_eq!(
            key.complete(claim, fixtures::unknown(UnknownReason::TimedOut)).await,
            Update::Applied
        );
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        assert_eq!(key.state().await, state);
    }
}

/// A record that was completed as unknown is not taken over, even under at least once. Only its
/// owner can resolve it.
pub async fn unknown_outcome_is_not_taken_over<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_least_once().lease(case.unit())).await;
    assert_eq!(
        key.complete(claim, fixtures::unknown(UnknownReason::TimedOut)).await,
        Update::Applied
    );
    case.advance(2).await;
    let unknown = fixtures::existing(State::Unknown(UnknownReason::TimedOut));
    assert_eq!(key.find_existing(fixtures::at_least_once()).await, unknown);
    for forged in fixtures::forged(claim) {
        let lost = key.complete(forged, fixtures::with_response("forged")).await;
        assert_eq!(lost, Update::Stale(Some(Box::new(unknown.clone()))));
    }
}

/// A second completion by the owner is applied and changes nothing.
pub async fn first_completion_is_kept<S: StoreHarness>(case: Case<S>) {
    let finals = fixtures::completions().into_iter().filter(|(_, state)| !state.is_open());
    for (first, state) in finals {
        let key = case.key();
        let claim = key.acquire(fixtures::at_most_once()).await;
        assert_eq!(key.complete(claim, first.clone()).await, Update::Applied);
        let others = [
            first,
            fixtures::with_response("second"),
            Completion::NotRetained { status: 500 },
            fixtures::unknown(UnknownReason::TimedOut),
        ];
        for second in others {
            assert_eq!(key.complete(claim, second).await, Update::Applied);
            assert_eq!(key.state().await, state);
        }
    }
}

/// A completion by a stale claim is rejected and returns the existing record.
pub async fn stale_completion_returns_the_stored_record<S: StoreHarness>(case: Case<S>) {
    for (completion, state) in fixtures::completions() {
        let key = case.key();
        let claim =
            key.acquire(fixtures::at_most_once().with_fingerprint(fixtures::fingerprint(3))).await;
        let existing = |state| {
            let existing = fixtures::existing_of(fixtures::fingerprint(3), state);
            Update::Stale(Some(Box::new(existing)))
        };
        for forged in fixtures::forged(claim) {
            let lost = key.complete(forged, fixtures::with_response("forged")).await;
            assert_eq!(lost, existing(State::Running));
        }
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        for forged in fixtures::forged(claim) {
            let lost = key.complete(forged, fixtures::with_response("forged")).await;
            assert_eq!(lost, existing(state.clone()));
        }
        assert_eq!(key.state().await, state);
    }
}

/// A completion by a stale claim returns a lapsed record as unknown.
pub async fn stale_completion_returns_a_lapsed_record_as_unknown<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once().lease(case.unit())).await;
    case.advance(2).await;
    let [forged, ..] = fixtures::forged(claim);
    let lost = key.complete(forged, fixtures::with_response("forged")).await;
    assert_eq!(lost, Update::Stale(Some(Box::new(fixtures::existing(fixtures::CRASHED)))));
}

/// A completion of a released record is rejected and does not recreate the record.
pub async fn completion_does_not_recreate_a_record<S: StoreHarness>(case: Case<S>) {
    for (completion, _) in fixtures::completions() {
        let key = case.key();
        let claim = key.acquire(fixtures::at_most_once()).await;
        assert_eq!(key.release(claim).await, Update::Applied);
        assert_eq!(key.complete(claim, completion).await, Update::Stale(None));
        key.assert_new().await;
    }
}
