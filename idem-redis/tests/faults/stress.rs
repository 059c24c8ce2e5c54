//! Concurrent runs on leases that are too short, and calls that are dropped.

use std::sync::Arc;
use std::time::Duration;

use idem_conformance::stress;
use idem_core::Guarantee;
use idem_core::store::{Claim, ClaimNonce, Extras, FencingToken, Record, State};
use idem_redis::deadpool_redis::redis;
use idem_testkit::servers::RedisServer;

use crate::support::{key_name, response, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_has_two_accepted_results() {
    let server = RedisServer::start(&[]);
    stress::no_key_has_two_accepted_results(store(&server).await).await;
}

/// Without the owner check in the script, the stress test above finds contradictions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_owner_check_keys_have_two_results() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let check = "string.sub(known, 11) == string.sub(ARGV[1], 11)";
    let script = include_str!("../../src/scripts/complete.lua");
    let unchecked = Arc::new(redis::Script::new(
        &script.replace(check, "true").replace("state == 1 or state == 4", "true"),
    ));
    assert!(script.contains(check) && script.contains("state == 1 or state == 4"));
    let client = redis::Client::open(server.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let complete = move |claim: Claim, body| {
        let (script, mut connection) = (Arc::clone(&unchecked), connection.clone());
        async move {
            let mut call = script.prepare_invoke();
            let mut value = vec![1_u8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            value.extend(completed(body));
            call.key(key_name(claim.id));
            call.arg(&[0_u8; 34][..]).arg(&value[..]).arg(3_600_000);
            call.invoke_async::<i32>(&mut connection).await.unwrap() == 1
        }
    };
    assert!(stress::contradictions(&store, complete).await > 0);
}

fn completed(body: String) -> bytes::Bytes {
    let record = Record {
        nonce: ClaimNonce::random(),
        token: FencingToken(1),
        attempt: 1,
        guarantee: Guarantee::AtLeastOnce,
        recoverable: false,
        fingerprint: None,
        extras: Extras::default(),
        state: State::Completed(response(body)),
    };
    record.to_bytes()
}

/// A reply never reaches the wrong call, although calls are dropped at every point. A tenant would otherwise
/// get the response of another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_dropped_call_on_shared_connection_does_not_mix_replies() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    stress::dropped_calls_do_not_mix_up_replies(store, 50, 2_000, Duration::from_millis(2)).await;
}
