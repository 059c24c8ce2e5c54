//! A full scope: a claim without room checks few keys, and a background task finds the others that expired.

use std::num::NonZeroU32;
use std::time::Duration;

use idem_core::store::{
    Capacity, Claim, ClaimOutcome, ClaimRequest, IdempotencyStore, Quota, ScopeId, Update,
};
use idem_redis::RedisStore;
use idem_testkit::servers::RedisServer;

use crate::support::{calls, key, request, store};

/// More keys than a claim and a page of the background task check.
const KEYS: u32 = 600;

const FULL: ClaimOutcome = ClaimOutcome::AtCapacity(Capacity::Scope);

fn request_with_quota() -> ClaimRequest {
    let scope = ScopeId::from_bytes([7; 32]);
    request().with_quota(Some(Quota { scope, max_keys: NonZeroU32::new(KEYS).unwrap() }))
}

async fn fill(store: &RedisStore) -> Vec<Claim> {
    let mut claims = Vec::new();
    for _ in 0..KEYS {
        match store.claim(key(), request_with_quota()).await.unwrap() {
            ClaimOutcome::Acquired(claim) => claims.push(claim),
            other => panic!("{other:?}"),
        }
    }
    claims
}

#[tokio::test]
async fn claim_without_room_checks_few_keys() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    fill(&store).await;
    // The background task does nothing while another process checks the scope.
    let mark = format!("idem:default:scope:{}:recounting", "07".repeat(32));
    server.cli(&["set", &mark, "1"]);
    server.cli(&["config", "resetstat"]);
    for _ in 0..10 {
        assert_eq!(store.claim(key(), request_with_quota()).await.unwrap(), FULL);
    }
    let scripts = calls(&server)["evalsha"];
    assert!(scripts < u64::from(KEYS) / 2, "{scripts} scripts for 10 refusals");
}

/// The youngest key is the last one that is checked.
#[tokio::test]
async fn freed_key_that_is_young_makes_room_eventually() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let youngest = fill(&store).await.pop().unwrap();
    assert_eq!(store.release(youngest).await.unwrap(), Update::Applied);
    loop {
        match store.claim(key(), request_with_quota()).await.unwrap() {
            ClaimOutcome::Acquired(_) => break,
            outcome => assert_eq!(outcome, FULL),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(store.claim(key(), request_with_quota()).await.unwrap(), FULL);
}
