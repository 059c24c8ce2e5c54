//! The separation of tenants, users and operations.

use serde_json::json;

use crate::http::{Problem, Server};

/// A key is new in another scope, whatever its state is in the first one.
pub async fn another_tenant_sees_a_new_key(server: &Server) {
    let order = server.order("/payments", "n").key("k").order_with("n", &json!({ "gate": true }));
    let first = order.spawn();
    let gate = server.service.gate("n");
    gate.reached().await;
    let carols = server.order("/payments", "carol").token("carol").key("k");
    let while_running = carols.send().await;
    while_running.assert_executed(201);
    gate.open();
    let first = first.await.unwrap();
    carols.send().await.assert_replay_of(&while_running);
    order.send().await.assert_replay_of(first.assert_executed(201));
}

/// Tenant `a` with key `b:c` differs from tenant `a:b` with key `c`.
pub async fn tenant_and_key_are_compared_separately(server: &Server) {
    let order = server.order("/payments", "n");
    order.clone().token("inj1").key("b:c").send().await.assert_executed(201);
    order.token("inj2").key("c").send().await.assert_executed(201);
    server.assert_runs("n", 2);
}

/// One key on several operations is several keys.
pub async fn operations_are_independent(server: &Server) {
    for path in ["/payments", "/refunds", "/accounts/1/payments"] {
        server.order(path, "n").key("k").send().await.assert_executed(201);
    }
    for method in ["POST", "PUT"] {
        server.request(method, "/any?note=n").key("k").send().await.assert_executed(204);
    }
    server.assert_runs("n", 5);
}

/// The router strips the prefixes of nested routes. The operation and the path keep them.
pub async fn nested_routes_keep_their_prefix(server: &Server) {
    for path in ["/api/v1/payments", "/api/v2/payments", "/shops/1/payments"] {
        server.order(path, "n").key("k").send().await.assert_executed(201);
    }
    server.assert_runs("n", 3);
    let other_shop = server.order("/shops/2/payments", "n").key("k").send().await;
    other_shop.assert_problem(&Problem::KEY_REUSED);
}

/// With the tenant as scope, users of a tenant share its keys. A second token of a user changes
/// nothing.
pub async fn users_share_their_tenants_keys(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    let first = order.send().await;
    first.assert_executed(201);
    for token in ["alice-rot", "bob"] {
        order.clone().token(token).send().await.assert_replay_of(&first);
    }
    server.assert_runs("n", 1);
}

/// With the user as scope, users of a tenant have independent keys.
pub async fn user_scopes_are_independent(server: &Server) {
    let order = server.order("/user-payments", "n").key("k");
    let first = order.send().await;
    first.assert_executed(201);
    order.clone().token("alice-rot").send().await.assert_replay_of(&first);
    order.token("bob").send().await.assert_executed(201);
    server.assert_runs("n", 2);
}

/// Authorization runs before the lookup on every request.
pub async fn a_replay_requires_authorization(server: &Server) {
    let order = server.order("/payments", "n").key("k");
    order.send().await.assert_executed(201);
    server.untouched(&order.clone().token("eve")).await.assert_refused(&[403]);
    server.untouched(&order.clone().token("unknown")).await.assert_refused(&[401]);
    server.untouched(&order.without_token()).await.assert_refused(&[401]);
}

/// An empty scope is an error. It never means a scope that all callers share.
pub async fn an_empty_scope_fails_closed(server: &Server) {
    let order = server.order("/note-scope", "").key("k");
    for _ in 0..2 {
        let response = server.untouched(&order).await;
        assert_eq!(response.status, 500);
        assert!(!String::from_utf8_lossy(&response.body).contains("scope"), "{response:?}");
    }
    server.assert_runs("", 0);
}
