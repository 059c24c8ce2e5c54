//! Calls that are sent in one statement: each gets its own answer, whatever becomes of the others.
//!
//! On one thread, all that are joined have lined up before the first statement is sent.

use std::time::Duration;

use futures_util::future::join_all;
use idem_core::store::{
    Claim, ClaimOutcome, FencingToken, IdempotencyStore, RecordId, StoreErrorKind, Update,
};
use idem_postgres::PostgresStore;
use idem_postgres::sqlx::{self, Connection, PgConnection};
use idem_testkit::servers::{PostgresServer, Proxy};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use crate::support::{HOUR, answered, builder, completed, failure, key, request, store, url, won};

async fn claim_all(store: &PostgresStore, ids: &[RecordId]) -> Vec<ClaimOutcome> {
    let calls = ids.iter().map(|id| store.claim(*id, request()));
    join_all(calls).await.into_iter().map(Result::unwrap).collect()
}

fn acquired(claimed: &ClaimOutcome) -> Option<Claim> {
    match claimed {
        ClaimOutcome::Acquired(claim) => Some(*claim),
        _ => None,
    }
}

#[tokio::test]
async fn calls_that_meet_share_statements() {
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
    let ids: Vec<RecordId> = (0..64).map(|_| key()).collect();
    let claims = claim_all(&store, &ids).await;
    assert_eq!(sent("claim"), 2, "64 claims, 32 to a statement");

    let ends = claims.iter().zip(0..64).map(|(claimed, number)| {
        let mut claim = acquired(claimed).unwrap();
        claim.token = FencingToken(claim.token.0 + number % 2);
        store.complete(claim, answered(format!("{number}")), HOUR)
    });
    let ends = join_all(ends).await;
    assert_eq!(sent("complete"), 2, "64 completions");
    for (number, end) in (0..64).zip(ends) {
        match number % 2 {
            0 => assert_eq!(end.unwrap(), Update::Applied),
            _ => assert!(matches!(end.unwrap(), Update::Stale(Some(_))), "{number} is stale"),
        }
    }

    for (number, replay) in (0..64).zip(claim_all(&store, &ids).await) {
        match number % 2 {
            0 => assert_eq!(replay, completed(&number.to_string())),
            _ => assert_eq!(acquired(&replay), None, "{number} runs"),
        }
    }
}

#[tokio::test]
async fn one_of_the_duplicates_in_a_statement_wins() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    let (one, two) = (key(), key());
    let ids: Vec<RecordId> = (0..32).map(|n| if n % 2 == 0 { one } else { two }).collect();
    let claimed = claim_all(&store, &ids).await;
    let winners: Vec<RecordId> = claimed.iter().filter_map(acquired).map(|won| won.id).collect();
    assert_eq!(winners.len(), 2);
    assert!(winners.contains(&one) && winners.contains(&two));
}

/// One key that cannot be claimed, because an open transaction holds it, keeps no other from it.
#[tokio::test]
async fn refused_statement_is_sent_again_call_by_call() {
    let server = PostgresServer::start(&[]);
    // It is not the statement's timeout that parts them.
    let store = builder().statement_timeout(HOUR).connect(&server.url()).await.unwrap();
    let held = won(&store).await;
    let mut other = PgConnection::connect(&server.url()).await.unwrap();
    let mut open = other.begin().await.unwrap();
    let id = held.id.as_bytes().as_slice();
    // Whether it goes is not known yet, so whoever would change it waits.
    let delete = sqlx::query("DELETE FROM idem_records WHERE id = $1").bind(id);
    delete.execute(&mut *open).await.unwrap();
    let end = answered("late");
    let free = won(&store).await;
    let blocked = store.complete(held, end.clone(), HOUR);
    let both = async { futures_util::join!(blocked, store.complete(free, end, HOUR)) };
    let (blocked, ended) = timeout(Duration::from_secs(60), both).await.expect("they hang");
    assert_eq!(failure(blocked), StoreErrorKind::NotDone);
    assert_eq!(ended.unwrap(), Update::Applied);
    open.rollback().await.unwrap();
    assert_eq!(store.complete(held, answered("later"), HOUR).await.unwrap(), Update::Applied);
}

#[tokio::test]
async fn lost_reply_is_unknown_for_all_that_it_carried() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = builder().max_connections(1).connect(&url(&proxy)).await.unwrap();
    // The statement is prepared, so that the next bytes are those of the call.
    claim_all(&store, &[key(), key()]).await;
    let (one, two) = ((key(), request()), (key(), request()));
    proxy.cut_after(one.0.as_bytes().to_vec());
    let both =
        || async { futures_util::join!(store.claim(one.0, one.1), store.claim(two.0, two.1)) };
    let (of_one, of_two) = both().await;
    assert_eq!(failure(of_one), StoreErrorKind::Unknown);
    assert_eq!(failure(of_two), StoreErrorKind::Unknown);
    let (of_one, of_two) = both().await;
    assert_eq!(acquired(&of_one.unwrap()).unwrap().nonce, one.1.nonce);
    assert_eq!(acquired(&of_two.unwrap()).unwrap().nonce, two.1.nonce);
}

/// What waited for too long behind others is not sent: its caller may have given up long ago, and it would
/// claim a key for nobody.
#[tokio::test]
async fn overdue_call_is_never_sent() {
    const PATIENCE: Duration = Duration::from_millis(200);
    let server = PostgresServer::start(&[]);
    let store = builder().wait_timeout(PATIENCE).connect(&server.url()).await.unwrap();
    // As many connections as there are statements at a time.
    let ids: Vec<RecordId> = (0..64).map(|_| key()).collect();
    claim_all(&store, &ids).await;
    server.pause();
    let overdue = key();
    let mut calls = Vec::new();
    for id in [key(), key(), overdue] {
        let store = store.clone();
        calls.push(tokio::spawn(async move { store.claim(id, request()).await }));
        // This thread runs what is ready, and so it is on its way, or waits behind others.
        for _ in 0..10 {
            yield_now().await;
        }
    }
    sleep(PATIENCE * 2).await;
    server.resume();
    let [one, two, late] = &join_all(calls).await[..] else { panic!("three calls") };
    for sent in [one, two] {
        assert!(sent.as_ref().unwrap().as_ref().is_ok_and(|won| acquired(won).is_some()));
    }
    let late = late.as_ref().unwrap().as_ref().unwrap_err();
    assert_eq!(late.kind(), StoreErrorKind::NotDone);
    let again = store.claim(overdue, request()).await.unwrap();
    assert!(acquired(&again).is_some(), "nobody has it");
}
