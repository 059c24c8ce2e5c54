//! `changed`: waiting duplicates are woken.

use std::time::Duration;

use idem_core::store::Changed;
use idem_core::store::{Completion, IdempotencyStore, Update};
use tokio::time::timeout;

use crate::key::Key;
use crate::subject::{Case, Subject};
use crate::terms::{self, Terms};

/// After this a wake-up is taken for lost. A store that pushes needs milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Every completion wakes those who wait.
pub async fn conclusion_wakes<S: Subject>(case: Case<S>) {
    for (completion, _) in terms::completions() {
        let key = case.key();
        let claim = key.won(terms::at_most_once()).await;
        let changed = listen(&key);
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        woken(changed).await;
    }
}

/// A freed key wakes those who wait, so that one of them can claim it.
pub async fn release_and_abandonment_wake<S: Subject>(case: Case<S>) {
    let key = case.key();
    let claim = key.won(terms::at_most_once()).await;
    let changed = listen(&key);
    assert_eq!(key.release(claim).await, Update::Applied);
    woken(changed).await;
    let claim = key.absent().await;
    let changed = listen(&key);
    assert_eq!(key.abandon(claim.nonce).await, Update::Applied);
    woken(changed).await;
}

/// What the owner after a takeover concludes wakes those who have waited since before it. Whether the
/// takeover itself wakes them is the store's choice: they would only wait on.
pub async fn conclusion_after_a_takeover_wakes<S: Subject>(case: Case<S>) {
    let key = case.key();
    key.won(terms::at_least_once().lease(S::UNIT)).await;
    case.pass(2).await;
    let claim = key.won(terms::at_least_once()).await;
    let changed = listen(&key);
    assert_eq!(key.complete(claim, terms::answered("second")).await, Update::Applied);
    woken(changed).await;
}

/// All who wait are woken, those too whose neighbours left, and those who came when others had left.
pub async fn everybody_who_waits_is_woken<S: Subject>(case: Case<S>) {
    let key = case.key();
    let claim = key.won(terms::at_most_once()).await;
    let (one, left, two) = (listen(&key), listen(&key), listen(&key));
    drop(left);
    drop(listen(&key));
    let three = listen(&key);
    assert_eq!(key.complete(claim, Completion::Unknown).await, Update::Applied);
    for changed in [one, two, three] {
        woken(changed).await;
    }
}

/// Who begins to wait after a change is woken by the next one.
pub async fn later_changes_wake_later_listeners<S: Subject>(case: Case<S>) {
    let key = case.key();
    for _ in 0..5 {
        let claim = key.won(terms::at_most_once()).await;
        let changed = listen(&key);
        assert_eq!(key.release(claim).await, Update::Applied);
        woken(changed).await;
    }
}

fn listen<S: Subject>(key: &Key<S>) -> Changed {
    key.case.store().changed(key.id)
}

async fn woken(changed: Changed) {
    timeout(PATIENCE, changed).await.expect("the change should have woken the listener");
}
