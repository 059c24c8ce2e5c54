//! A key is claimed before its scope is checked for room. A failure in between must not leave a claim
//! without an owner.

use std::num::NonZeroU32;
use std::time::Duration;

use idem_core::store::{
    Capacity, ClaimOutcome, ClaimRequest, IdempotencyStore, Quota, ScopeId, StoreErrorKind, Update,
};
use idem_testkit::servers::{RedisServer, eventually};

use crate::support::{HOUR, error_kind, key, request, store, won};

/// A request of a scope that allows one key.
fn request_with_quota() -> ClaimRequest {
    let scope = ScopeId::from_bytes([7; 32]);
    request().with_quota(Some(Quota { scope, max_keys: NonZeroU32::MIN }))
}

/// The result is unknown, so the engine abandons the claim.
#[tokio::test]
async fn claim_whose_quota_check_fails_is_unknown() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    // Later claims need no script, but their quota does.
    won(&store).await;
    let (id, request) = (key(), request_with_quota());
    server.cli(&["acl", "setuser", "default", "-evalsha"]);
    assert_eq!(error_kind(store.claim(id, request.clone()).await), StoreErrorKind::Unknown);
    server.cli(&["acl", "setuser", "default", "+evalsha"]);
    assert_eq!(store.abandon(id, request.nonce).await.unwrap(), Update::Applied);
}

/// The claim is never repeated, so the release in the background cannot free a later claim.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claim_without_room_is_given_back_eventually() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    assert!(matches!(
        store.claim(key(), request_with_quota()).await.unwrap(),
        ClaimOutcome::Acquired(_)
    ));
    server.cli(&["acl", "setuser", "default", "-del"]);
    assert_eq!(
        store.claim(key(), request_with_quota()).await.unwrap(),
        ClaimOutcome::AtCapacity(Capacity::Scope)
    );
    // One record of the first claim, one of the second, and the set of the scope.
    let records = ["eval", "return #redis.call('keys', 'idem:*:' .. string.rep('?', 64))", "0"];
    assert_eq!(server.cli(&records), "3");
    server.cli(&["acl", "setuser", "default", "+del"]);
    server.until(&records, |records| records == "2");
}

/// The set must not be forgotten before a record that it counts. A record with an unknown outcome exists for `hold`.
#[tokio::test]
async fn set_of_a_scope_outlives_unknown_outcomes() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let mut request = request_with_quota();
    request.hold = HOUR * 24 * 90;
    assert!(matches!(store.claim(key(), request).await.unwrap(), ClaimOutcome::Acquired(_)));
    let set = format!("idem:default:scope:{}", "07".repeat(32));
    let left: u128 = server.cli(&["pttl", &set]).parse().unwrap();
    assert!(left > (HOUR * 24 * 90).as_millis(), "{left} ms");
}

/// A recovered record lives for another `hold`, and so must the set that counts it.
#[tokio::test]
async fn set_of_a_scope_outlives_recovered_records() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let request = || {
        let mut request = request_with_quota().with_recoverable(true);
        request.lease = Duration::from_millis(1);
        request
    };
    let id = key();
    assert!(matches!(store.claim(id, request()).await.unwrap(), ClaimOutcome::Acquired(_)));
    let set = format!("idem:default:scope:{}", "07".repeat(32));
    server.cli(&["pexpire", &set, "60000"]);
    eventually("recovery of the record", async || {
        let claimed = store.claim(id, request()).await.unwrap();
        matches!(claimed, ClaimOutcome::Recovering(..)).then_some(())
    })
    .await;
    let left: u128 = server.cli(&["pttl", &set]).parse().unwrap();
    assert!(left > HOUR.as_millis(), "{left} ms");
}
