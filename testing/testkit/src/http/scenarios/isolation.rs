//! Whose key it is (R14-R16, R42).

use serde_json::json;

use crate::http::{Problem, Server};

/// R42: inside another scope a key is unknown, whatever its state.
pub async fn another_tenant_sees_a_new_key(server: &Server) {
    let order = server.order("/payments", "n").key("k").order_with("n", &json!({ "gate": true }));
    let first = order.spawn();
    let gate = server.payments.gate("n");
    gate.reached().await;
    let carols = server.order("/payments", "carol").token("carol").key("k");
    let while_running = carols.send().await;
    while_running.assert_executed(201);
    gate.open();
    let first = first.await.unwrap();
    carols.send().await.assert_replay_of(&while_running);
    order.send().await.assert_replay_of(first.assert_executed(201));
}

/// R14: tenant `a` with key `b:c` is not tenant `a:b` with key `c`.
pub async fn borders_between_tenant_and_key_do_not_move(server: &Server) {
    let order = server.order("/payments", "n");
    order.clone().token("inj1").key("b:c").send().await.assert_executed(201);
    order.token("inj2").key("c").send().await.assert_executed(201);
    server.assert_runs("n", 2);
}

/// R14: one key on several operations.
pub async fn operations_are_independent(server: &Server) {
    for path in ["/payments", "/refunds", "/accounts/1/payments"] {
        server.order(path, "n").key("k").send().await.assert_executed(201);
    }
    for method in ["POST", "PUT"] {
        server.request(method, "/any?note=n").key("k").send().await.assert_executed(204);
    }
    server.assert_runs("n", 5);
}

/// R11, R14: the router strips prefixes; neither operation nor path may lose them.
pub async fn routes_below_a_prefix_are_whole(server: &Server) {
    for path in ["/api/v1/payments", "/api/v2/payments", "/shops/1/payments"] {
        server.order(path, "n").key("k").send().await.assert_executed(201);
    }
    server.assert_runs("n", 3);
    let other_shop = server.order("/shops/2/payments", "n").key("k").send().await;
    other_shop.assert_problem(&Problem::KEY_REUSED);
}

/// R14, R16: `scope = "tenant"`. A second token of a user is the same user.
pub async fn users_share_their_tenants_keys(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    let first = order.send().await;
    first.assert_executed(201);
    for token in ["alice-rot", "bob"] {
        order.clone().token(token).send().await.assert_replay_of(&first);
    }
    server.assert_runs("n", 1);
}

/// R16: the tighter scope.
pub async fn users_keep_keys_of_their_own(server: &Server) {
    let order = server.order("/user-payments", "n").key("k");
    let first = order.send().await;
    first.assert_executed(201);
    order.clone().token("alice-rot").send().await.assert_replay_of(&first);
    order.token("bob").send().await.assert_executed(201);
    server.assert_runs("n", 2);
}

/// R16: authorisation runs before the lookup on every request.
pub async fn a_replay_is_still_an_access(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    order.send().await.assert_executed(201);
    server.untouched(&order.clone().token("eve")).await.assert_refused(&[403]);
    server.untouched(&order.clone().token("nobody")).await.assert_refused(&[401]);
    server.untouched(&order.without_token()).await.assert_refused(&[401]);
}

/// R15: no principal where one is needed never means everybody.
pub async fn an_empty_scope_fails_closed(server: &Server) {
    let order = server.order("/payments", "n").token("blank").key("k");
    for _ in 0..2 {
        let answer = server.untouched(&order).await;
        assert_eq!(answer.status, 500);
        assert!(!answer.mentions("scope"), "{answer:?}");
    }
    server.assert_runs("n", 0);
}
