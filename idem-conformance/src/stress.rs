//! Many at once on one store, for longer than a rule may take: on leases that are too short, and with
//! calls that are cut off.

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

use crate::terms::{LONG, answer, at_most_once};

const KEYS: usize = 60;
const WORKERS: usize = 32;
const ROUNDS: usize = 12;

/// The answers that clients were given, for each key.
type Given = Arc<Mutex<HashMap<RecordId, HashSet<String>>>>;

/// M7: no key has two accepted results, when workers outlive their leases all the time.
///
/// # Panics
/// If one has.
pub async fn no_key_has_two_accepted_results(store: impl IdempotencyStore + Clone) {
    let complete = {
        let store = store.clone();
        move |claim, body| {
            let concluded = store.complete(claim, Completion::Response(holding(body)), LONG);
            async move { concluded.await.expect("it works") == Update::Applied }
        }
    };
    assert_eq!(contradictions(&store, complete).await, 0);
}

/// How many keys gave clients different answers, when `complete` concludes a claim and tells whether that
/// was accepted. One that does not ask for the owner shows that the stress can fail.
///
/// # Panics
/// If the store fails.
pub async fn contradictions<S, C, F>(store: &S, complete: C) -> usize
where
    S: IdempotencyStore + Clone,
    C: Fn(Claim, String) -> F + Send + Sync + 'static,
    F: Future<Output = bool> + Send + 'static,
{
    let (given, complete) = (Given::default(), Arc::new(complete));
    let keys: Arc<[RecordId]> = (0..KEYS).map(|_| key()).collect();
    let workers: JoinSet<()> = (0..WORKERS)
        .map(|_| work(store.clone(), Arc::clone(&keys), Arc::clone(&given), Arc::clone(&complete)))
        .collect();
    workers.join_all().await;
    let given = given.lock().expect("no worker panicked");
    assert!(given.len() > KEYS / 2, "the workers did something");
    given.values().filter(|answers| answers.len() > 1).count()
}

async fn work<S, C, F>(store: S, keys: Arc<[RecordId]>, given: Given, complete: Arc<C>)
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
        let body = match store.claim(id, ClaimRequest::new(&policy)).await.expect("it works") {
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
                State::Completed(answer) => String::from_utf8_lossy(&answer.body).into_owned(),
                _ => continue,
            },
            ClaimOutcome::AtCapacity(_) => unreachable!("there is no quota"),
        };
        given.lock().expect("no worker panicked").entry(id).or_default().insert(body);
    }
}

/// Checks that a dropped call never hands its reply to another call, which would show one tenant the response of
/// another. Each of `tasks` sends `calls` calls and drops each after a random time of up to `longest`.
///
/// # Panics
/// If one does.
pub async fn dropped_calls_do_not_mix_up_answers(
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
    let own = holding(format!("{:?}", claim.nonce));
    let concluded = store.complete(claim, Completion::Response(own.clone()), LONG).await;
    assert_eq!(concluded.expect("it works"), Update::Applied);
    for _ in 0..calls {
        let call = store.claim(id, at_most_once());
        let patience = longest.mul_f64(rand::rng().random_range(0.0..1.0));
        let Ok(claimed) = timeout(patience, call).await else { continue };
        let ClaimOutcome::Exists(existing) = claimed.expect("it works") else {
            panic!("completed")
        };
        assert_eq!(existing.state, State::Completed(own.clone()));
    }
}

fn key() -> RecordId {
    RecordId::from_bytes(rand::random())
}

fn holding(body: String) -> StoredResponse {
    StoredResponse { body: Bytes::from(body), ..answer("") }
}
