//! Unknown outcomes of a handler with `recover`: the next request asks the hook.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::app::Counts;
use crate::http::{Problem, Request, Response, Server};
use idem_conformance::{Fault, Kind};

/// The settle time of `/recover`.
const SETTLE: Duration = Duration::from_secs(3600);

/// The lease of `/recover`.
const LEASE: Duration = Duration::from_secs(30);

const RECHECK: Duration = Duration::from_secs(3600);

fn order(server: &Server, note: &str, script: &Value) -> Request {
    server.order("/recover", note).key(note).order_with(note, script)
}

/// Asserts that a later request can find the outcome out, after the rest of an hour.
#[track_caller]
fn assert_unknown_for_an_hour(response: &Response) {
    response.assert_problem(&Problem::OUTCOME_UNKNOWN_YET);
    let seconds: u64 = response.line("retry-after").parse().unwrap();
    assert!((1800..=3600).contains(&seconds), "{response:?}");
}

/// Asserts that the response shows the effect that the hook found.
#[track_caller]
fn assert_found(response: &Response, note: &str) {
    assert_eq!((response.status, response.is_replay()), (201, true), "{response:?}");
    let found: Value = serde_json::from_slice(&response.body).unwrap();
    let seq = found["seq"].as_u64().expect("a number");
    let expected = json!({
        "id": seq.to_string(), "amount": 100, "currency": "EUR", "note": note, "seq": seq,
    });
    assert_eq!(found, expected);
}

/// The hook finds the effect. Its response is stored, and the asking client gets it as a replay too.
pub async fn a_found_result_is_replayed_byte_for_byte(server: &Server) {
    for ends in [json!({ "status": 504 }), json!({ "panic": true })] {
        let note = ends.to_string().replace('"', "'");
        let order = order(server, &note, &ends);
        let first = order.send().await;
        assert!(first.status >= 500 && !first.is_replay(), "its own client gets the failure");
        let found = order.send().await;
        assert_found(&found, &note);
        order.send().await.assert_replay_of(&found);
        order.send().await.assert_replay_of(&found);
        server.assert_counts(&note, Counts { attempts: 1, effects: 1, hooks: 1 });
    }
}

/// With `recover`, the response to a panic tells the client to retry.
pub async fn a_panic_of_a_recoverable_handler_is_retryable(server: &Server) {
    let first = order(server, "n", &json!({ "panic": true })).send().await;
    first.assert_executed(500);
    let document: Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!(document["retryable"], true);
    assert!(first.mentions("Retry with the same key"), "{first:?}");
}

/// The provider may still queue the lost request, so "nothing happened" counts only after the settle time.
pub async fn nothing_happened_counts_after_the_settle_time(server: &Server) {
    let order = order(server, "n", &json!({ "status": 504, "effect": "none", "once": true }));
    order.send().await.assert_executed(504);
    for _ in 0..2 {
        assert_unknown_for_an_hour(&order.send().await);
    }
    let asked_once = Counts { attempts: 1, effects: 0, hooks: 1 };
    server.assert_counts("n", asked_once);

    server.advance_clock(SETTLE);
    let second = order.send().await;
    order.send().await.assert_replay_of(second.assert_executed(201));
    server.assert_counts("n", Counts { attempts: 2, effects: 1, hooks: 2 });
}

/// The provider applies the lost request late, usually after the hook has asked for the first time.
pub async fn a_late_effect_is_found(server: &Server) {
    let script = json!({ "status": 504, "effect": "none", "late_ms": 200 });
    let order = order(server, "n", &script);
    order.send().await.assert_executed(504);
    let mut found = order.send().await;
    while server.ledger.counts("n").effects == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    if found.status == 409 {
        found.assert_problem(&Problem::OUTCOME_UNKNOWN_YET);
        server.advance_clock(SETTLE);
        found = order.send().await;
    }
    assert_found(&found, "n");
    order.send().await.assert_replay_of(&found);
    let Counts { attempts, effects, .. } = server.ledger.counts("n");
    assert_eq!((attempts, effects), (1, 1));
}

/// The hook is asked again after the recheck time, and not before.
pub async fn an_inconclusive_hook_is_asked_again(server: &Server) {
    let server = server.with(|builder| builder.recheck(RECHECK)).await;
    for (hook, note) in [("unknown", "inconclusive"), ("panic", "panicking")] {
        let order = order(&server, note, &json!({ "status": 504, "hook": hook }));
        order.send().await.assert_executed(504);
        for hooks in [1, 2] {
            let asked = order.send().await;
            assert_unknown_for_an_hour(&asked);
            assert!(!asked.mentions("as instructed"), "{asked:?}");
            assert_unknown_for_an_hour(&order.send().await);
            server.assert_counts(note, Counts { attempts: 1, effects: 1, hooks });
            server.advance_clock(RECHECK);
        }
    }
}

/// Contradicting data end the recovery: a person must resolve it.
pub async fn a_disputed_outcome_is_not_asked_about_again(server: &Server) {
    let order = order(server, "n", &json!({ "status": 504, "hook": "disputed" }));
    order.send().await.assert_executed(504);
    for _ in 0..2 {
        let disputed = order.send().await;
        assert!(!disputed.assert_problem(&Problem::OUTCOME_UNKNOWN).mentions("the amount differs"));
        server.advance_clock(SETTLE);
    }
    server.assert_counts("n", Counts { attempts: 1, effects: 1, hooks: 1 });
}

/// A run loses its lease in the store, and is recovered while it is still running. Its client gets the accepted result.
pub async fn a_run_that_loses_its_lease_is_recovered(server: &Server) {
    let order = order(server, "n", &json!({ "gate": true }));
    let first = order.spawn();
    let gate = server.service.gate("n");
    gate.reached().await;
    order.send().await.assert_problem(&Problem::IN_PROGRESS);
    // A slow test must not see a renewed lease.
    server.faults.inject([Kind::Renew], Fault::Down);
    server.advance_clock(LEASE);
    let found = order.send().await;
    assert_found(&found, "n");
    gate.open();
    first.await.unwrap().assert_replay_of(&found);
    order.send().await.assert_replay_of(&found);
    server.assert_counts("n", Counts { attempts: 1, effects: 1, hooks: 1 });
}

/// One recovery for many duplicates of an unknown outcome.
pub async fn concurrent_duplicates_ask_once(server: &Server) {
    for round in 0..20 {
        let note = format!("round {round}");
        let order = order(server, &note, &json!({ "status": 504 }));
        order.send().await.assert_executed(504);
        let mut sent = JoinSet::new();
        for _ in 0..64 {
            let order = order.clone();
            sent.spawn(async move { order.send().await });
        }
        for response in sent.join_all().await {
            match response.status {
                409 => _ = response.assert_problem(&Problem::IN_PROGRESS),
                // The caller gets this if a busy store needs longer than two seconds.
                503 => _ = response.assert_problem(&Problem::STORE_UNAVAILABLE),
                _ => assert_found(&response, &note),
            }
        }
        assert_found(&order.send_until_settled().await, &note);
        server.assert_counts(&note, Counts { attempts: 1, effects: 1, hooks: 1 });
    }
}

/// Another request under the key does not enter the hook.
pub async fn another_request_is_not_recovered(server: &Server) {
    let order = order(server, "n", &json!({ "status": 504 }));
    order.send().await.assert_executed(504);
    order.clone().order("other").send().await.assert_problem(&Problem::KEY_REUSED);
    server.assert_counts("n", Counts { attempts: 1, effects: 1, hooks: 0 });
    server.assert_counts("other", Counts::default());
    assert_found(&order.send().await, "n");
}

/// The handler takes a downstream key, so no status of its response frees the key. The hook is asked instead.
pub async fn a_status_that_frees_keys_is_asked_about(server: &Server) {
    let order = order(server, "n", &json!({ "status": 503 }));
    order.send().await.assert_executed(503);
    assert_found(&order.send().await, "n");
    server.assert_counts("n", Counts { attempts: 1, effects: 1, hooks: 1 });
}

/// The store began a recovery, and its reply was lost: the repeated claim is a recovery too.
pub async fn a_recovery_whose_reply_is_lost_is_a_recovery(server: &Server) {
    for fault in [Fault::LostReply, Fault::Twice] {
        let note = format!("{fault:?}");
        let order = order(server, &note, &json!({ "status": 504 }));
        order.send().await.assert_executed(504);
        server.faults.inject_next(1, [Kind::Claim], fault);
        assert_found(&order.send().await, &note);
        server.assert_counts(&note, Counts { attempts: 1, effects: 1, hooks: 1 });
    }
}

/// The handler runs again only after the store has accepted that nothing happened. The call is repeated.
pub async fn a_resumed_run_whose_reply_is_lost_starts_once(server: &Server) {
    for fault in [Fault::Down, Fault::LostReply, Fault::Twice] {
        let note = format!("{fault:?}");
        let script = json!({ "status": 504, "effect": "none", "once": true });
        let order = order(server, &note, &script);
        order.send().await.assert_executed(504);
        server.advance_clock(SETTLE);
        server.faults.inject_next(1, [Kind::ResumeRun], fault);
        order.send().await.assert_executed(201);
        server.assert_counts(&note, Counts { attempts: 2, effects: 1, hooks: 1 });
    }
}
