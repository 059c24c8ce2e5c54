//! A handler that panics.

use idem_actix::{Idempotency, MemoryStore};
use idem_testkit::app::Counts;
use serde_json::json;

use crate::support::{body, client, order, send, serve};

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_affects_neither_its_worker_nor_other_runs() {
    let server = serve(1, Idempotency::new(MemoryStore::new())).await;
    let client = client();
    let waiting = body("waiting", &json!({ "gate": true }));
    let first = tokio::spawn(send(order(&client, &server, "/payments", "waiting").json(&waiting)));
    let gate = server.service.gate("waiting");
    gate.reached().await;

    let panicking = body("panicking", &json!({ "panic": true }));
    let panicked = send(order(&client, &server, "/payments", "panicking").json(&panicking)).await;
    assert_eq!((panicked.status, panicked.replayed), (500, false));
    let retry = send(order(&client, &server, "/payments", "panicking").json(&panicking)).await;
    assert_eq!((retry.status, retry.replayed), (500, true));
    assert_eq!(server.ledger.counts("panicking"), Counts { attempts: 1, effects: 1, hooks: 0 });

    gate.open();
    assert_eq!(first.await.unwrap().status, 201);
    assert_eq!(server.workers.count(), 1, "the worker was not replaced");
    server.control.stop(false).await;
}
