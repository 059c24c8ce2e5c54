//! Concurrent workers that outlive their leases, and dropped calls.

use std::time::Duration;

use idem_conformance::stress;
use idem_core::store::{Claim, ClaimOutcome, IdempotencyStore, State, Update};
use idem_sqlite::sqlx::sqlite::SqliteConnectOptions;
use idem_sqlite::sqlx::{self, SqlitePool};
use idem_testkit::dropped_after;
use idem_testkit::servers::SqliteFile;

use crate::support::{HOUR, TIMEOUT, claim_new, completion, new_id, request, response, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_has_two_accepted_results() {
    let file = SqliteFile::new();
    stress::no_key_has_two_accepted_results(store(&file).await).await;
}

/// Checks that the stress test above can fail: this completion does not check the owner.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_owner_check_keys_have_two_results() {
    let file = SqliteFile::new();
    let store = store(&file).await;
    let options = SqliteConnectOptions::new().filename(file.path()).busy_timeout(TIMEOUT);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let complete = move |claim: Claim, body| {
        let pool = pool.clone();
        async move {
            // The second byte of the head is the state, and its last two bytes are the status.
            let unchecked = "INSERT INTO idem_responses (tail) VALUES (?);
                UPDATE idem_records SET response = last_insert_rowid(),
                    head = CAST(substr(head, 1, 1) || x'02' || substr(head, 3, 62)
                        || substr(head, 65, 2) || substr(head, 67, 0) || x'00c9' AS BLOB)
                WHERE id = ?";
            let mut tail = Vec::new();
            State::Completed(response(body)).put_tail(&mut tail);
            let call = sqlx::query(unchecked).bind(tail).bind(claim.id.as_bytes().to_vec());
            call.execute(&pool).await.unwrap().rows_affected() >= 1
        }
    };
    assert!(stress::contradictions(&store, complete).await > 0);
}

/// Each call is dropped after its n-th poll, for each n until the calls finish. No record stays stuck, and no reply
/// reaches the wrong call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_store_call_cancelled_at_every_await() {
    let file = SqliteFile::new();
    let store = store(&file).await;
    for polls in 0.. {
        let (id, own_request) = (new_id(), request());
        let claim_finished = dropped_after(polls, store.claim(id, own_request.clone())).await;
        let ClaimOutcome::Acquired(claim) = store.claim(id, own_request.clone()).await.unwrap()
        else {
            panic!("the same nonce gets its claim again")
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
        let again = store.claim(freed.id, request()).await.unwrap();
        assert!(matches!(again, ClaimOutcome::Acquired(_)));
        if claim_finished && renewal_finished && completion_finished && release_finished {
            break;
        }
        assert!(polls < 1_000, "the calls do not finish");
    }
}

/// Calls are dropped at random times, and no reply reaches the wrong call. Otherwise one tenant could get the response of
/// another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_dropped_call_on_shared_connection_does_not_mix_replies() {
    let file = SqliteFile::new();
    let store = store(&file).await;
    stress::dropped_calls_do_not_mix_up_replies(store, 20, 200, Duration::from_millis(4)).await;
}
