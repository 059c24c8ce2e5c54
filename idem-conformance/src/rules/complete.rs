//! T4, T5, T6, T9: how it ended.

use idem_core::store::{Completion, ExistingRecord, State, Update};

use crate::subject::{Case, Subject};
use crate::terms::{self, Terms};

/// T4, T6, T9: every completion of a running record is written as it was given.
pub async fn conclusion_of_a_run_stands<S: Subject>(case: Case<S>) {
    for request in terms::each_guarantee() {
        for (completion, state) in terms::completions() {
            let key = case.key();
            let claim = key.won(request).await;
            assert_eq!(key.complete(claim, completion).await, Update::Applied);
            for duplicate in terms::each_guarantee() {
                assert_eq!(key.lost(duplicate).await, terms::existing(state.clone()));
            }
        }
    }
}

/// T4: a late owner may still conclude a record that lapsed, if nobody moved it.
pub async fn conclusion_after_the_lease_stands<S: Subject>(case: Case<S>) {
    for (completion, state) in terms::completions() {
        let key = case.key();
        let claim = key.won(terms::at_least_once().lease(S::UNIT)).await;
        case.pass(2).await;
        assert_eq!(key.state().await, State::Unknown);
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        assert_eq!(key.state().await, state);
    }
}

/// T4, T6: a late owner may still resolve what was given up.
pub async fn unknown_is_resolved_by_its_owner<S: Subject>(case: Case<S>) {
    for (completion, state) in terms::completions() {
        let key = case.key();
        let claim = key.won(terms::at_most_once()).await;
        assert_eq!(key.complete(claim, Completion::Unknown).await, Update::Applied);
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        assert_eq!(key.state().await, state);
    }
}

/// T9: nobody else resolves or takes over what was given up, also under at least once.
pub async fn unknown_is_held<S: Subject>(case: Case<S>) {
    let key = case.key();
    let claim = key.won(terms::at_least_once().lease(S::UNIT)).await;
    assert_eq!(key.complete(claim, Completion::Unknown).await, Update::Applied);
    case.pass(2).await;
    assert_eq!(key.lost(terms::at_least_once()).await, terms::existing(State::Unknown));
    for forged in terms::forged(claim) {
        let lost = key.complete(forged, terms::answered("forged")).await;
        assert_eq!(lost, Update::Stale(Some(Box::new(terms::existing(State::Unknown)))));
    }
}

/// T5: a second completion is held and changes nothing, whatever it says.
pub async fn first_conclusion_stands<S: Subject>(case: Case<S>) {
    let finals = terms::completions().into_iter().filter(|(_, state)| !state.is_open());
    for (first, state) in finals {
        let key = case.key();
        let claim = key.won(terms::at_most_once()).await;
        assert_eq!(key.complete(claim, first.clone()).await, Update::Applied);
        let others = [
            first,
            terms::answered("second"),
            Completion::NotRetained { status: 500 },
            Completion::Unknown,
        ];
        for second in others {
            assert_eq!(key.complete(claim, second).await, Update::Applied);
            assert_eq!(key.state().await, state);
        }
    }
}

/// A stale claim concludes nothing, and learns what stands there.
pub async fn stale_conclusion_learns_what_stands<S: Subject>(case: Case<S>) {
    for (completion, state) in terms::completions() {
        let key = case.key();
        let claim = key.won(terms::at_most_once().with_fingerprint(terms::print(3))).await;
        let standing = |state| {
            Update::Stale(Some(Box::new(ExistingRecord { fingerprint: terms::print(3), state })))
        };
        for forged in terms::forged(claim) {
            let lost = key.complete(forged, terms::answered("forged")).await;
            assert_eq!(lost, standing(State::Running));
        }
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        for forged in terms::forged(claim) {
            let lost = key.complete(forged, terms::answered("forged")).await;
            assert_eq!(lost, standing(state.clone()));
        }
        assert_eq!(key.state().await, state);
    }
}

/// A stale claim learns of a lapsed record that it is unknown.
pub async fn stale_conclusion_learns_that_the_lease_is_over<S: Subject>(case: Case<S>) {
    let key = case.key();
    let claim = key.won(terms::at_most_once().lease(S::UNIT)).await;
    case.pass(2).await;
    let [forged, ..] = terms::forged(claim);
    let lost = key.complete(forged, terms::answered("forged")).await;
    assert_eq!(lost, Update::Stale(Some(Box::new(terms::existing(State::Unknown)))));
}

/// A record that vanished is not brought back.
pub async fn conclusion_of_a_vanished_record_is_lost<S: Subject>(case: Case<S>) {
    for (completion, _) in terms::completions() {
        let key = case.key();
        let claim = key.won(terms::at_most_once()).await;
        assert_eq!(key.release(claim).await, Update::Applied);
        assert_eq!(key.complete(claim, completion).await, Update::Stale(None));
        key.absent().await;
    }
}
