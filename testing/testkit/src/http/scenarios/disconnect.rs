//! Clients that disconnect during a run.

use serde_json::json;

use crate::app::Counts;
use crate::http::{Closing, Problem, Server};

/// The client closes the connection (FIN).
pub async fn a_run_outlives_a_closed_connection(server: &Server) {
    leave(server, Closing::Fin).await;
}

/// The client resets the connection (RST).
pub async fn a_run_outlives_a_reset_connection(server: &Server) {
    leave(server, Closing::Rst).await;
}

/// The client closes only its sending half and still reads.
pub async fn a_run_outlives_a_half_closed_connection(server: &Server) {
    leave(server, Closing::HalfClose).await;
}

async fn leave(server: &Server, closing: Closing) {
    let order = server.order("/payments", "n").key("k").order_with("n", &json!({ "gate": true }));
    let raw = order.send_raw().await;
    let gate = server.service.gate("n");
    gate.reached().await;
    let left = raw.close(closing).await;
    if server.drops_on(closing) {
        server.service.until_present(0).await;
    }
    order.send().await.assert_problem(&Problem::IN_PROGRESS);
    gate.open();
    let retry = order.send_until_settled().await;
    assert_eq!((retry.status, retry.is_replay()), (201, true), "{retry:?}");
    server.assert_runs("n", 1);
    drop(left);
}

/// An outer timeout has the same effect as a client that disconnects.
pub async fn a_run_outlives_a_timeout(server: &Server) {
    let order = server.order("/timeout", "n").key("k").order_with("n", &json!({ "gate": true }));
    order.send().await.assert_refused(&[408, 503, 504]);
    server.service.gate("n").open();
    let retry = order.send_until(crate::http::Response::is_replay).await;
    assert_eq!(retry.status, 201, "{retry:?}");
    server.assert_runs("n", 1);
}

/// A run beyond `max_run` is aborted. Its outcome is unknown, so it never runs again.
pub async fn a_run_beyond_max_run_is_given_up(server: &Server) {
    let order = server.order("/max-run", "n").key("k");
    let order = order.order_with("n", &json!({ "gate": true, "effect": "after" }));
    order.send_until_served().await.assert_problem(&Problem::OUTCOME_UNKNOWN);
    let retry = order.send_until_settled().await;
    retry.assert_problem(&Problem::OUTCOME_UNKNOWN);
    assert_eq!(server.ledger.counts("n"), Counts { attempts: 1, effects: 0, hooks: 0 });
}
