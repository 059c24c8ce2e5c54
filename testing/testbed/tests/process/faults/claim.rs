//! The claim does not reach the store, or its reply is lost.

use idem_testkit::servers::Replies;

use super::network::{behind_a_proxy, claim_of};
use crate::support::{Problem, TestEnv};

pub(crate) async fn fault_store_down_at_claim(env: &TestEnv) {
    let (proxy, server) = behind_a_proxy(env).await;
    let pay = server.pay("/payments", "k");
    // No server listens on port 1.
    proxy.redirect_to(1);
    pay.send().await.assert_problem(Problem::StoreUnavailable);
    server.assert_counts("k", 0, 0).await;
    proxy.redirect_to(env.port());
    pay.until(|response| response.status == 201).await.assert_executed(201);
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_claim_reply_lost(env: &TestEnv) {
    let (proxy, server) = behind_a_proxy(env).await;
    let pay = server.pay("/hold", "k");
    proxy.cut_after(claim_of("/hold"));
    let response = pay.send().await;
    response.assert_executed(201);
    proxy.triggered().await;
    pay.until_settled().await.assert_replay_of(&response);
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_claim_reply_lost_until_deadline(env: &TestEnv) {
    let (proxy, first) = behind_a_proxy(env).await;
    let second = env.start().await;
    let pay = first.pay("/payments", "k");
    proxy.silence_after(claim_of("/payments"));
    let sent = pay.start();
    proxy.triggered().await;
    proxy.replies(Replies::Swallow);
    sent.await.unwrap().expect("a response").assert_problem(Problem::StoreUnavailable);
    proxy.replies(Replies::Pass);
    proxy.cut();
    // The claim was abandoned. If it had only lapsed, its lease of 30 s would end in an unknown outcome.
    let response = pay.to(&second).until_settled().await;
    response.assert_executed(201);
    second.assert_counts("k", 1, 1).await;
}
