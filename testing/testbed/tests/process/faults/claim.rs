//! The claim does not reach the store, or its reply is lost.

use idem_testkit::servers::Replies;

use super::network::behind_a_proxy;
use crate::support::{Bed, Problem};

pub(crate) async fn fault_store_down_at_claim(bed: &Bed) {
    let (proxy, server) = behind_a_proxy(bed).await;
    let pay = server.pay("/payments", "k");
    // Nothing listens there.
    proxy.lead_to(1);
    pay.send().await.assert_problem(Problem::StoreUnavailable);
    server.assert_counts("k", 0, 0).await;
    proxy.lead_to(bed.port());
    pay.until(|answer| !answer.is(Problem::StoreUnavailable)).await.assert_executed(201);
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_claim_reply_lost(bed: &Bed) {
    let (proxy, server) = behind_a_proxy(bed).await;
    let pay = server.pay("/hold", "k");
    proxy.cut_after(bed.mark_of_calls());
    let answer = pay.send().await;
    answer.assert_executed(201);
    proxy.sprung().await;
    pay.send().await.assert_replay_of(&answer);
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_claim_reply_lost_until_deadline(bed: &Bed) {
    let (proxy, first) = behind_a_proxy(bed).await;
    let second = bed.start().await;
    let pay = first.pay("/payments", "k");
    proxy.silence_after(bed.mark_of_calls());
    let sent = pay.start();
    proxy.sprung().await;
    proxy.replies(Replies::Swallow);
    sent.await.unwrap().expect("it is answered").assert_problem(Problem::StoreUnavailable);
    proxy.replies(Replies::Pass);
    proxy.cut();
    // Abandoned, and not merely lapsed: its lease is half a minute, after which it would be unknown.
    let answer = pay.to(&second).until_settled().await;
    answer.assert_executed(201);
    second.assert_counts("k", 1, 1).await;
}
