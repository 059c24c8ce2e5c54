//! A claim stands before its scope is asked for room: what fails in between leaves no key that is nobody's.

use std::num::NonZeroU32;

use idem_core::store::{
    Capacity, ClaimOutcome, ClaimRequest, IdempotencyStore, Quota, ScopeId, StoreErrorKind, Update,
};
use idem_testkit::servers::RedisServer;

use crate::support::{failure, key, request, store, won};

/// A request of a scope that may have one key.
fn within_one() -> ClaimRequest {
    let scope = ScopeId::from_bytes([7; 32]);
    request().with_quota(Some(Quota { scope, max_keys: NonZeroU32::MIN }))
}

/// The engine gives back what it may have won.
#[tokio::test]
async fn room_that_cannot_be_asked_for_is_unknown() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    // From now on a claim needs no script, and its quota does.
    won(&store).await;
    let (id, request) = (key(), within_one());
    server.cli(&["acl", "setuser", "default", "-evalsha"]);
    assert_eq!(failure(store.claim(id, request).await), StoreErrorKind::Unknown);
    server.cli(&["acl", "setuser", "default", "+evalsha"]);
    assert_eq!(store.abandon(id, request.nonce).await.unwrap(), Update::Applied);
}

/// It is never sent again, so that what frees it cannot come too late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claim_without_room_is_given_back_in_the_end() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    assert!(matches!(store.claim(key(), within_one()).await.unwrap(), ClaimOutcome::Acquired(_)));
    server.cli(&["acl", "setuser", "default", "-del"]);
    assert_eq!(
        store.claim(key(), within_one()).await.unwrap(),
        ClaimOutcome::AtCapacity(Capacity::Scope)
    );
    // With the scope's own key.
    let records = ["eval", "return #redis.call('keys', 'idem:*:' .. string.rep('?', 64))", "0"];
    assert_eq!(server.cli(&records), "3");
    server.cli(&["acl", "setuser", "default", "+del"]);
    server.until(&records, |records| records == "2");
}
