//! Stress tests of a store, which run longer than a rule: with leases that are too short, and with calls that
//! are dropped.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, RecordId, State,
    StoredResponse, Update,
};
use idem_core::{Guarantee, Policy};
use rand::RngExt;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::fixtures::{LONG, at_most_once, response};

const KEYS: usize = 60;
const WORKERS: usize = 32;
const ROUNDS: usize = 12;

/// The response bodies that clients received, by key.
type Received = Arc<Mutex<HashMap<RecordId, HashSet<String>>>>;

/// Checks that no key has two accepted results while workers constantly outlive their leases.
///
/// The rule is [at most one result](idem_core::rules::guarantees#at-most-one-result).
///
/// # Panics
/// If a key has two accepted results.
pub async fn no_key_has_two_accepted_results(store: impl IdempotencyStore + Clone) {
    let complete = {
        let store = store.clone();
        move |claim, body| {
            let completed = store.complete(claim, Completion::Response(with_body(body)), LONG);
            async move { completed.await.expect("a reply") == Update::Applied }
        }
    };
    assert_eq!(contradictions(&store, complete).await, 0);
}

/// Returns the number of keys for which clients received different responses.
///
/// `complete` completes a claim and returns whether the completion was accepted. Pass a function that
/// ignores the owner to show that the test can fail.
///
/// # Panics
/// If a store call fails.
pub async fn contradictions<S, C, F>(store: &S, complete: C) -> usize
where
    S: IdempotencyStore + Clone,
    C: Fn(Claim, String) -> F + Send + Sync + 'static,
    F: Future<Output = bool> + Send + 'static,
{
    let (received, complete) = (Received::default(), Arc::new(complete));
    let keys: Arc<[RecordId]> = (0..KEYS).map(|_| key()).collect();
    let workers: JoinSet<()> = (0..WORKERS)
        .map(|_| {
            work(store.clone(), Arc::clone(&keys), Arc::clone(&received), Arc::clone(&complete))
        })
        .collect();
    workers.join_all().await;
    let received = received.lock().expect("no worker panicked");
    assert!(received.len() > KEYS / 2, "the workers used too few keys");
    received.values().filter(|bodies| bodies.len() > 1).count()
}

async fn work<S, C, F>(store: S, keys: Arc<[RecordId]>, received: Received, complete: Arc<C>)
where
    S: IdempotencyStore,
    C: Fn(Claim, String) -> F,
    F: Future<Output = bool>,
{
    const LEASE: Duration = Duration::from_millis(40);
    let policy =
        Policy::new(LONG, Guarantee::AtLeastOnce).with_lease(LEASE).with_max_attempts(1000);
    for _ in 0..ROUNDS {
        let id = keys[rand::rng().random_range(0..KEYS)];
        let body = match store.claim(id, ClaimRequest::new(&policy)).await.expect("a reply") {
            ClaimOutcome::Acquired(claim) => {
                let run = Duration::from_millis(rand::rng().random_range(0..90));
                sleep(run).await;
                let body = format!("{:?}", claim.token);
                if !complete(claim, body.clone()).await {
                    continue;
                }
                body
            }
            ClaimOutcome::Exists(existing) => match existing.state {
                State::Completed(response) => String::from_utf8_lossy(&response.body).into_owned(),
                _ => continue,
            },
            ClaimOutcome::Recovering(..) | ClaimOutcome::AtCapacity(_) => {
                unreachable!("there is neither a quota nor a handler with `recover`")
            }
        };
        received.lock().expect("no worker panicked").entry(id).or_default().insert(body);
    }
}

/// Checks that the reply to a dropped call never reaches another call, which would show one tenant the response
/// of another. Each of `tasks` tasks sends `calls` calls and drops each after a random time of up to `longest`.
///
/// # Panics
/// If a call receives the reply to another one.
pub async fn dropped_calls_do_not_mix_up_replies(
    store: impl IdempotencyStore + Clone,
    tasks: usize,
    calls: usize,
    longest: Duration,
) {
    let tasks: JoinSet<()> = (0..tasks).map(|_| replay(store.clone(), calls, longest)).collect();
    tasks.join_all().await;
}

async fn replay(store: impl IdempotencyStore, calls: usize, longest: Duration) {
    let id = key();
    let Ok(ClaimOutcome::Acquired(claim)) = store.claim(id, at_most_once()).await else {
        panic!("it is new")
    };
    let own = with_body(format!("{:?}", claim.nonce));
    let completed = store.complete(claim, Completion::Response(own.clone()), LONG).await;
    assert_eq!(completed.expect("a reply"), Update::Applied);
    for _ in 0..calls {
        let call = store.claim(id, at_most_once());
        let limit = longest.mul_f64(rand::rng().random_range(0.0..1.0));
        let Ok(claimed) = timeout(limit, call).await else { continue };
        let ClaimOutcome::Exists(existing) = claimed.expect("a reply") else { panic!("completed") };
        assert_eq!(existing.state, State::Completed(own.clone()));
    }
}

fn key() -> RecordId {
    RecordId::from_bytes(rand::random())
}

fn with_body(body: String) -> StoredResponse {
    let StoredResponse { status, headers, .. } = response("");
    StoredResponse::new(status, headers, Bytes::from(body))
}
