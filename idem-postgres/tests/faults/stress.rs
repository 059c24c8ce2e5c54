//! Many at once, on leases that are too short (M7), and calls that are cut off.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use idem_conformance::dropped_after;
use idem_conformance::servers::PostgresServer;
use idem_core::{
    Claim, ClaimRequest, Claimed, Fenced, Guarantee, IdempotencyStore, Policy, RecordId, State,
};
use idem_postgres::PostgresStore;
use idem_postgres::sqlx::{self, PgPool};
use rand::RngExt;
use tokio::task::JoinSet;

use crate::support::{HOUR, answer, answered, builder, key, request, store, won};

const KEYS: usize = 60;
const WORKERS: usize = 32;
const ROUNDS: usize = 12;

/// The answers that clients were given, for each key.
type Given = Arc<Mutex<HashMap<RecordId, HashSet<String>>>>;

/// Concludes a claim; tells whether that was accepted.
type Complete = Arc<dyn Fn(Claim, String) -> BoxFuture<'static, bool> + Send + Sync>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_has_two_accepted_results() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let complete: Complete = {
        let store = store.clone();
        Arc::new(move |claim, body| {
            let store = store.clone();
            Box::pin(async move {
                store.complete(claim, answered(body), HOUR).await.unwrap() == Fenced::Held
            })
        })
    };
    assert_eq!(contradictions(&store, complete).await, 0);
}

/// The same with a completion that presents no claim: the stress above can fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_owner_check_keys_have_two_results() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let complete: Complete = Arc::new(move |claim, body| {
        let pool = pool.clone();
        Box::pin(async move {
            let careless = "UPDATE idem_records SET state = 2, answer = $2 WHERE id = $1";
            let mut tail = Vec::new();
            State::Completed(answer(body)).put_tail(&mut tail);
            let call = sqlx::query(careless).bind(claim.id.as_bytes().as_slice()).bind(tail);
            call.execute(&pool).await.unwrap().rows_affected() == 1
        })
    });
    assert!(contradictions(&store, complete).await > 0);
}

/// How many keys gave clients different answers, when workers outlive their leases all the time.
async fn contradictions(store: &PostgresStore, complete: Complete) -> usize {
    let given = Given::default();
    let keys: Arc<[RecordId]> = (0..KEYS).map(|_| key()).collect();
    let workers: JoinSet<()> = (0..WORKERS)
        .map(|_| work(store.clone(), Arc::clone(&keys), Arc::clone(&given), Arc::clone(&complete)))
        .collect();
    workers.join_all().await;
    let given = given.lock().unwrap();
    assert!(given.len() > KEYS / 2, "the workers did something");
    given.values().filter(|answers| answers.len() > 1).count()
}

async fn work(store: PostgresStore, keys: Arc<[RecordId]>, given: Given, complete: Complete) {
    const LEASE: Duration = Duration::from_millis(40);
    let policy =
        Policy::new(HOUR, Guarantee::AtLeastOnce).with_lease(LEASE).with_max_attempts(1000);
    for _ in 0..ROUNDS {
        let id = keys[rand::rng().random_range(0..KEYS)];
        let body = match store.claim(id, ClaimRequest::new(&policy)).await.unwrap() {
            Claimed::Acquired(claim) => {
                let run = Duration::from_millis(rand::rng().random_range(0..90));
                tokio::time::sleep(run).await;
                let body = format!("{:?}", claim.fence);
                if !complete(claim, body.clone()).await {
                    continue;
                }
                body
            }
            Claimed::Existing(existing) => match existing.state {
                State::Completed(answer) => String::from_utf8(answer.body.to_vec()).unwrap(),
                _ => continue,
            },
            Claimed::Full(_) => unreachable!("there is no quota"),
        };
        given.lock().unwrap().entry(id).or_default().insert(body);
    }
}

/// Calls that are dropped after their n-th poll, for every n that they take: the change is made, no
/// connection is stuck or in a transaction, and no answer meets the wrong call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_69_calls_dropped_at_every_await() {
    let server = PostgresServer::start(&[]);
    let store = builder().max_connections(2).connect(&server.url()).await.unwrap();
    for polls in 0.. {
        let (id, own) = (key(), request());
        let claims_end = dropped_after(polls, store.claim(id, own)).await;
        let claim = loop {
            // The one that was dropped goes on behind us; the same owner finds its claim.
            if let Claimed::Acquired(claim) = store.claim(id, own).await.unwrap() {
                break claim;
            }
        };
        let renewals_end = dropped_after(polls, store.renew(claim, HOUR, HOUR)).await;
        let body = format!("{:?}", claim.owner);
        let ends = dropped_after(polls, store.complete(claim, answered(body.clone()), HOUR)).await;
        let concluded = store.complete(claim, answered(body.clone()), HOUR).await.unwrap();
        assert_eq!(concluded, Fenced::Held);
        let Claimed::Existing(found) = store.claim(id, request()).await.unwrap() else {
            panic!("completed")
        };
        assert_eq!(found.state, State::Completed(answer(body)));
        let freed = won(&store).await;
        let releases_end = dropped_after(polls, store.release(freed)).await;
        drop(store.release(freed).await.unwrap());
        assert!(matches!(store.claim(freed.id, request()).await.unwrap(), Claimed::Acquired(_)));
        if claims_end && renewals_end && ends && releases_end {
            break;
        }
        assert!(polls < 1_000, "calls take too many polls");
    }
    let stale = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    assert_eq!(server.sql(stale), "0");
}

/// Answers never meet the wrong call, though calls are dropped at any moment: that would show one tenant
/// the answer of another (fault 59).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_59_dropped_calls_do_not_mix_up_answers() {
    const TASKS: usize = 20;
    const CALLS: usize = 200;
    let server = PostgresServer::start(&[]);
    let builder = builder().max_connections(4).wait_timeout(Duration::from_secs(30));
    let store = builder.connect(&server.url()).await.unwrap();
    let tasks: JoinSet<()> = (0..TASKS)
        .map(|_| {
            let store = store.clone();
            async move {
                let claim = won(&store).await;
                let body = format!("{:?}", claim.owner).into_bytes();
                drop(store.complete(claim, answered(body.clone()), HOUR).await.unwrap());
                for _ in 0..CALLS {
                    let call = store.claim(claim.id, request());
                    let patience = Duration::from_micros(rand::rng().random_range(0..4_000));
                    let Ok(claimed) = tokio::time::timeout(patience, call).await else { continue };
                    let Claimed::Existing(existing) = claimed.unwrap() else { panic!("completed") };
                    assert_eq!(existing.state, State::Completed(answer(body.clone())));
                }
            }
        })
        .collect();
    tasks.join_all().await;
}
