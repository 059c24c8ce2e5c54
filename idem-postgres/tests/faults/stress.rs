//! Concurrent workers that outlive their leases, and dropped calls.

use std::time::Duration;

use idem_conformance::stress;
use idem_core::store::{Claim, ClaimOutcome, IdempotencyStore, State, Update};
use idem_postgres::sqlx::{self, PgPool};
use idem_testkit::dropped_after;
use idem_testkit::servers::PostgresServer;

use crate::locks::wait_longer;
use crate::support::{HOUR, builder, claim_new, completion, new_id, request, response, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_has_two_accepted_results() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    wait_longer(&server, "public");
    stress::no_key_has_two_accepted_results(store).await;
}

/// Checks that the stress test above can fail: this completion does not check the owner.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_owner_check_keys_have_two_results() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    wait_longer(&server, "public");
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let complete = move |claim: Claim, body| {
        let pool = pool.clone();
        async move {
            let unchecked = "UPDATE idem_records SET state = 2, answer = $2 WHERE id = $1";
            let mut tail = Vec::new();
            State::Completed(response(body)).put_tail(&mut tail);
            let call = sqlx::query(unchecked).bind(claim.id.as_bytes().as_slice()).bind(tail);
            call.execute(&pool).await.unwrap().rows_affected() == 1
        }
    };
    assert!(stress::contradictions(&store, complete).await > 0);
}

/// Each call is dropped after its n-th poll, for each n until the calls finish. The change is applied, no
/// connection is stuck or inside a transaction, and no reply reaches the wrong call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_store_call_cancelled_at_every_await() {
    let server = PostgresServer::start(&[]);
    let store = builder().max_connections(2).connect(&server.url()).await.unwrap();
    wait_longer(&server, "public");
    for polls in 0.. {
        let (id, own_request) = (new_id(), request());
        let claim_finished = dropped_after(polls, store.claim(id, own_request.clone())).await;
        let claim = loop {
            // The dropped call continues in the background. The same nonce gets its claim again.
            if let ClaimOutcome::Acquired(claim) =
                store.claim(id, own_request.clone()).await.unwrap()
            {
                break claim;
            }
        };
        let renewal_finished = dropped_after(polls, store.renew(claim, HOUR, HOUR)).await;
        let body = format!("{:?}", claim.nonce);
        let completion_finished =
            dropped_after(polls, store.complete(claim, completion(body.clone()), HOUR)).await;
        let update = store.complete(claim, completion(body.clone()), HOUR).await.unwrap();
        assert_eq!(update, Update::Applied);
        let ClaimOutcome::Exists(found) = store.claim(id, request()).await.unwrap() else {
            panic!("the record is not completed")
        };
        assert_eq!(found.state, State::Completed(response(body)));
        let freed = claim_new(&store).await;
        let release_finished = dropped_after(polls, store.release(freed)).await;
        drop(store.release(freed).await.unwrap());
        assert!(matches!(
            store.claim(freed.id, request()).await.unwrap(),
            ClaimOutcome::Acquired(_)
        ));
        if claim_finished && renewal_finished && completion_finished && release_finished {
            break;
        }
        assert!(polls < 1_000, "the calls do not finish");
    }
    let stale = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    assert_eq!(server.sql(stale), "0");
}

/// Calls are dropped at random times, and no reply reaches the wrong call. Otherwise one tenant could get the
/// response of another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_dropped_call_on_shared_connection_does_not_mix_replies() {
    let server = PostgresServer::start(&[]);
    let store = builder().max_connections(4).connect(&server.url()).await.unwrap();
    stress::dropped_calls_do_not_mix_up_replies(store, 20, 200, Duration::from_millis(4)).await;
}
