//! Calls that share a statement: each gets its own result.
//!
//! The tests run on one thread. The first of the joined calls is sent alone, and all others are queued before the next
//! statement is sent. The server is paused where a reply could arrive before that.

use std::time::Duration;

use futures_util::future::join_all;
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, FencingToken, Fingerprint, IdempotencyStore, RecordId,
    State, StoreErrorKind, Update,
};
use idem_core::{Guarantee, Policy};
use idem_postgres::PostgresStore;
use idem_postgres::sqlx::{self, Connection, PgConnection};
use idem_testkit::servers::{PostgresServer, Proxy, eventually};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use crate::locks::wait_longer;
use crate::support::{
    HOUR, builder, claim_new, completed, completion, connect, error_kind, new_id, recovering,
    request, sent_before_a_reply, store, url,
};

async fn claim_all(store: &PostgresStore, ids: &[RecordId]) -> Vec<ClaimOutcome> {
    let calls = ids.iter().map(|id| store.claim(*id, request()));
    join_all(calls).await.into_iter().map(Result::unwrap).collect()
}

fn at_least_once() -> ClaimRequest {
    ClaimRequest::new(&Policy::new(HOUR, Guarantee::AtLeastOnce).with_lease(HOUR))
}

fn acquired(outcome: &ClaimOutcome) -> Option<Claim> {
    match outcome {
        ClaimOutcome::Acquired(claim) => Some(*claim),
        _ => None,
    }
}

#[tokio::test]
async fn concurrent_calls_share_statements() {
    let server = PostgresServer::start(&["shared_preload_libraries=pg_stat_statements"]);
    server.sql("CREATE EXTENSION pg_stat_statements");
    let store = store(&server).await;
    let sent = |what: &str| {
        let calls: u32 = server
            .sql(&format!(
                "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
                 WHERE query LIKE '%idem_records_{what}%' AND query NOT LIKE '%pg_stat%'"
            ))
            .parse()
            .unwrap();
        calls
    };
    server.sql("SELECT pg_stat_statements_reset()");
    let ids: Vec<RecordId> = (0..64).map(|_| new_id()).collect();
    let claims = sent_before_a_reply(&server, claim_all(&store, &ids)).await;
    assert_eq!(sent("claim"), 3, "64 claims: one alone, then at most 32 to a statement");

    let ends = claims.iter().zip(0..64).map(|(claimed, number)| {
        let mut claim = acquired(claimed).unwrap();
        claim.token = FencingToken(claim.token.0 + number % 2);
        store.complete(claim, completion(format!("{number}")), HOUR)
    });
    let ends = sent_before_a_reply(&server, join_all(ends)).await;
    assert_eq!(sent("complete"), 3, "64 completions");
    for (number, end) in (0..64).zip(ends) {
        match number % 2 {
            0 => assert_eq!(end.unwrap(), Update::Applied),
            _ => assert!(matches!(end.unwrap(), Update::Stale(Some(_))), "{number} is stale"),
        }
    }

    for (number, replay) in (0..64).zip(claim_all(&store, &ids).await) {
        match number % 2 {
            0 => assert_eq!(replay, completed(number.to_string())),
            _ => assert_eq!(acquired(&replay), None, "{number} runs"),
        }
    }
}

#[tokio::test]
async fn one_duplicate_of_a_batch_acquires_the_key() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let (one, two) = (new_id(), new_id());
    let ids: Vec<RecordId> = (0..32).map(|n| if n % 2 == 0 { one } else { two }).collect();
    let claimed = claim_all(&store, &ids).await;
    let winners: Vec<RecordId> = claimed.iter().filter_map(acquired).map(|won| won.id).collect();
    assert_eq!(winners.len(), 2);
    assert!(winners.contains(&one) && winners.contains(&two));
}

/// Keys in every state share a statement, and no column of one reply is that of another.
#[tokio::test]
async fn each_key_of_a_batch_gets_its_own_result() {
    let server = PostgresServer::start(&[]);
    let store = builder().batch_every_call().connect(&server.url()).await.unwrap();
    let fingerprinted =
        |byte| request().with_fingerprint(Some(Fingerprint::from_parts(1, [byte; 32])));
    let [new, running, done, lost, taken, expired] = [(); 6].map(|()| new_id());
    let twice = new_id();
    for (id, request) in [
        (running, request()),
        (done, fingerprinted(1)),
        (lost, recovering()),
        (taken, at_least_once()),
        (expired, request()),
    ] {
        let claimed = store.claim(id, request).await.unwrap();
        if id == done {
            let claim = acquired(&claimed).unwrap();
            assert_eq!(
                store.complete(claim, completion("done"), HOUR).await.unwrap(),
                Update::Applied
            );
        }
    }
    let past = |column: &str, id: RecordId| {
        let change = format!("UPDATE idem_records SET {column} = now() - interval '1 s'");
        server.sql(&format!("{change} WHERE id = '\\x{id}'"));
    };
    past("lease_until", lost);
    past("lease_until", taken);
    past("lease_until = now() - interval '1 s', expires_at", expired);

    let calls = [
        (lost, recovering()),
        (new, request()),
        (running, request()),
        (done, fingerprinted(2)),
        (taken, at_least_once()),
        (expired, request()),
        (twice, request()),
        (twice, request()),
    ];
    let outcomes = join_all(calls.map(|(id, request)| store.claim(id, request))).await;
    let [of_lost, of_new, of_running, of_done, of_taken, of_expired, of_one, of_other] =
        <[_; 8]>::try_from(outcomes).unwrap().map(Result::unwrap);
    assert!(
        matches!(of_lost, ClaimOutcome::Recovering(claim, _) if claim.attempt == 2),
        "{of_lost:?}"
    );
    assert!(matches!(of_new, ClaimOutcome::Acquired(claim) if claim.attempt == 1), "{of_new:?}");
    assert!(
        matches!(&of_running, ClaimOutcome::Exists(record) if record.state == State::Running),
        "{of_running:?}"
    );
    let ClaimOutcome::Exists(of_done) = of_done else { panic!("{of_done:?}") };
    assert_eq!(of_done.fingerprint, Some(Fingerprint::from_parts(1, [1; 32])));
    assert!(matches!(of_done.state, State::Completed(_)));
    assert!(
        matches!(of_taken, ClaimOutcome::Acquired(claim) if claim.attempt == 2),
        "{of_taken:?}"
    );
    assert!(
        matches!(of_expired, ClaimOutcome::Acquired(claim) if claim.attempt == 1),
        "{of_expired:?}"
    );
    assert_eq!([of_one, of_other].iter().filter_map(acquired).count(), 1);
}

/// A plan that was made for an empty table would read all of it, until the next automatic ANALYZE.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emptied_table_is_not_read_as_a_whole() {
    let server = PostgresServer::start(&["autovacuum=off"]);
    // The connections report their statistics when they close.
    let closed = || {
        let open = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle'";
        server.until(open, |count| count == "0");
    };
    drop(store(&server).await);
    for store in [builder(), builder().batch_every_call()] {
        server.sql("DELETE FROM idem_records");
        server.sql("VACUUM ANALYZE idem_records");
        closed();
        server.sql("SELECT pg_stat_reset()");
        let store = store.max_connections(1).connect(&server.url()).await.unwrap();
        for _ in 0..20 {
            let claim = claim_new(&store).await;
            let completed = store.complete(claim, completion("done"), HOUR).await;
            assert_eq!(completed.unwrap(), Update::Applied);
        }
        drop(store);
        closed();
        let read = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'idem_records'";
        assert_eq!(server.sql(read), "0");
    }
}

/// An open transaction has locked one record. The other calls succeed.
#[tokio::test]
async fn rejected_batch_is_sent_again_one_by_one() {
    let server = PostgresServer::start(&[]);
    // The timeout of the statement must not end the batch.
    let store = builder().statement_timeout(HOUR).connect(&server.url()).await.unwrap();
    let held = claim_new(&store).await;
    let mut other = PgConnection::connect(&server.url()).await.unwrap();
    let mut open = other.begin().await.unwrap();
    let id = held.id.as_bytes().as_slice();
    // The delete is not committed, so that the completion of this record waits.
    let delete = sqlx::query("DELETE FROM idem_records WHERE id = $1").bind(id);
    delete.execute(&mut *open).await.unwrap();
    let (alone, free) = (claim_new(&store).await, claim_new(&store).await);
    let ends = [alone, held, free].map(|claim| store.complete(claim, completion("late"), HOUR));
    let ends = sent_before_a_reply(&server, join_all(ends));
    let ends = timeout(Duration::from_secs(60), ends).await.expect("a completion hangs");
    let [alone, blocked, ended] = <[_; 3]>::try_from(ends).unwrap();
    assert_eq!(alone.unwrap(), Update::Applied);
    assert_eq!(error_kind(blocked), StoreErrorKind::NotDone);
    assert_eq!(ended.unwrap(), Update::Applied);
    open.rollback().await.unwrap();
    assert_eq!(store.complete(held, completion("later"), HOUR).await.unwrap(), Update::Applied);
}

#[tokio::test]
async fn lost_reply_is_unknown_for_the_whole_batch() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = builder().max_connections(1).connect(&url(&proxy)).await.unwrap();
    // The statement is prepared first, so that the next bytes belong to the call.
    claim_all(&store, &[new_id(), new_id(), new_id()]).await;
    let (one, two) = ((new_id(), request()), (new_id(), request()));
    proxy.cut_after(one.0.as_bytes().to_vec());
    let after_another = || async {
        futures_util::join!(
            store.claim(new_id(), request()),
            store.claim(one.0, one.1.clone()),
            store.claim(two.0, two.1.clone())
        )
    };
    let (of_another, of_one, of_two) = after_another().await;
    assert!(acquired(&of_another.unwrap()).is_some());
    assert_eq!(error_kind(of_one), StoreErrorKind::Unknown);
    assert_eq!(error_kind(of_two), StoreErrorKind::Unknown);
    let (_, of_one, of_two) = after_another().await;
    assert_eq!(acquired(&of_one.unwrap()).unwrap().nonce, one.1.nonce);
    assert_eq!(acquired(&of_two.unwrap()).unwrap().nonce, two.1.nonce);
}

/// A call that waited too long is not sent: its caller may have given up, and the key would stay claimed
/// without a run.
#[tokio::test]
async fn overdue_call_is_never_sent() {
    const WAIT_TIMEOUT: Duration = Duration::from_secs(2);
    let server = PostgresServer::start(&[]);
    let store = connect(&builder().wait_timeout(WAIT_TIMEOUT), &server.url()).await;
    wait_longer(&server, "public");
    let mut other = PgConnection::connect(&server.url()).await.unwrap();
    let mut open = other.begin().await.unwrap();
    sqlx::query("LOCK TABLE idem_records IN EXCLUSIVE MODE").execute(&mut *open).await.unwrap();
    // Two statements wait for the lock, so the next call is queued.
    let mut sent = Vec::new();
    for _ in 0..2 {
        let (store, id, request) = (store.clone(), new_id(), request());
        sent.push(tokio::spawn(async move {
            loop {
                // On a busy machine, a call can wait too long for its connection.
                if let Ok(claimed) = store.claim(id, request.clone()).await {
                    return claimed;
                }
            }
        }));
    }
    let blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    let are_sent = async || (server.sql(blocked) == "2").then_some(());
    eventually("two statements that wait", are_sent).await;
    let overdue = new_id();
    let late = tokio::spawn({
        let store = store.clone();
        async move { store.claim(overdue, request()).await }
    });
    // The test has one thread. After these yields the call is queued.
    for _ in 0..10 {
        yield_now().await;
    }
    sleep(WAIT_TIMEOUT + Duration::from_millis(100)).await;
    open.rollback().await.unwrap();
    for claimed in sent {
        assert!(acquired(&claimed.await.unwrap()).is_some());
    }
    assert_eq!(error_kind(late.await.unwrap()), StoreErrorKind::NotDone);
    let request = request();
    let again = async || store.claim(overdue, request.clone()).await.ok();
    let again = eventually("claim of the overdue key", again).await;
    assert!(acquired(&again).is_some(), "the key is not free");
}
