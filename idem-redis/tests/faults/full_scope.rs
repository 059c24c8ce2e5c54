//! A full scope: a claim without room checks few keys, and a background task finds the others that expired.

use std::num::NonZeroU32;
use std::time::Instant;

use futures_util::future::join_all;
use idem_core::store::{
    Capacity, Claim, ClaimOutcome, ClaimRequest, IdempotencyStore, Quota, ScopeId, Update,
};
use idem_redis::RedisStore;
use idem_testkit::servers::{RedisServer, eventually};

use crate::support::{calls, key, request, store, won};

/// More keys than a claim and a page of the background task check.
const KEYS: u32 = 600;

const FULL: ClaimOutcome = ClaimOutcome::AtCapacity(Capacity::Scope);

fn request_with_quota() -> ClaimRequest {
    request_in(7)
}

fn request_in(scope: u8) -> ClaimRequest {
    let scope = ScopeId::from_bytes([scope; 32]);
    request().with_quota(Some(Quota { scope, max_keys: NonZeroU32::new(KEYS).unwrap() }))
}

async fn fill(store: &RedisStore) -> Vec<Claim> {
    fill_scope(store, 7).await
}

async fn fill_scope(store: &RedisStore, scope: u8) -> Vec<Claim> {
    let mut claims = Vec::new();
    for _ in 0..KEYS {
        match store.claim(key(), request_in(scope)).await.unwrap() {
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
    let started = Instant::now();
    for _ in 0..10 {
        assert_eq!(store.claim(key(), request_with_quota()).await.unwrap(), FULL);
    }
    // The 64 oldest keys may be checked again every second.
    let most = u64::from(KEYS) / 2 + 64 * started.elapsed().as_secs();
    let scripts = calls(&server)["evalsha"];
    assert!(scripts < most, "{scripts} scripts for 10 refusals, and not fewer than {most}");
}

/// The youngest key is the last one that is checked.
#[tokio::test]
async fn freed_key_that_is_young_makes_room_eventually() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let youngest = fill(&store).await.pop().unwrap();
    assert_eq!(store.release(youngest).await.unwrap(), Update::Applied);
    eventually("room in the scope", async || {
        match store.claim(key(), request_with_quota()).await.unwrap() {
            ClaimOutcome::Acquired(_) => Some(()),
            outcome => {
                assert_eq!(outcome, FULL);
                None
            }
        }
    })
    .await;
    assert_eq!(store.claim(key(), request_with_quota()).await.unwrap(), FULL);
}

/// The keys of several full scopes must be checked. Claims of other scopes wait for a few of these checks only, because
/// one scope is checked at a time and few of its keys concurrently. The test has one thread, so the checks stop while it
/// asks the server for its counts.
#[tokio::test]
async fn full_scopes_do_not_delay_unrelated_claims() {
    const SCOPES: u8 = 8;
    const CLAIMS: u64 = 10;
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    join_all((0..SCOPES).map(|scope| fill_scope(&store, scope))).await;
    let refused = (0..SCOPES).map(|scope| store.claim(key(), request_in(scope)));
    for outcome in join_all(refused).await {
        assert_eq!(outcome.unwrap(), FULL);
    }
    let scripts = || calls(&server)["evalsha"];
    let before = scripts();
    for _ in 0..CLAIMS {
        won(&store).await;
    }
    let meanwhile = scripts() - before;
    println!("{meanwhile} scripts during {CLAIMS} claims");
    assert!(meanwhile > CLAIMS, "{meanwhile} scripts: no scope was checked");
    assert!(meanwhile < CLAIMS * 64, "{meanwhile} scripts during {CLAIMS} claims");
}
