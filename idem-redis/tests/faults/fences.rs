//! Fences grow over all owners of a key, whichever way they claimed (I5).

use std::time::Duration;

use idem_core::store::{ClaimOutcome, Completion, FencingToken, IdempotencyStore, State, Update};
use idem_redis::RedisStore;
use idem_testkit::servers::RedisServer;

use crate::support::{answered, key, request, store, won};

/// Two processes hear the server's time at different moments, and free the key in turn.
#[tokio::test]
async fn two_processes_never_go_back() {
    let server = RedisServer::start(&[]);
    let early = store(&server).await;
    let late = store(&server).await;
    warm(&early).await;
    warm(&late).await;
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

/// A ttl shorter than the time for which fences are remembered ends on time, and the fence is still known.
#[tokio::test]
async fn short_ttl_ends_but_its_fence_is_remembered() {
    let server = RedisServer::start(&[]);
    let early = store(&server).await;
    let late = store(&server).await;
    warm(&early).await;
    warm(&late).await;
    let id = key();
    let ClaimOutcome::Acquired(first) = late.claim(id, request()).await.unwrap() else {
        panic!("new")
    };
    let ttl = Duration::from_millis(50);
    assert_eq!(late.complete(first, answered("brief"), ttl).await.unwrap(), Update::Applied);
    tokio::time::sleep(ttl * 2).await;
    let ClaimOutcome::Acquired(second) = early.claim(id, request()).await.unwrap() else {
        panic!("expired")
    };
    assert!(second.token > first.token);
    assert_eq!(second.attempt, 1);
}

/// A plain claim whose answer was lost, and that was carried out long after it heard the time, gets a
/// new fence when it is sent again; one that was carried out soon keeps its own.
#[tokio::test]
async fn late_plain_claim_gets_a_new_fence() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    warm(&store).await;
    for (age_ms, keeps) in [(0, true), (20_000, true), (40_000, false)] {
        let (id, request) = (key(), request());
        let ClaimOutcome::Acquired(first) = store.claim(id, request).await.unwrap() else {
            panic!("new")
        };
        backdate(&server, first.id, first.token, age_ms);
        let backdated = FencingToken(first.token.0 - age_ms * 1000);
        let ClaimOutcome::Acquired(again) = store.claim(id, request).await.unwrap() else {
            panic!("mine")
        };
        match keeps {
            true => assert_eq!(again.token, backdated),
            false => assert!(again.token > first.token),
        }
        let concluded = store.complete(again, answered("mine"), crate::support::HOUR).await;
        assert_eq!(concluded.unwrap(), Update::Applied);
    }
}

/// What the README tells an operator to do about an unknown outcome: the key is free, and its old owner
/// is still a stranger to it.
#[tokio::test]
async fn unknown_record_may_be_deleted_by_hand() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let first = won(&store).await;
    let unknown = Completion::Unknown;
    assert_eq!(
        store.complete(first, unknown, crate::support::HOUR).await.unwrap(),
        Update::Applied
    );
    let found = server.cli(&["--scan", "--pattern", &format!("idem:default:{}*", first.id)]);
    assert_eq!(server.cli(&["getrange", found.trim(), "17", "17"]).trim().as_bytes(), [4]);
    server.cli(&["del", found.trim()]);
    let ClaimOutcome::Acquired(second) = store.claim(first.id, request()).await.unwrap() else {
        panic!("deleted")
    };
    let late = store.complete(first, answered("late"), crate::support::HOUR).await.unwrap();
    assert!(matches!(late, Update::Stale(Some(standing)) if standing.state == State::Running));
    let own = store.complete(second, answered("own"), crate::support::HOUR).await.unwrap();
    assert_eq!(own, Update::Applied);
}

/// Makes a plain claim look as if its fence had been heard that much earlier.
fn backdate(
    server: &RedisServer,
    id: idem_core::store::RecordId,
    fence: FencingToken,
    age_ms: u64,
) {
    let hex: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let script = "return redis.call('SETRANGE', KEYS[1], 36, struct.pack('>I8', ARGV[1]))";
    let fence = (fence.0 - age_ms * 1000).to_string();
    server.cli(&["eval", script, "1", &format!("idem:default:{hex}"), &fence]);
}

/// Lets the store hear the time, so that its next claims are plain.
async fn warm(store: &RedisStore) {
    drop(store.claim(key(), request()).await.unwrap());
}
