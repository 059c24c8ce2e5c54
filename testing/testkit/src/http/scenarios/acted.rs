//! Runs that took a downstream key or confirmed their claim: no status of their response frees the key.

use serde_json::{Value, json};

use crate::http::{Request, Server};

/// The statuses that free a key.
const RELEASING: [u16; 8] = [401, 403, 407, 408, 421, 425, 429, 503];

fn order(server: &Server, script: &Value) -> (String, Request) {
    let note = script.to_string().replace('"', "'");
    let order = server.order("/acted", &note).key(&note).order_with(&note, script);
    (note, order)
}

async fn assert_held(server: &Server, status: u16, script: &Value) {
    let (note, order) = order(server, script);
    let first = order.send().await;
    order.send().await.assert_replay_of(first.assert_executed(status));
    server.assert_runs(&note, 1);
}

async fn assert_freed(server: &Server, status: u16, script: &Value) {
    let (note, order) = order(server, script);
    order.send().await.assert_executed(status);
    let second = order.send().await;
    order.send().await.assert_replay_of(second.assert_executed(201));
    server.assert_runs(&note, 2);
}

/// The run may have had an effect, so its response is stored and replayed.
pub async fn no_status_frees_the_key_of_an_acted_run(server: &Server) {
    for status in RELEASING {
        for act in ["downstream", "confirm"] {
            assert_held(server, status, &json!({ "act": act, "status": status })).await;
        }
    }
}

/// A run on the same route that did neither frees its key.
pub async fn a_status_frees_the_key_of_a_run_that_did_not_act(server: &Server) {
    for status in RELEASING {
        let script = json!({ "act": "none", "status": status, "once": true });
        assert_freed(server, status, &script).await;
    }
}

/// A declared outcome is obeyed, whatever the run did before.
pub async fn a_declared_outcome_is_obeyed_after_an_act(server: &Server) {
    for act in ["downstream", "confirm"] {
        for status in [503, 500] {
            let script = |outcome: &str| json!({ "act": act, "status": status, "outcome": outcome, "once": true });
            assert_freed(server, status, &script("not-executed")).await;
            assert_held(server, status, &script("final")).await;
        }
    }
}

/// A confirmation renews the lease, which is one more store call.
pub async fn a_confirmation_is_one_store_call(server: &Server) {
    for (act, renewals) in [("none", 0), ("downstream", 0), ("confirm", 1)] {
        let before = server.faults.calls();
        order(server, &json!({ "act": act })).1.send().await.assert_executed(201);
        let calls = server.faults.calls();
        assert_eq!(calls.renew - before.renew, renewals, "{act}");
        assert_eq!(calls.total() - before.total(), 2 + renewals, "{act}");
    }
}
