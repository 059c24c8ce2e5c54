//! Many at once, on leases that are too short (M7), and calls that are cut off.

use std::time::Duration;

use idem_conformance::stress;
use idem_core::store::{Claim, ClaimOutcome, IdempotencyStore, State, Update};
use idem_postgres::sqlx::{self, PgPool};
use idem_testkit::dropped_after;
use idem_testkit::servers::PostgresServer;

use crate::support::{HOUR, answer, answered, builder, key, request, store, won};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_has_two_accepted_results() {
    let server = PostgresServer::start(&[]);
    stress::no_key_has_two_accepted_results(store(&server).await).await;
}

/// The same with a completion that presents no claim: the stress above can fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_owner_check_keys_have_two_results() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let complete = move |claim: Claim, body| {
        let pool = pool.clone();
        async move {
            let careless = "UPDATE idem_records SET state = 2, answer = $2 WHERE id = $1";
            let mut tail = Vec::new();
            State::Completed(answer(body)).put_tail(&mut tail);
            let call = sqlx::query(careless).bind(claim.id.as_bytes().as_slice()).bind(tail);
            call.execute(&pool).await.unwrap().rows_affected() == 1
        }
    };
    assert!(stress::contradictions(&store, complete).await > 0);
}

/// Calls that are dropped after their n-th poll, for every n that they take: the change is made, no
/// connection is stuck or in a transaction, and no answer meets the wrong call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_store_call_cancelled_at_every_await() {
    let server = PostgresServer::start(&[]);
    let store = builder().max_connections(2).connect(&server.url()).await.unwrap();
    for polls in 0.. {
        let (id, own) = (key(), request());
        let claims_end = dropped_after(polls, store.claim(id, own)).await;
        let claim = loop {
            // The one that was dropped goes on behind us; the same owner finds its claim.
            if let ClaimOutcome::Acquired(claim) = store.claim(id, own).await.unwrap() {
                break claim;
            }
        };
        let renewals_end = dropped_after(polls, store.renew(claim, HOUR, HOUR)).await;
        let body = format!("{:?}", claim.nonce);
        let ends = dropped_after(polls, store.complete(claim, answered(body.clone()), HOUR)).await;
        let concluded = store.complete(claim, answered(body.clone()), HOUR).await.unwrap();
        assert_eq!(concluded, Update::Applied);
        let ClaimOutcome::Exists(found) = store.claim(id, request()).await.unwrap() else {
            panic!("completed")
        };
        assert_eq!(found.state, State::Completed(answer(body)));
        let freed = won(&store).await;
        let releases_end = dropped_after(polls, store.release(freed)).await;
        drop(store.release(freed).await.unwrap());
        assert!(matches!(
            store.claim(freed.id, request()).await.unwrap(),
            ClaimOutcome::Acquired(_)
        ));
        if claims_end && renewals_end && ends && releases_end {
            break;
        }
        assert!(polls < 1_000, "calls take too many polls");
    }
    let stale = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    assert_eq!(server.sql(stale), "0");
}

/// Answers never meet the wrong call, though calls are dropped at any moment: that would show one tenant
/// the answer of another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_dropped_call_on_shared_connection_does_not_mix_replies() {
    let server = PostgresServer::start(&[]);
    let builder = builder().max_connections(4).wait_timeout(Duration::from_secs(30));
    let store = builder.connect(&server.url()).await.unwrap();
    stress::dropped_calls_do_not_mix_up_replies(store, 20, 200, Duration::from_millis(4)).await;
}
