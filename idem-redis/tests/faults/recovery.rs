//! Recoveries whose replies are lost, and recoveries across a restart of the server.

use std::time::Duration;

use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, StoreErrorKind, UnknownReason,
    Update,
};
use idem_redis::RedisStore;
use idem_testkit::servers::{Proxy, RedisServer, eventually};

use crate::network::behind;
use crate::support::{
    HOUR, completed, completion, error_kind, found, key, key_name, request, store,
};

fn recovering() -> ClaimRequest {
    request().with_recoverable(true)
}

/// Returns the claim of a run whose lease has ended.
async fn crashed(server: &RedisServer, store: &RedisStore) -> Claim {
    let claimed = store.claim(key(), recovering()).await.unwrap();
    let ClaimOutcome::Acquired(lost) = claimed else { panic!("{claimed:?}") };
    server.age("default", HOUR + Duration::from_secs(1));
    lost
}

/// The handler must not run for the repeated claim: the outcome of the first run is still unknown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_recovery_claim_reply_lost() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy).await;
    let lost = crashed(&server, &store).await;
    let request = recovering();
    proxy.cut_after(key_name(lost.id));
    let claimed = store.claim(lost.id, request.clone()).await;
    assert_eq!(error_kind(claimed), StoreErrorKind::Unknown);
    let again = store.claim(lost.id, request.clone()).await.unwrap();
    let ClaimOutcome::Recovering(claim, lost_run) = again else { panic!("{again:?}") };
    assert_eq!((claim.attempt, claim.nonce), (2, request.nonce), "it was begun once");
    assert_eq!((lost_run.reason(), lost_run.attempt()), (UnknownReason::Crashed, 1));
    assert!(lost_run.silent_for() >= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_resume_run_reply_lost() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let store = behind(&proxy).await;
    let lost = crashed(&server, &store).await;
    let request = recovering();
    let claimed = store.claim(lost.id, request.clone()).await.unwrap();
    let ClaimOutcome::Recovering(claim, _) = claimed else { panic!("{claimed:?}") };
    // The server has the script afterwards.
    assert_eq!(store.renew(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
    proxy.cut_after(key_name(lost.id));
    let resumed = store.resume_run(claim, HOUR, HOUR).await;
    assert_eq!(error_kind(resumed), StoreErrorKind::Unknown);
    assert_eq!(store.resume_run(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
    let again = store.claim(lost.id, request.clone()).await.unwrap();
    assert_eq!(again, ClaimOutcome::Acquired(claim));
    let update = store.complete(claim, completion("second run"), HOUR).await.unwrap();
    assert_eq!(update, Update::Applied);
    assert_eq!(store.claim(lost.id, request).await.unwrap(), completed("second run"));
}

/// The repeated call changes nothing: the silence counts from the first one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeated_unknown_outcome_keeps_its_silence() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let (store, direct) = (behind(&proxy).await, store(&server).await);
    let unknown = || Completion::unknown(UnknownReason::TimedOut);
    // The server has the script afterwards.
    let other = crashed(&server, &store).await;
    assert_eq!(store.complete(other, unknown(), HOUR).await.unwrap(), Update::Applied);
    let claim = crashed(&server, &store).await;
    proxy.cut_after(key_name(claim.id));
    let completed = store.complete(claim, unknown(), HOUR).await;
    assert_eq!(error_kind(completed), StoreErrorKind::Unknown);
    // The reply to a health check, which also ends the connection, can be earlier than the completion.
    let silence = async || found(&direct, claim.id).await.extras.silence();
    let first = eventually("silence of the first call", silence).await;
    assert_eq!(store.complete(claim, unknown(), HOUR).await.unwrap(), Update::Applied);
    assert_eq!(found(&store, claim.id).await.extras.silence(), Some(first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_redis_restarts_during_a_recovery() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = store(&server).await;
    let lost = crashed(&server, &store).await;
    let request = recovering();
    let claimed = store.claim(lost.id, request.clone()).await.unwrap();
    let ClaimOutcome::Recovering(claim, _) = claimed else { panic!("{claimed:?}") };
    server.restart();
    let claim_again = async || store.claim(lost.id, request.clone()).await.ok();
    let again = eventually("reply of the restarted server", claim_again).await;
    let ClaimOutcome::Recovering(same, lost_run) = again else { panic!("{again:?}") };
    assert_eq!(same, claim);
    assert_eq!((lost_run.reason(), lost_run.attempt()), (UnknownReason::Crashed, 1));
    let update = store.complete(claim, completion("found"), HOUR).await.unwrap();
    assert_eq!(update, Update::Applied);
    assert_eq!(store.claim(lost.id, request).await.unwrap(), completed("found"));
}
