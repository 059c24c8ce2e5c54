//! The status of a key: what a retry would get, without running anything.

use serde_json::json;

use crate::http::{Problem, Request, Server};

/// The status request of the key `k`, which needs neither a key header nor a body.
fn status(server: &Server, key: &str) -> Request {
    server.request("GET", &format!("/payments/by-key/{key}"))
}

/// A completed key returns its response, which no cache may keep. A key with other characters is percent-encoded.
pub async fn the_status_of_a_key_is_its_response(server: &Server) {
    status(server, "k%20%2F%221%22").send().await.assert_problem(&Problem::KEY_UNKNOWN);
    let order = server.order("/payments", "n").key_line(r#""k /\"1\"""#);
    let first = order.send().await;
    let found = status(server, "k%20%2F%221%22").send().await;
    assert_eq!((found.status, &found.body), (first.assert_executed(201).status, &first.body));
    assert!(found.is_replay(), "{found:?}");
    assert_eq!(found.lines("cache-control"), [b"no-store"]);
    let head = server.request("HEAD", "/payments/by-key/k%20%2F%221%22").send().await;
    assert_eq!((head.status, &head.body[..]), (201, &b""[..]));
    server.assert_runs("n", 1);
}

/// The scope comes from authentication, so another tenant asks for another key.
pub async fn the_status_of_another_tenants_key_is_unknown(server: &Server) {
    server.order("/payments", "n").key("k").send().await.assert_executed(201);
    status(server, "k").token("carol").send().await.assert_problem(&Problem::KEY_UNKNOWN);
    let anonymous = status(server, "k").without_token().send().await;
    assert_eq!(anonymous.status, 401);
    // Another operation is another key too.
    server.order("/refunds", "r").key("refund").send().await.assert_executed(201);
    status(server, "refund").send().await.assert_problem(&Problem::KEY_UNKNOWN);
}

/// While a run is active, its status is that of a duplicate. `Prefer: wait` waits for its end.
pub async fn a_status_can_wait_for_the_end_of_a_run(server: &Server) {
    let order = server.order("/payments", "n").key("k").order_with("n", &json!({ "gate": true }));
    let (first, gate) = (order.spawn(), server.service.gate("n"));
    gate.reached().await;
    status(server, "k").send().await.assert_problem(&Problem::IN_PROGRESS);
    status(server, "k")
        .header("prefer", "wait=0")
        .send()
        .await
        .assert_problem(&Problem::IN_PROGRESS);
    let reads = server.faults.calls().complete;
    let waiting = status(server, "k").header("prefer", "respond-async, wait=30").spawn();
    // It reads, takes a place among the waiting, and reads again before it waits.
    server.faults.until_called(idem_conformance::Kind::Complete, reads + 2).await;
    gate.open();
    let first = first.await.unwrap();
    let found = waiting.await.unwrap();
    assert_eq!((found.status, &found.body), (201, &first.body), "{found:?}");
    assert_eq!(found.line("preference-applied"), "wait=30");
    server.assert_runs("n", 1);
}

/// A malformed key is refused before the store is asked.
pub async fn the_status_of_a_malformed_key_is_refused(server: &Server) {
    for key in ["%C3%BC", "%20", &"k".repeat(256)] {
        status(server, key).send().await.assert_problem(&Problem::KEY_INVALID);
    }
    assert_eq!(server.faults.calls().complete, 0);
}
