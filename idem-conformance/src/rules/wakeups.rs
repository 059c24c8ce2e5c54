//! `changed`, which wakes waiting duplicates.

use std::time::Duration;

use idem_core::store::Changed;
use idem_core::store::{IdempotencyStore, UnknownReason, Update};

use crate::case::{Case, Key};
use crate::fixtures::{self, ClaimRequestExt};
use crate::harness::StoreHarness;

/// The time after which a wake-up counts as lost. A store that sends wake-ups needs milliseconds.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// Every completion wakes the listeners.
pub async fn completion_wakes<S: StoreHarness>(case: Case<S>) {
    for (completion, _) in fixtures::completions() {
        let key = case.key();
        let claim = key.acquire(fixtures::at_most_once()).await;
        let changed = listen(&key);
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        woken(&case, changed).await;
    }
}

/// A freed key wakes the listeners, so that one of them can claim it.
pub async fn release_and_abandon_wake<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once()).await;
    let changed = listen(&key);
    assert_eq!(key.release(claim).await, Update::Applied);
    woken(&case, changed).await;
    let claim = key.assert_new().await;
    let changed = listen(&key);
    assert_eq!(key.abandon(claim.nonce).await, Update::Applied);
    woken(&case, changed).await;
}

/// The completion after a takeover wakes the listeners. The takeover itself may wake them or not,
/// because they would continue to wait.
pub async fn completion_after_a_takeover_wakes<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    key.acquire(fixtures::at_least_once().lease(case.unit())).await;
    case.advance(2).await;
    let claim = key.acquire(fixtures::at_least_once()).await;
    let changed = listen(&key);
    assert_eq!(key.complete(claim, fixtures::with_response("second")).await, Update::Applied);
    woken(&case, changed).await;
}

/// A listener that began to wait for a lost run is woken by the completion of its recovery, unless the recovery itself woke
/// it.
pub async fn completion_after_a_recovery_wakes<S: StoreHarness>(case: Case<S>) {
    subscribe(&case).await;
    let key = case.key();
    key.acquire(fixtures::recovering().lease(case.unit())).await;
    let changed = listen(&key);
    case.advance(2).await;
    let (claim, _) = key.recover(fixtures::recovering()).await;
    assert_eq!(key.complete(claim, fixtures::with_response("done")).await, Update::Applied);
    woken(&case, changed).await;
}

/// Every listener is woken, even if other listeners were dropped before or after it began to wait.
pub async fn every_listener_is_woken<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once()).await;
    let (one, left, two) = (listen(&key), listen(&key), listen(&key));
    drop(left);
    drop(listen(&key));
    let three = listen(&key);
    assert_eq!(
        key.complete(claim, fixtures::unknown(UnknownReason::TimedOut)).await,
        Update::Applied
    );
    for changed in [one, two, three] {
        woken(&case, changed).await;
    }
}

/// A listener that begins after a change is woken by the next change.
pub async fn later_changes_wake_new_listeners<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    for _ in 0..5 {
        let claim = key.acquire(fixtures::at_most_once()).await;
        let changed = listen(&key);
        assert_eq!(key.release(claim).await, Update::Applied);
        woken(&case, changed).await;
    }
}

/// Wakes a listener of another key. After this, a store that subscribes does not wake a listener because its subscription
/// begins.
pub(super) async fn subscribe<S: StoreHarness>(case: &Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once()).await;
    let changed = listen(&key);
    assert_eq!(key.complete(claim, fixtures::with_response("done")).await, Update::Applied);
    woken(case, changed).await;
}

pub(super) fn listen<S: StoreHarness>(key: &Key<S>) -> Changed {
    key.case.store().changed(key.id)
}

/// Waits for a wake-up. A lost one is a failure, also in a pass that is too slow for its units.
pub(super) async fn woken<S: StoreHarness>(case: &Case<S>, changed: Changed) {
    case.within(MAX_DELAY, "the wake-up of the listener", changed).await;
}
