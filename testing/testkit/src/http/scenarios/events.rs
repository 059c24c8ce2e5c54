//! The events for observers: one for each request.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use idem_core::observe::{Event, Observer};
use serde_json::json;

use crate::app::{MAX_REQUEST, MAX_RESPONSE};
use crate::http::{Problem, Response, Server};

/// The events of calls, as operation, outcome, result and record.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<Call>>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    operation: String,
    /// The outcome, and the result of a run.
    outcome: String,
    status: u16,
    record: Option<String>,
}

impl Observer for Calls {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Call { operation, outcome, result, status, record, .. } = event {
            let result = result.map(|result| format!(" {}", result.name())).unwrap_or_default();
            self.0.lock().unwrap().push(Call {
                operation: (*operation).to_owned(),
                outcome: format!("{outcome}{result}"),
                status: *status,
                record: record.map(|record| record.to_string()),
            });
        }
    }
}

impl Calls {
    fn forget_all_but_last(&self) {
        let mut calls = self.0.lock().unwrap();
        let earlier = calls.len() - 1;
        calls.drain(..earlier);
    }

    /// Asserts that `response` led to one event, and that no other event happened since the last call.
    #[track_caller]
    fn assert_one(&self, operation: &str, outcome: &str, response: &Response) {
        let calls = std::mem::take(&mut *self.0.lock().unwrap());
        let [call] = &calls[..] else { panic!("{operation}, {outcome}: {calls:?}") };
        assert_eq!((&*call.operation, &*call.outcome), (operation, outcome));
        assert_eq!(call.status, response.status, "{call:?}");
        let problem = response.lines("idempotency-refused");
        if let [slug] = problem[..] {
            assert_eq!(slug, outcome.as_bytes());
            assert_eq!(response.record(), call.record, "the same record in the response");
        }
    }
}

async fn observed(server: &Server) -> (Server, Calls) {
    let calls = Calls::default();
    let observer = calls.clone();
    (server.with(|builder| builder.observer(observer)).await, calls)
}

/// Each outcome of a claim.
pub async fn each_request_is_one_event(server: &Server) {
    let (server, calls) = observed(server).await;
    let operation = "POST /payments";
    let order = server.order("/payments", "n").key("k");
    calls.assert_one(operation, "executed success", &order.send().await);
    calls.assert_one(operation, "replayed", &order.send().await);
    let reused = order.clone().order("another").send().await;
    calls.assert_one(operation, "key-reused", reused.assert_problem(&Problem::KEY_REUSED));

    let scripted =
        |key: &str, script| server.order("/payments", "").key(key).order_with(key, &script);
    let declined = scripted("declined", json!({ "status": 402 })).send().await;
    calls.assert_one(operation, "executed failed", &declined);
    let freed = scripted("freed", json!({ "status": 503 })).send().await;
    calls.assert_one(operation, "executed released", &freed);
    let panicked = scripted("panicked", json!({ "panic": true })).send().await;
    calls.assert_one(operation, "executed panicked", &panicked);

    let large = scripted("large", json!({ "size": MAX_RESPONSE + 1 }));
    calls.assert_one(operation, "executed success", &large.send().await);
    calls.assert_one(operation, "result-unavailable", &large.send().await);

    let gated = scripted("gated", json!({ "gate": true }));
    let running = gated.spawn();
    server.service.gate("gated").reached().await;
    let in_progress = gated.send().await;
    calls.assert_one(operation, "in-progress", in_progress.assert_problem(&Problem::IN_PROGRESS));
    server.service.gate("gated").open();
    calls.assert_one(operation, "executed success", &running.await.unwrap());

    let too_long =
        server.order("/max-run", "").key("k").order_with("long", &json!({ "gate": true }));
    let unknown = too_long.send().await;
    calls.assert_one("POST /max-run", "outcome-unknown", &unknown);
    // A retry can come before the store has the outcome.
    let retried = too_long.send_until_settled().await;
    calls.forget_all_but_last();
    calls.assert_one("POST /max-run", "outcome-unknown", &retried);

    let refused = server.idempotency.drain(Duration::ZERO).await;
    let _ = refused;
    let draining = order.send().await;
    calls.assert_one(operation, "store-unavailable", &draining);
}

/// These requests have no record yet, but an operation.
pub async fn each_refusal_before_the_store_is_one_event(server: &Server) {
    let (server, calls) = observed(server).await;
    let operation = "POST /payments";
    let order = server.order("/payments", "n");
    calls.assert_one(operation, "key-missing", &order.send().await);
    calls.assert_one(operation, "key-invalid", &order.clone().key_line("\"").send().await);
    let large = order.clone().body("application/json", vec![b' '; MAX_REQUEST + 1]).key("k");
    calls.assert_one(operation, "body-too-large", &large.send().await);
    let nested = server.order("/shops/berlin/payments", "n");
    calls.assert_one("POST /shops/{shop}/payments", "key-missing", &nested.send().await);
    let unguarded = server.order("/notes", "n").send().await;
    unguarded.assert_executed(201);
    assert_eq!(*calls.0.lock().unwrap(), [], "an unguarded request is no call");
}

struct Panicking;

impl Observer for Panicking {
    fn observe(&self, _: &Event<'_>) {
        panic!("in an observer");
    }
}

/// Neither a request that runs nor one that is refused.
pub async fn a_panicking_observer_affects_no_request(server: &Server) {
    let server = server.with(|builder| builder.observer(Panicking)).await;
    let order = server.order("/payments", "n").key("k");
    let first = order.send().await;
    order.send().await.assert_replay_of(first.assert_executed(201));
    let missing = server.order("/payments", "n").send().await;
    missing.assert_problem(&Problem::KEY_MISSING);
    server.assert_runs("n", 1);
}
