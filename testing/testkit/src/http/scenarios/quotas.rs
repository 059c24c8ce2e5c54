//! The quota of a scope.

use std::time::Duration;

use crate::http::{Problem, Server};

/// A scope at its quota refuses new keys. Existing keys still replay, and other scopes are not
/// affected.
pub async fn a_scope_has_its_quota(server: &Server) {
    let order = server.order("/payments", "n").token("flood");
    let first = order.clone().key("k1").send().await;
    first.assert_executed(201);
    for key in ["k2", "k3", "k4", "k5"] {
        order.clone().key(key).send().await.assert_executed(201);
    }
    let sixth = order.clone().key("k6");
    sixth.send().await.assert_problem(&Problem::SCOPE_FULL);
    sixth.clone().path("/refunds").send().await.assert_problem(&Problem::SCOPE_FULL);
    order.key("k1").send().await.assert_replay_of(&first);
    server.order("/payments", "other").key("k6").send().await.assert_executed(201);
    server.assert_runs("n", 5);
    server.advance_clock(Duration::from_secs(25 * 60 * 60));
    sixth.send().await.assert_executed(201);
}
