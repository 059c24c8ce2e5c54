//! The commands of each transition: their number does not depend on the size of the body.

use idem_core::store::{
    ClaimOutcome, ExistingRecord, Fingerprint, IdempotencyStore, State, Update,
};
use idem_testkit::servers::RedisServer;

use crate::support::{HOUR, calls, completion, key, request, response, store, won};

#[tokio::test]
async fn first_execution_sends_two_commands_and_a_replay_one() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    won(&store).await;
    let claim = won(&store).await;
    drop(store.complete(claim, completion("known"), HOUR).await.unwrap());
    server.cli(&["config", "resetstat"]);

    for size in [0, 1 << 10, 1 << 20] {
        let id = key();
        let ClaimOutcome::Acquired(claim) = store.claim(id, request()).await.unwrap() else {
            panic!("a new key")
        };
        let update = store.complete(claim, completion(vec![7; size]), HOUR).await;
        assert_eq!(update.unwrap(), Update::Applied);
        let sent = calls(&server);
        let mut expected = vec![("evalsha", 1), ("getrange", 1), ("set", 2)];
        assert_eq!(sorted(&sent), expected, "SET; EVALSHA, which calls GETRANGE and SET");

        for _ in 0..5 {
            assert!(matches!(store.claim(id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
        }
        expected[2].1 += 5;
        assert_eq!(sorted(&calls(&server)), expected, "five more SET");
        server.cli(&["config", "resetstat"]);
    }
}

/// A duplicate sends the plain command first. Only the script can determine whether the lease has expired.
#[tokio::test]
async fn duplicate_of_running_record_sends_two_commands() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let claim = won(&store).await;
    server.cli(&["config", "resetstat"]);
    assert!(matches!(store.claim(claim.id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
    let calls = calls(&server);
    assert_eq!((calls["set"], calls["evalsha"]), (1, 1));
}

fn sorted(calls: &std::collections::HashMap<String, u64>) -> Vec<(&str, u64)> {
    let mut calls: Vec<_> = calls.iter().map(|(name, calls)| (&**name, *calls)).collect();
    calls.sort_unstable();
    calls
}

/// The other process has not cached the claim, so the script takes the fingerprint from the stored value.
#[tokio::test]
async fn another_process_completes_and_the_fingerprint_stays() {
    let server = RedisServer::start(&[]);
    let (one, two) = (store(&server).await, store(&server).await);
    let fingerprint = Some(Fingerprint::from_parts(1, [9; 32]));
    let id = key();
    let request = request().with_fingerprint(fingerprint);
    let ClaimOutcome::Acquired(claim) = one.claim(id, request.clone()).await.unwrap() else {
        panic!("a new key")
    };
    let update = two.complete(claim, completion("other"), HOUR).await.unwrap();
    assert_eq!(update, Update::Applied);
    let state = State::Completed(response("other"));
    let expected = ExistingRecord { fingerprint, state, recoverable_in: None };
    assert_eq!(one.claim(id, request).await.unwrap(), ClaimOutcome::Exists(expected));
}
