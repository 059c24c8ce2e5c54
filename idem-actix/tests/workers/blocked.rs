//! A handler that blocks its worker, and the other runs on that worker.

use idem_actix::{Idempotency, MemoryStore};
use idem_conformance::{FaultStore, Kind};
use idem_testkit::app::Counts;
use serde_json::json;

use crate::support::{body, client, order, send, serve};

/// The number of renewals after which a lease would have ended. A lease is renewed after a third of it.
const RENEWALS_PER_LEASE: u32 = 4;

/// No other process takes over either run, and both responses are stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_worker_keeps_its_leases_and_responses() {
    let records = MemoryStore::new();
    let (store, faults) = FaultStore::new(records.clone());
    let server = serve(1, Idempotency::new(store)).await;
    let sibling = serve(1, Idempotency::new(records)).await;
    let (client, other) = (client(), client());
    let waiting = body("waiting", &json!({ "gate": true }));
    let blocking = body("blocking", &json!({ "block_ms": 9_000 }));

    let first = tokio::spawn(send(order(&client, &server, "/takeover", "waiting").json(&waiting)));
    let gate = server.service.gate("waiting");
    gate.reached().await;
    let second =
        tokio::spawn(send(order(&client, &server, "/takeover", "blocking").json(&blocking)));
    server.service.until_present(2).await;
    let renewed = faults.calls().renew;
    faults.until_called(Kind::Renew, renewed + 2 * RENEWALS_PER_LEASE).await;
    assert!(!second.is_finished(), "it blocks for three leases");
    for (note, body) in [("waiting", &waiting), ("blocking", &blocking)] {
        let retry = send(order(&other, &sibling, "/takeover", note).json(body)).await;
        assert_eq!(retry.status, 409, "{retry:?}");
    }
    gate.open();

    for (note, body, run) in [("waiting", waiting, first), ("blocking", blocking, second)] {
        let run = run.await.unwrap();
        assert_eq!((run.status, run.replayed), (201, false));
        let retry = send(order(&other, &sibling, "/takeover", note).json(&body)).await;
        assert_eq!((retry.replayed, retry.body), (true, run.body));
        assert_eq!(server.ledger.counts(note), Counts { attempts: 1, effects: 1, hooks: 0 });
        assert_eq!(sibling.ledger.counts(note), Counts::default());
    }
    server.control.stop(false).await;
    sibling.control.stop(false).await;
}
