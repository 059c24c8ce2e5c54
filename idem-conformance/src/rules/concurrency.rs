//! Concurrent calls, which check that every transition is one atomic operation.

use std::future::Future;
use std::sync::Arc;

use idem_core::store::{Claim, ClaimOutcome, Completion, Fingerprint, State, Update};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::case::{Case, Key};
use crate::fixtures::{self, ClaimRequestExt};
use crate::harness::StoreHarness;

const TASKS: usize = 64;

/// Exactly one of many concurrent claims of a new key is acquired. All others find its record.
pub async fn one_claim_wins<S: StoreHarness>(case: Case<S>) {
    for _ in 0..S::ROUNDS {
        let key = case.key();
        let fingerprint = fixtures::fingerprint(5);
        let claims = many(&key, move |key| async move {
            key.claim(fixtures::at_most_once().with_fingerprint(fingerprint)).await
        });
        let winner =
            only_winner(claims.await, fixtures::existing(State::Running).state, fingerprint);
        assert_eq!(winner.attempt, 1);
        assert_eq!(key.complete(winner, fixtures::with_response("won")).await, Update::Applied);
    }
}

/// Exactly one of many concurrent claims of a lapsed record takes it over.
pub async fn one_takeover_wins<S: StoreHarness>(case: Case<S>) {
    let keys: Vec<Key<S>> = (0..S::ROUNDS).map(|_| case.key()).collect();
    for key in &keys {
        key.acquire(fixtures::at_least_once().lease(case.unit())).await;
    }
    case.advance(2).await;
    for key in &keys {
        let claims = many(key, |key| async move { key.claim(fixtures::at_least_once()).await });
        let winner = only_winner(claims.await, State::Running, None);
        assert_eq!(winner.attempt, 2);
    }
}

/// When a late owner completes while another claim takes over, exactly one of the two succeeds.
pub async fn late_completion_races_with_takeover<S: StoreHarness>(case: Case<S>) {
    for (key, late) in lapsed(&case).await {
        let (update, claimed) = both(
            {
                let key = key.clone();
                async move { key.complete(late, fixtures::with_response("late")).await }
            },
            {
                let key = key.clone();
                async move { key.claim(fixtures::at_least_once()).await }
            },
        )
        .await;
        match (update, claimed) {
            (Update::Applied, ClaimOutcome::Exists(existing)) => {
                assert_eq!(existing, fixtures::existing(fixtures::completed("late")));
            }
            (Update::Stale(existing), ClaimOutcome::Acquired(claim)) => {
                assert_eq!(existing, Some(Box::new(fixtures::existing(State::Running))));
                assert_eq!(
                    key.complete(claim, fixtures::with_response("new")).await,
                    Update::Applied
                );
                assert_eq!(key.state().await, fixtures::completed("new"));
            }
            both => panic!("exactly one of the two must be accepted, got {both:?}"),
        }
    }
}

/// When a late owner renews while another claim takes over, exactly one of the two holds the key.
pub async fn late_renewal_races_with_takeover<S: StoreHarness>(case: Case<S>) {
    for (key, late) in lapsed(&case).await {
        let (update, claimed) = both(
            {
                let key = key.clone();
                async move { key.renew(late, fixtures::LONG, fixtures::LONG).await }
            },
            {
                let key = key.clone();
                async move { key.claim(fixtures::at_least_once()).await }
            },
        )
        .await;
        match (update, claimed) {
            (Update::Applied, ClaimOutcome::Exists(existing)) => {
                assert_eq!(existing, fixtures::existing(State::Running));
            }
            (Update::Stale(_), ClaimOutcome::Acquired(claim)) => assert_eq!(claim.attempt, 2),
            both => panic!("exactly one of the two must hold the key, got {both:?}"),
        }
    }
}

/// When one claim completes twice concurrently, one completion is kept.
pub async fn one_completion_is_kept<S: StoreHarness>(case: Case<S>) {
    for _ in 0..S::ROUNDS {
        let key = case.key();
        let claim = key.acquire(fixtures::at_most_once()).await;
        let (one, two) = both(
            {
                let key = key.clone();
                async move { key.complete(claim, fixtures::with_response("one")).await }
            },
            {
                let key = key.clone();
                async move { key.complete(claim, Completion::NotRetained { status: 200 }).await }
            },
        )
        .await;
        assert_eq!((one, two), (Update::Applied, Update::Applied));
        let first = key.state().await;
        assert!(first == fixtures::completed("one") || first == State::NotRetained { status: 200 });
        assert_eq!(key.state().await, first);
    }
}

/// Exactly one of many concurrent releases of one claim is applied.
pub async fn one_release_frees_the_key<S: StoreHarness>(case: Case<S>) {
    for _ in 0..S::ROUNDS {
        let key = case.key();
        let claim = key.acquire(fixtures::at_most_once()).await;
        let releases = many(&key, move |key| async move { key.release(claim).await }).await;
        let held = releases.iter().filter(|update| **update == Update::Applied).count();
        assert_eq!(held, 1);
        key.assert_new().await;
    }
}

/// Repeated releases that run concurrently with the next claim never free that claim.
pub async fn repeated_releases_never_free_the_next_claim<S: StoreHarness>(case: Case<S>) {
    for _ in 0..S::ROUNDS {
        let key = case.key();
        let old = key.acquire(fixtures::at_most_once()).await;
        let request = fixtures::at_most_once();
        let (releases, claimed) = both(
            {
                let key = key.clone();
                async move { many(&key, move |key| async move { key.release(old).await }).await }
            },
            {
                let (key, request) = (key.clone(), request.clone());
                async move { key.claim(request).await }
            },
        )
        .await;
        assert_eq!(releases.iter().filter(|update| **update == Update::Applied).count(), 1);
        let next = match claimed {
            ClaimOutcome::Acquired(claim) => claim,
            _ => key.acquire(&request).await,
        };
        assert_eq!(key.acquire(&request).await, next, "the next claim still holds the key");
    }
}

/// Runs the same call on many tasks that start together.
pub(crate) async fn many<S, T, F>(key: &Key<S>, call: impl Fn(Key<S>) -> F) -> Vec<T>
where
    S: StoreHarness,
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    together((0..TASKS).map(|_| call(key.clone()))).await
}

/// Runs calls on tasks that start together.
pub(crate) async fn together<T, F>(calls: impl ExactSizeIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(calls.len()));
    let tasks: JoinSet<T> = calls
        .map(|call| {
            let start = Arc::clone(&start);
            async move {
                start.wait().await;
                call.await
            }
        })
        .collect();
    tasks.join_all().await
}

async fn both<A, B>(
    one: impl Future<Output = A> + Send + 'static,
    two: impl Future<Output = B> + Send + 'static,
) -> (A, B)
where
    A: Send + 'static,
    B: Send + 'static,
{
    let (one, two) = tokio::join!(tokio::spawn(one), tokio::spawn(two));
    (one.expect("the first call"), two.expect("the second call"))
}

fn only_winner(claims: Vec<ClaimOutcome>, state: State, fingerprint: Option<Fingerprint>) -> Claim {
    let expected = fixtures::existing_of(fingerprint, state);
    let mut winners = Vec::new();
    for claimed in claims {
        match claimed {
            ClaimOutcome::Acquired(claim) => winners.push(claim),
            ClaimOutcome::Exists(existing) => assert_eq!(existing, expected),
            other => panic!("{other:?}"),
        }
    }
    let [winner] = winners[..] else { panic!("{} claims were acquired", winners.len()) };
    winner
}

/// Returns keys that can be taken over, with the claims of their late owners.
async fn lapsed<S: StoreHarness>(case: &Case<S>) -> Vec<(Key<S>, Claim)> {
    let mut lapsed = Vec::new();
    for _ in 0..S::ROUNDS {
        let key = case.key();
        let claim = key.acquire(fixtures::at_least_once().lease(case.unit())).await;
        lapsed.push((key, claim));
    }
    case.advance(2).await;
    lapsed
}
