//! Many at once: every transition is one atomic operation.

use std::future::Future;
use std::sync::Arc;

use idem_core::store::{Claim, ClaimOutcome, Completion, State, Update};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::key::Key;
use crate::subject::{Case, Subject};
use crate::terms::{self, Terms};

const TASKS: usize = 64;

/// T1: of many claims on a new key exactly one wins, and all others see its run.
pub async fn one_claim_wins<S: Subject>(case: Case<S>) {
    for _ in 0..S::ROUNDS {
        let key = case.key();
        let print = terms::print(5);
        let claims = many(&key, move |key| async move {
            key.claim(terms::at_most_once().with_fingerprint(print)).await
        });
        let winner = only_winner(claims.await, terms::existing(State::Running).state, print);
        assert_eq!(winner.attempt, 1);
        assert_eq!(key.complete(winner, terms::answered("won")).await, Update::Applied);
    }
}

/// T11: of many claims on a lapsed record exactly one takes it over.
pub async fn one_takeover_wins<S: Subject>(case: Case<S>) {
    let keys: Vec<Key<S>> = (0..S::ROUNDS).map(|_| case.key()).collect();
    for key in &keys {
        key.won(terms::at_least_once().lease(S::UNIT)).await;
    }
    case.pass(2).await;
    for key in &keys {
        let claims = many(key, |key| async move { key.claim(terms::at_least_once()).await });
        let winner = only_winner(claims.await, State::Running, None);
        assert_eq!(winner.attempt, 2);
    }
}

/// I2: when a late owner concludes while another takes over, exactly one of the two is accepted.
pub async fn late_conclusion_or_takeover<S: Subject>(case: Case<S>) {
    for (key, late) in lapsed(&case).await {
        let (fenced, claimed) = both(
            {
                let key = key.clone();
                async move { key.complete(late, terms::answered("late")).await }
            },
            {
                let key = key.clone();
                async move { key.claim(terms::at_least_once()).await }
            },
        )
        .await;
        match (fenced, claimed) {
            (Update::Applied, ClaimOutcome::Exists(existing)) => {
                assert_eq!(existing, terms::existing(terms::completed("late")));
            }
            (Update::Stale(standing), ClaimOutcome::Acquired(claim)) => {
                assert_eq!(standing, Some(Box::new(terms::existing(State::Running))));
                assert_eq!(key.complete(claim, terms::answered("new")).await, Update::Applied);
                assert_eq!(key.state().await, terms::completed("new"));
            }
            both => panic!("one of the two must be accepted, got {both:?}"),
        }
    }
}

/// P1: when a late owner renews while another takes over, exactly one of the two holds the key.
pub async fn late_renewal_or_takeover<S: Subject>(case: Case<S>) {
    for (key, late) in lapsed(&case).await {
        let (fenced, claimed) = both(
            {
                let key = key.clone();
                async move { key.renew(late, terms::LONG, terms::LONG).await }
            },
            {
                let key = key.clone();
                async move { key.claim(terms::at_least_once()).await }
            },
        )
        .await;
        match (fenced, claimed) {
            (Update::Applied, ClaimOutcome::Exists(existing)) => {
                assert_eq!(existing, terms::existing(State::Running));
            }
            (Update::Stale(_), ClaimOutcome::Acquired(claim)) => assert_eq!(claim.attempt, 2),
            both => panic!("one of the two must hold the key, got {both:?}"),
        }
    }
}

/// T5: one claim concludes twice at once; one completion stands, and keeps standing.
pub async fn one_conclusion_stands<S: Subject>(case: Case<S>) {
    for _ in 0..S::ROUNDS {
        let key = case.key();
        let claim = key.won(terms::at_most_once()).await;
        let (one, two) = both(
            {
                let key = key.clone();
                async move { key.complete(claim, terms::answered("one")).await }
            },
            {
                let key = key.clone();
                async move { key.complete(claim, Completion::NotRetained { status: 200 }).await }
            },
        )
        .await;
        assert_eq!((one, two), (Update::Applied, Update::Applied));
        let first = key.state().await;
        assert!(first == terms::completed("one") || first == State::NotRetained { status: 200 });
        assert_eq!(key.state().await, first);
    }
}

/// T7: of many releases of one claim one frees the key, and none frees it from the next owner.
pub async fn one_release_frees<S: Subject>(case: Case<S>) {
    for _ in 0..S::ROUNDS {
        let key = case.key();
        let claim = key.won(terms::at_most_once()).await;
        let releases = many(&key, move |key| async move { key.release(claim).await }).await;
        let held = releases.iter().filter(|fenced| **fenced == Update::Applied).count();
        assert_eq!(held, 1);
        key.absent().await;
    }
}

/// T7 against T1: releases sent again while the next owner claims never free its key.
pub async fn releases_sent_again_never_free_the_next_owner<S: Subject>(case: Case<S>) {
    for _ in 0..S::ROUNDS {
        let key = case.key();
        let old = key.won(terms::at_most_once()).await;
        let request = terms::at_most_once();
        let (releases, claimed) = both(
            {
                let key = key.clone();
                async move { many(&key, move |key| async move { key.release(old).await }).await }
            },
            {
                let key = key.clone();
                async move { key.claim(request).await }
            },
        )
        .await;
        assert_eq!(releases.iter().filter(|fenced| **fenced == Update::Applied).count(), 1);
        let next = match claimed {
            ClaimOutcome::Acquired(claim) => claim,
            _ => key.won(request).await,
        };
        assert_eq!(key.won(request).await, next, "the next nonce still holds the key");
    }
}

/// Runs the same call on many tasks that set out together.
pub(crate) async fn many<S, T, F>(key: &Key<S>, call: impl Fn(Key<S>) -> F) -> Vec<T>
where
    S: Subject,
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    together((0..TASKS).map(|_| call(key.clone()))).await
}

/// Runs calls on tasks that set out together.
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

fn only_winner(
    claims: Vec<ClaimOutcome>,
    state: State,
    fingerprint: Option<idem_core::store::Fingerprint>,
) -> Claim {
    let expected = idem_core::store::ExistingRecord { fingerprint, state };
    let mut winners = Vec::new();
    for claimed in claims {
        match claimed {
            ClaimOutcome::Acquired(claim) => winners.push(claim),
            ClaimOutcome::Exists(existing) => assert_eq!(existing, expected),
            ClaimOutcome::AtCapacity(capacity) => panic!("no room: {capacity:?}"),
        }
    }
    let [winner] = winners[..] else { panic!("{} claims were won", winners.len()) };
    winner
}

/// Keys that may be taken over, with the claims of their late owners.
async fn lapsed<S: Subject>(case: &Case<S>) -> Vec<(Key<S>, Claim)> {
    let mut lapsed = Vec::new();
    for _ in 0..S::ROUNDS {
        let key = case.key();
        let claim = key.won(terms::at_least_once().lease(S::UNIT)).await;
        lapsed.push((key, claim));
    }
    case.pass(2).await;
    lapsed
}
