//! Effects in the same transaction as their record.

use serde_json::json;
use tokio::task::JoinSet;

use super::network::behind_a_proxy;
use crate::support::{IMPATIENT, Problem, TestEnv};

pub(crate) async fn fault_crash_in_transaction_during_handler(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    let pay = first.pay_with("/tx-payments", "k", &json!({ "once": true, "gate": true }));
    // The effect is written but not committed.
    let sent = pay.start_run(&first, 0).await;
    pay.to(&second).send().await.assert_problem(Problem::InProgress);
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "the killed process sent no response");
    let response = pay.to(&second).until_settled().await;
    response.assert_executed(201);
    second.assert_counts("k", 2, 1).await;
    pay.to(&second).until_settled().await.assert_replay_of(&response);
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
        pay.to(&second).until_settled().await.assert_replay_of(&response);
    }
}

pub(crate) async fn fault_commit_reply_lost(env: &TestEnv) {
    let (proxy, server) = behind_a_proxy(env).await;
    let pay = server.pay("/tx-payments", "k");
    proxy.cut_after("COMMIT");
    let response = pay.send().await;
    proxy.triggered().await;
    pay.until_settled().await.assert_replay_of(response.assert_executed(201));
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
    pay.until_settled().await.assert_replay_of(response.assert_executed(201));
    server.assert_counts("k", 2, 1).await;
}

/// More slow runs than a process has connections for transactions. On actix-web, each worker has its own connections.
const SLOW: usize = 96;

/// Each slow request gets a connection and runs, or is refused.
pub(crate) async fn fault_postgres_slow_transactions(env: &TestEnv) {
    let server = env.start_with(&IMPATIENT).await;
    let done = server.pay("/tx-payments", "done");
    let first = done.send().await;
    first.assert_executed(201);
    let slow = |n| server.pay_with("/tx-payments", &format!("slow{n}"), &json!({ "gate": true }));
    let mut sent = JoinSet::new();
    for n in 0..SLOW {
        let slow = slow(n);
        sent.spawn(async move { slow.send().await });
    }
    let is_running = |n: &usize| !env.runs(&format!("slow{n}")).is_empty();
    while sent.len() > (0..SLOW).filter(is_running).count() {
        let refused = sent.join_next().await.expect("all are refused").unwrap();
        refused.assert_problem(Problem::StoreUnavailable);
    }
    let running: Vec<usize> = (0..SLOW).filter(is_running).collect();
    for n in &running {
        done.until_settled().await.assert_replay_of(&first);
        slow(*n).send().await.assert_problem(Problem::InProgress);
    }
    for n in &running {
        server.open_gate(&format!("slow{n}")).await;
    }
    for response in sent.join_all().await {
        response.assert_executed(201);
    }
    for n in running {
        server.assert_counts(&format!("slow{n}"), 1, 1).await;
    }
}
