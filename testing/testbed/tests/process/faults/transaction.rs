//! Effects in the same transaction as their record.

use serde_json::json;

use super::network::behind_a_proxy;
use crate::support::{Bed, Problem};

pub(crate) async fn fault_crash_in_transaction_during_handler(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start().await);
    let pay = first.pay_with("/tx-payments", "k", &json!({ "once": true, "gate": true }));
    let sent = pay.start();
    // The effect is written, and not committed.
    first.until("k", 1, 0).await;
    pay.to(&second).send().await.assert_problem(Problem::InProgress);
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "nobody answers");
    let answer = pay.to(&second).until_settled().await;
    answer.assert_executed(201);
    second.assert_counts("k", 2, 1).await;
    pay.to(&second).send().await.assert_replay_of(&answer);
}

pub(crate) async fn fault_crash_in_transaction_before_and_after(bed: &Bed) {
    let second = bed.start().await;
    let killed_at =
        [("BEGIN", false), ("idem_testbed_run", false), ("COMMIT", false), ("COMMIT", true)];
    for (n, (statement, arrives)) in killed_at.into_iter().enumerate() {
        let (proxy, url) = bed.proxy().await;
        let first = bed.start_on(&url, &[], &[]).await;
        let key = format!("k{n}");
        let pay = first.pay("/tx-payments", &key);
        if arrives {
            proxy.cut_after(statement);
        } else {
            proxy.hold(statement);
        }
        let sent = pay.start();
        proxy.sprung().await;
        first.kill().await;
        // The kernel would close them, but not those that are held up here.
        proxy.cut();
        drop(sent.await.unwrap());
        let answer = pay.to(&second).until_settled().await;
        let effects = second.counts(&key).await.effects;
        assert_eq!((answer.status, effects), (201, 1), "{statement} {arrives}");
        // What arrived happened, and nothing else.
        assert_eq!(answer.is_replay(), arrives, "{statement}: {answer:?}");
        pay.to(&second).send().await.assert_replay_of(&answer);
    }
}

pub(crate) async fn fault_commit_reply_lost(bed: &Bed) {
    let (proxy, server) = behind_a_proxy(bed).await;
    let pay = server.pay("/tx-payments", "k");
    proxy.cut_after("COMMIT");
    let answer = pay.send().await;
    proxy.sprung().await;
    pay.send().await.assert_replay_of(answer.assert_executed(201));
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_commit_not_applied(bed: &Bed) {
    let (proxy, server) = behind_a_proxy(bed).await;
    let pay = server.pay("/tx-payments", "k");
    proxy.cut_before("COMMIT");
    pay.send().await.assert_problem(Problem::StoreUnavailable);
    proxy.sprung().await;
    server.assert_counts("k", 1, 0).await;
    let answer = pay.send().await;
    pay.send().await.assert_replay_of(answer.assert_executed(201));
    server.assert_counts("k", 2, 1).await;
}
