//! Many at once, on leases that are too short (M7), and calls that are cut off.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use idem_conformance::servers::RedisServer;
use idem_core::{
    Claim, ClaimRequest, Claimed, Fenced, Guarantee, IdempotencyStore, Policy, RecordId, State,
};
use idem_redis::{RedisStore, deadpool_redis::redis};
use rand::RngExt;

use crate::support::{HOUR, answer, answered, key, store, won};

const KEYS: usize = 60;
const WORKERS: usize = 32;
const ROUNDS: usize = 12;

/// The answers that clients were given, for each key.
type Given = Arc<Mutex<HashMap<RecordId, HashSet<String>>>>;

/// Concludes a claim; tells whether that was accepted.
type Complete =
    Arc<dyn Fn(Claim, String) -> futures_util::future::BoxFuture<'static, bool> + Send + Sync>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_has_two_accepted_results() {
    let server = RedisServer::start(&[]);
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

/// The same, with the owner taken out of the script's condition: the stress above can fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_owner_check_keys_have_two_results() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let check = "string.sub(known, 11) == string.sub(ARGV[1], 11)";
    let script = include_str!("../../src/scripts/complete.lua");
    let careless = Arc::new(redis::Script::new(
        &script.replace(check, "true").replace("state == 1 or state == 4", "true"),
    ));
    assert!(script.contains(check) && script.contains("state == 1 or state == 4"));
    let client = redis::Client::open(server.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let complete: Complete = Arc::new(move |claim, body| {
        let (script, mut connection) = (Arc::clone(&careless), connection.clone());
        Box::pin(async move {
            let mut call = script.prepare_invoke();
            let hex: String =
                claim.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            let mut head = vec![1_u8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            let record = completed(body);
            head.extend(&record[..2]);
            call.key(format!("idem:default:{hex}"));
            call.arg(&[0_u8; 34][..]).arg(&head[..]).arg(3_600_000).arg(&record[64..]);
            call.invoke_async::<i32>(&mut connection).await.unwrap() == 1
        })
    });
    assert!(contradictions(&store, complete).await > 0);
}

fn completed(body: String) -> bytes::Bytes {
    let record = idem_core::Record {
        owner: idem_core::Owner::random(),
        fence: idem_core::Fence(1),
        attempt: 1,
        guarantee: Guarantee::AtLeastOnce,
        fingerprint: None,
        state: State::Completed(answer(body)),
    };
    record.to_bytes()
}

/// How many keys gave clients different answers, when workers outlive their leases all the time.
async fn contradictions(store: &RedisStore, complete: Complete) -> usize {
    let given = Given::default();
    let keys: Arc<[RecordId]> = (0..KEYS).map(|_| key()).collect();
    let workers: tokio::task::JoinSet<()> = (0..WORKERS)
        .map(|_| work(store.clone(), Arc::clone(&keys), Arc::clone(&given), Arc::clone(&complete)))
        .collect();
    workers.join_all().await;
    let given = given.lock().unwrap();
    assert!(given.len() > KEYS / 2, "the workers did something");
    given.values().filter(|answers| answers.len() > 1).count()
}

async fn work(store: RedisStore, keys: Arc<[RecordId]>, given: Given, complete: Complete) {
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

/// Answers never meet the wrong call, though calls are dropped at every point: that would show one
/// tenant the answer of another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_59_dropped_calls_do_not_mix_up_answers() {
    const TASKS: usize = 50;
    const CALLS: usize = 2_000;
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let tasks: tokio::task::JoinSet<()> = (0..TASKS)
        .map(|_| {
            let store = store.clone();
            async move {
                let claim = won(&store).await;
                let body = format!("{:?}", claim.owner).into_bytes();
                drop(store.complete(claim, answered(body.clone()), HOUR).await.unwrap());
                for _ in 0..CALLS {
                    let call = store.claim(claim.id, crate::support::request());
                    let patience = Duration::from_micros(rand::rng().random_range(0..2_000));
                    let Ok(claimed) = tokio::time::timeout(patience, call).await else { continue };
                    let Claimed::Existing(existing) = claimed.unwrap() else { panic!("completed") };
                    assert_eq!(existing.state, State::Completed(answer(body.clone())));
                }
            }
        })
        .collect();
    tasks.join_all().await;
}
