//! Effects in the same transaction as their record.

use serde_json::json;

use super::network::behind_a_proxy;
use crate::support::{Problem, TestEnv};

pub(crate) async fn fault_crash_in_transaction_during_handler(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    let pay = first.pay_with("/tx-payments", "k", &json!({ "once": true, "gate": true }));
    let sent = pay.start();
    // The effect is written but not committed.
    first.until("k", 1, 0).await;
    pay.to(&second).send().await.assert_problem(Problem::InProgress);
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "the killed process sent no response");
    let response = pay.to(&second).until_settled().await;
    response.assert_executed(201);
    second.assert_counts("k", 2, 1).await;
    pay.to(&second).send().await.assert_replay_of(&response);
}

pub(crate) async fn fault_crash_in_transaction_before_and_after(env: &TestEnv) {
    let second = env.start().await;
    let killed_at =
        [("BEGIN", false), ("idem_testbed_run", false), ("COMMIT", false), ("COMMIT", true)];
    for (n, (statement, arrives)) in killed_at.into_iter().enumerate() {
        let (proxy, url) = env.proxy().await;
        let first = env.start_on(&url, &[], &[]).await;
        let key = format!("k{n}");
        let pay = first.pay("/tx-payments", &key);
        if arrives {
            proxy.cut_after(statement);
        } else {
            proxy.hold(statement);
        }
        let sent = pay.start();
        proxy.triggered().await;
        first.kill().await;
        // The kernel closes the connections of the process, but not those that the proxy holds.
        proxy.cut();
        drop(sent.await.unwrap());
        let response = pay.to(&second).until_settled().await;
        let effects = second.counts(&key).await.effects;
        assert_eq!((response.status, effects), (201, 1), "{statement} {arrives}");
        // The commit took place if and only if it arrived.
        assert_eq!(response.is_replay(), arrives, "{statement}: {response:?}");
        pay.to(&second).send().await.assert_replay_of(&response);
    }
}

pub(crate) async fn fault_commit_reply_lost(env: &TestEnv) {
    let (proxy, server) = behind_a_proxy(env).await;
    let pay = server.pay("/tx-payments", "k");
    proxy.cut_after("COMMIT");
    let response = pay.send().await;
    proxy.triggered().await;
    pay.send().await.assert_replay_of(response.assert_executed(201));
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_commit_not_applied(env: &TestEnv) {
    let (proxy, server) = behind_a_proxy(env).await;
    let pay = server.pay("/tx-payments", "k");
    proxy.cut_before("COMMIT");
    pay.send().await.assert_problem(Problem::StoreUnavailable);
    proxy.triggered().await;
    server.assert_counts("k", 1, 0).await;
    let response = pay.send().await;
    pay.send().await.assert_replay_of(response.assert_executed(201));
    server.assert_counts("k", 2, 1).await;
}
