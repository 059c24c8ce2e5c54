//! The limit on concurrent runs.

use idem_conformance::{Fault, Kind};
use serde_json::json;

use crate::http::{Closing, Problem, Request, Server};

/// A run that waits at its gate, and whose client disconnects.
async fn run_without_client(server: &Server, note: &str) -> Request {
    let script = json!({ "gate": true });
    let order = server.order("/payments", note).key(note).order_with(note, &script);
    let connection = order.send_raw().await;
    server.service.gate(note).reached().await;
    connection.close(Closing::Rst).await;
    server.service.until_present(0).await;
    order
}

/// The run holds its place, and not the request. Meanwhile, stored responses are replayed and duplicates are refused as
/// usual.
pub async fn runs_without_a_client_are_limited(server: &Server) {
    let server = server.with(|builder| builder.max_runs(1)).await;
    let done = server.order("/payments", "done").key("done");
    let first = done.send().await;
    first.assert_executed(201);
    let running = run_without_client(&server, "running").await;

    let claims = server.faults.calls().claim;
    let other = server.order("/payments", "other").key("other");
    other.send().await.assert_problem(&Problem::TOO_MANY_RUNS);
    running.send().await.assert_problem(&Problem::IN_PROGRESS);
    done.send().await.assert_replay_of(&first);
    done.clone().order("other").send().await.assert_problem(&Problem::KEY_REUSED);
    assert_eq!(server.faults.calls().claim, claims, "nothing is claimed at the limit");
    server.assert_runs("other", 0);

    server.service.gate("running").open();
    assert!(running.send_until_settled().await.is_replay());
    other.send_until(|response| response.status == 201).await;
    server.assert_runs("other", 1);
}

/// A tenant that has reached its limit does not take the places of another one.
pub async fn runs_of_a_scope_are_limited(server: &Server) {
    let server = server.with(|builder| builder.max_runs_per_scope(1)).await;
    run_without_client(&server, "running").await;
    let other = server.order("/payments", "other").key("other");
    other.send().await.assert_problem(&Problem::TOO_MANY_RUNS);
    server.assert_runs("other", 0);
    let carols = server.order("/payments", "carol").key("other").token("carol");
    carols.send().await.assert_executed(201);
    server.service.gate("running").open();
    other.send_until(|response| response.status == 201).await;
}

/// Two claims can be made at the same time for the last place. The one without a place is abandoned.
pub async fn a_refused_run_leaves_its_key_free(server: &Server) {
    let server = server.with(|builder| builder.max_runs(1)).await;
    server.faults.inject([Kind::Claim], Fault::Late);
    let orders = ["one", "two"].map(|note| {
        server.order("/payments", note).key(note).order_with(note, &json!({ "gate": true }))
    });
    let sent = orders.clone().map(|order| order.spawn());
    server.faults.until_held(2).await;
    server.faults.heal();
    server.faults.deliver();
    let [one, two] = sent;
    let refused = tokio::select! {
        response = one => response.unwrap(),
        response = two => response.unwrap(),
    };
    refused.assert_problem(&Problem::TOO_MANY_RUNS);
    for note in ["one", "two"] {
        server.service.gate(note).open();
    }
    for order in &orders {
        order.send_until(|response| response.status == 201).await;
    }
    for note in ["one", "two"] {
        server.assert_runs(note, 1);
    }
}
