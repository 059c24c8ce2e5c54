//! Graceful shutdown of a process.

use std::pin::pin;
use std::time::Duration;

use futures_util::poll;
use idem_core::Drained;
use serde_json::json;

use crate::app::Counts;
use crate::http::{Closing, Problem, Request, Server};

const LONG: Duration = Duration::from_secs(600);

fn gated(server: &Server) -> Request {
    server
        .order("/payments", "n")
        .key("k")
        .order_with("n", &json!({ "gate": true, "effect": "after" }))
}

/// The drain waits for a run in progress. Its response is sent and stored.
pub async fn a_drain_waits_for_active_runs(server: &Server) {
    let order = gated(server);
    let first = order.spawn();
    let gate = server.service.gate("n");
    gate.reached().await;
    let mut drain = pin!(server.idempotency.drain(LONG));
    assert!(poll!(&mut drain).is_pending(), "the drain ended too early");
    gate.open();
    assert_eq!(drain.await, Drained::Finished);
    let first = first.await.unwrap();
    first.assert_executed(201);
    gated(&server.sibling().await).send().await.assert_replay_of(&first);
}

/// Every guarded request during a drain gets 503 and makes no claim. Unguarded requests still run.
pub async fn a_drain_refuses_new_requests(server: &Server) {
    let known = server.order("/payments", "known").key("known");
    known.send().await.assert_executed(201);
    assert_eq!(server.idempotency.drain(LONG).await, Drained::Finished);
    for request in [&known, &server.order("/payments", "new").key("new")] {
        let response = server.untouched(request).await;
        response.assert_problem(&Problem::STORE_UNAVAILABLE);
    }
    server.order("/notes", "plain").send().await.assert_executed(201);
    server.assert_runs("known", 1);
    server.assert_runs("new", 0);
}

/// The client of the run has disconnected, so the server itself would not wait for it.
pub async fn a_drain_waits_for_runs_without_a_client(server: &Server) {
    let old = server.sibling().await;
    let raw = gated(&old).send_raw().await;
    let (service, ledger) = (old.service.clone(), old.ledger.clone());
    let gate = service.gate("n");
    gate.reached().await;
    raw.close(Closing::Rst).await;
    service.until_present(0).await;
    let mut end = pin!(old.shut_down(LONG));
    assert!(poll!(&mut end).is_pending(), "the drain ended too early");
    gate.open();
    assert_eq!(end.await, Drained::Finished);
    assert_eq!(ledger.counts("n"), Counts { attempts: 1, effects: 1, hooks: 0 });
    let retry = gated(server).send().await;
    assert_eq!((retry.status, retry.is_replay()), (201, true), "{retry:?}");
}

/// A run that exceeds the drain deadline is recorded as unknown immediately.
pub async fn a_drain_gives_up_at_its_deadline(server: &Server) {
    let order = gated(server);
    let first = order.spawn();
    server.service.gate("n").reached().await;
    let drained = server.idempotency.drain(Duration::from_millis(50)).await;
    assert_eq!(drained, Drained::GaveUp(1));
    first.await.unwrap().assert_problem(&Problem::OUTCOME_UNKNOWN);
    let retry = gated(&server.sibling().await).send().await;
    retry.assert_problem(&Problem::OUTCOME_UNKNOWN);
    assert_eq!(server.ledger.counts("n"), Counts { attempts: 1, effects: 0, hooks: 0 });
}
