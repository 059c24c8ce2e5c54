//! The fencing tokens of a key grow with each claim, whether by plain command or by script.

use std::time::Duration;

use idem_core::store::{
    ClaimOutcome, Completion, FencingToken, IdempotencyStore, RecordId, State, UnknownReason,
    Update,
};
use idem_redis::RedisStore;
use idem_testkit::servers::RedisServer;

use crate::support::{HOUR, completion, key, key_name, request, store, won};

/// Two processes took their clock samples at different times, and free the key in turn.
#[tokio::test]
async fn tokens_of_two_processes_never_decrease() {
    let server = RedisServer::start(&[]);
    let early = store(&server).await;
    let late = store(&server).await;
    sample_clock(&early).await;
    sample_clock(&late).await;
    let id = key();
    let mut highest = FencingToken(0);
    for turn in 0..20 {
        let store = if turn % 2 == 0 { &late } else { &early };
        let ClaimOutcome::Acquired(claim) = store.claim(id, request()).await.unwrap() else {
            panic!("freed")
        };
        assert!(claim.token > highest, "{:?} after {highest:?}", claim.token);
        highest = claim.token;
        assert_eq!(store.release(claim).await.unwrap(), Update::Applied);
    }
}

/// A record with a ttl below the retention of fencing tokens expires on time, and its token is retained.
#[tokio::test]
async fn token_outlives_a_short_ttl() {
    let server = RedisServer::start(&[]);
    let early = store(&server).await;
    let late = store(&server).await;
    sample_clock(&early).await;
    sample_clock(&late).await;
    let id = key();
    let ClaimOutcome::Acquired(first) = late.claim(id, request()).await.unwrap() else {
        panic!("a new key")
    };
    let ttl = Duration::from_millis(50);
    assert_eq!(late.complete(first, completion("brief"), ttl).await.unwrap(), Update::Applied);
    tokio::time::sleep(ttl * 2).await;
    let ClaimOutcome::Acquired(second) = early.claim(id, request()).await.unwrap() else {
        panic!("expired")
    };
    assert!(second.token > first.token);
    assert_eq!(second.attempt, 1);
}

/// A plain claim whose reply was lost is repeated. It gets a new token if it was executed long after its
/// clock sample, and keeps its token otherwise.
#[tokio::test]
async fn late_plain_claim_gets_a_new_token() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    sample_clock(&store).await;
    for (age_ms, keeps) in [(0, true), (10_000, true), (40_000, false)] {
        let (id, request) = (key(), request());
        let ClaimOutcome::Acquired(first) = store.claim(id, request.clone()).await.unwrap() else {
            panic!("a new key")
        };
        backdate(&server, first.id, first.token, age_ms);
        let backdated = FencingToken(first.token.0 - age_ms * 1000);
        let ClaimOutcome::Acquired(again) = store.claim(id, request).await.unwrap() else {
            panic!("the same claim")
        };
        match keeps {
            true => assert_eq!(again.token, backdated),
            false => assert!(again.token > first.token),
        }
        let update = store.complete(again, completion("mine"), HOUR).await;
        assert_eq!(update.unwrap(), Update::Applied);
    }
}

/// If an operator deletes a record by hand, its key is free, and the claim of its old owner stays stale.
#[tokio::test]
async fn operator_may_delete_an_unknown_record() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let first = won(&store).await;
    let update =
        store.complete(first, Completion::unknown(UnknownReason::TimedOut), HOUR).await.unwrap();
    assert_eq!(update, Update::Applied);
    let found = server.cli(&["--scan", "--pattern", &format!("idem:default:{}*", first.id)]);
    assert_eq!(server.cli(&["getrange", found.trim(), "17", "17"]).trim().as_bytes(), [4]);
    server.cli(&["del", found.trim()]);
    let ClaimOutcome::Acquired(second) = store.claim(first.id, request()).await.unwrap() else {
        panic!("deleted")
    };
    let late = store.complete(first, completion("late"), HOUR).await.unwrap();
    assert!(matches!(late, Update::Stale(Some(found)) if found.state == State::Running));
    let own = store.complete(second, completion("own"), HOUR).await.unwrap();
    assert_eq!(own, Update::Applied);
}

/// Makes the clock sample of a plain claim older.
fn backdate(server: &RedisServer, id: RecordId, token: FencingToken, age_ms: u64) {
    let script = "return redis.call('SETRANGE', KEYS[1], 36, struct.pack('>I8', ARGV[1]))";
    let token = (token.0 - age_ms * 1000).to_string();
    server.cli(&["eval", script, "1", &key_name(id), &token]);
}

/// Lets the store take a clock sample, so that its next claims are plain.
async fn sample_clock(store: &RedisStore) {
    drop(store.claim(key(), request()).await.unwrap());
}
