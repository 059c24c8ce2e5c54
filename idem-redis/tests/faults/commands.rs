//! What is sent: one command for each transition, whatever the body's size.

use idem_core::store::{ClaimOutcome, IdempotencyStore, Update};
use idem_testkit::servers::RedisServer;

use crate::support::{answered, calls, key, request, store, won};

#[tokio::test]
async fn first_execution_sends_two_commands_and_a_replay_one() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    won(&store).await;
    let body = won(&store).await;
    drop(store.complete(body, answered("known"), crate::support::HOUR).await.unwrap());
    server.cli(&["config", "resetstat"]);

    for size in [0, 1 << 10, 1 << 20] {
        let id = key();
        let ClaimOutcome::Acquired(claim) = store.claim(id, request()).await.unwrap() else {
            panic!("a new key")
        };
        let concluded = store.complete(claim, answered(vec![7; size]), crate::support::HOUR).await;
        assert_eq!(concluded.unwrap(), Update::Applied);
        let ours = calls(&server);
        let mut expected = vec![("evalsha", 1), ("getrange", 1), ("set", 2)];
        assert_eq!(sorted(&ours), expected, "SET; EVALSHA, which calls GETRANGE and SET");

        for _ in 0..5 {
            assert!(matches!(store.claim(id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
        }
        expected[2].1 += 5;
        assert_eq!(sorted(&calls(&server)), expected, "five more SET");
        server.cli(&["config", "resetstat"]);
    }
}

/// The conflict path looks twice; only the script can tell the age of a lease.
#[tokio::test]
async fn duplicate_of_a_run_sends_two_commands() {
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

/// A process that did not make the claim concludes it all the same, and the fingerprint stays.
#[tokio::test]
async fn another_process_may_conclude() {
    let server = RedisServer::start(&[]);
    let (one, two) = (store(&server).await, store(&server).await);
    let print = Some(idem_core::store::Fingerprint::from_parts(1, [9; 32]));
    let id = key();
    let request = request().with_fingerprint(print);
    let ClaimOutcome::Acquired(claim) = one.claim(id, request).await.unwrap() else {
        panic!("new")
    };
    let concluded = two.complete(claim, answered("there"), crate::support::HOUR).await.unwrap();
    assert_eq!(concluded, Update::Applied);
    let state = idem_core::store::State::Completed(crate::support::answer("there"));
    let expected = idem_core::store::ExistingRecord { fingerprint: print, state };
    assert_eq!(one.claim(id, request).await.unwrap(), ClaimOutcome::Exists(expected));
}
