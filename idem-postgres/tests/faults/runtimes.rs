//! One store on several runtimes: each drives its own connections, so that none waits for another.

use std::num::NonZeroU32;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use idem_core::store::{
    Claim, ClaimOutcome, IdempotencyStore, OpenOutcome, Quota, ScopeId, TransactionSlot, Update,
};
use idem_postgres::PostgresStore;
use idem_testkit::servers::PostgresServer;
use tokio::runtime::{Builder, Runtime};

use crate::locks::wait_longer;
use crate::support::{HOUR, builder, claim_new, completion, new_id, request, store};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

async fn claim_in_transaction(store: &PostgresStore) {
    let opened =
        store.transactions().unwrap().open(new_id(), request(), TransactionSlot::default());
    assert!(matches!(opened.await.unwrap(), OpenOutcome::Opened(_)));
}

async fn claim_in(store: &PostgresStore, scope: ScopeId) -> ClaimOutcome {
    let quota = Quota { scope, max_keys: NonZeroU32::MAX };
    store.claim(new_id(), request().with_quota(Some(quota))).await.unwrap()
}

/// A store in a `static` outlives the runtimes of tests.
#[test]
fn store_works_after_its_first_runtime_has_ended() {
    let server = PostgresServer::start(&[]);
    let first = runtime();
    let store = first.block_on(store(&server));
    let claim = first.block_on(async {
        claim_in_transaction(&store).await;
        claim_new(&store).await
    });
    drop(first);
    runtime().block_on(async {
        let completed = store.complete(claim, completion("kept"), HOUR).await.unwrap();
        assert_eq!(completed, Update::Applied);
        claim_in_transaction(&store).await;
        claim_new(&store).await;
    });
}

/// The first runtime has opened connections and has calls in flight when a handler blocks its only thread.
#[test]
fn blocked_runtime_does_not_delay_another() {
    let server = PostgresServer::start(&[]);
    let scope = ScopeId::from_bytes(rand::random());
    let (blocked, is_blocked) = mpsc::channel();
    let (unblock, unblocked) = mpsc::channel::<()>();
    let other = runtime();
    let store = runtime().block_on(store(&server));
    wait_longer(&server, "public");
    let blocking = thread::spawn({
        let store = store.clone();
        move || {
            runtime().block_on(async {
                claim_in_transaction(&store).await;
                claim_new(&store).await;
                let calls: Vec<_> = (0..8)
                    .map(|_| {
                        let store = store.clone();
                        tokio::spawn(async move { claim_in(&store, scope).await })
                    })
                    .collect();
                // The test has one thread on this runtime. After these yields the calls are sent.
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                blocked.send(()).unwrap();
                unblocked.recv().unwrap();
                for call in calls {
                    assert!(matches!(call.await.unwrap(), ClaimOutcome::Acquired(_)));
                }
            });
        }
    });
    is_blocked.recv().unwrap();
    let claims: Vec<Claim> = other.block_on(async {
        claim_in_transaction(&store).await;
        assert!(matches!(claim_in(&store, scope).await, ClaimOutcome::Acquired(_)));
        futures_util::future::join_all((0..8).map(|_| claim_new(&store))).await
    });
    assert_eq!(claims.len(), 8);
    unblock.send(()).unwrap();
    blocking.join().unwrap();
}

#[test]
fn sweeping_continues_after_its_runtime_has_ended() {
    let server = PostgresServer::start(&[]);
    let first = runtime();
    let builder = builder().sweep_every(Duration::from_millis(20));
    let store = first.block_on(builder.connect(&server.url())).unwrap();
    drop(first);
    // Its worker drives the tasks while this thread waits.
    let second = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    second.block_on(claim_new(&store));
    server.sql("UPDATE idem_records SET expires_at = now(), sweep_at = now()");
    server.until("SELECT count(*) FROM idem_records", |left| left == "0");
}
