//! Graceful shutdown of a server with runs in progress.

use std::time::Duration;

use idem_actix::{Drained, Idempotency, MemoryStore};
use idem_testkit::app::Counts;
use idem_testkit::http::{Closing, Raw, post};
use serde_json::{Value, json};

use crate::support::{Server, body, client, order, send, serve};

const LONG: Duration = Duration::from_secs(600);

/// Starts a run that waits at its gate, and disconnects its client.
async fn begin_and_leave(server: &Server, body: &Value) {
    let mut raw = Raw::connect(server.address).await;
    raw.send(&post("/payments", "left", body)).await;
    server.service.gate("left").reached().await;
    raw.close(Closing::Rst).await;
    server.service.until_present(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_lets_every_run_end_and_stores_its_response() {
    let records = MemoryStore::new();
    let server = serve(2, Idempotency::new(records.clone())).await;
    let (left, attended) =
        (body("left", &json!({ "gate": true })), body("attended", &json!({ "gate": true })));
    begin_and_leave(&server, &left).await;
    let client = client();
    let first =
        tokio::spawn(send(order(&client, &server, "/payments", "attended").json(&attended)));
    server.service.gate("attended").reached().await;

    // The server will accept no new connection, so this one is opened before.
    let mut open = Raw::connect(server.address).await;
    let new = post("/payments", "new", &body("new", &json!({})));
    open.send(&new).await;
    assert_eq!(open.response().await, Some(201));

    let stopping = tokio::spawn({
        let (control, idempotency) = (server.control.clone(), server.idempotency.clone());
        async move { idem_actix::stop(&control, idempotency.drain(LONG)).await }
    });
    open.send_until_stopping(&new).await;
    assert!(!stopping.is_finished(), "`stop` waits for the runs");
    server.service.gate("left").open();
    server.service.gate("attended").open();
    assert_eq!(stopping.await.unwrap(), Drained::Finished);
    let first = first.await.unwrap();
    assert_eq!((first.status, first.replayed), (201, false));
    server.ended.join().unwrap();

    let next = serve(1, Idempotency::new(records)).await;
    let retry = send(order(&client, &next, "/payments", "attended").json(&attended)).await;
    assert_eq!((retry.replayed, retry.body), (true, first.body));
    let retry = send(order(&client, &next, "/payments", "left").json(&left)).await;
    assert_eq!((retry.status, retry.replayed), (201, true));
    for note in ["left", "attended"] {
        assert_eq!(server.ledger.counts(note), Counts { attempts: 1, effects: 1, hooks: 0 });
        assert_eq!(next.ledger.counts(note), Counts::default());
    }
    next.control.stop(false).await;
}

/// The behaviour of actix-web that makes `stop` necessary.
#[tokio::test(flavor = "multi_thread")]
async fn actix_web_alone_drops_a_run_whose_client_disconnected() {
    let server = serve(1, Idempotency::new(MemoryStore::new())).await;
    let left = body("left", &json!({ "gate": true, "effect": "after" }));
    begin_and_leave(&server, &left).await;
    server.control.stop(true).await;
    server.ended.join().unwrap();
    assert_eq!(server.ledger.counts("left"), Counts { attempts: 1, effects: 0, hooks: 0 });
}
