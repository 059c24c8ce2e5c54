//! The network between a process and its store loses what passes (rows 2, 5, 16, 17, 36 and 44).

use idem_conformance::servers::{Proxy, Replies};
use serde_json::json;

use crate::support::{Bed, Problem, Server};

/// Payments that warm a process up, each on a connection of its own.
const WARM: usize = 8;

/// A process with something between it and the store. Its first payments make the connections of all its
/// threads and prepare what is sent on them, so that what is lost later is the reply that the row means.
async fn behind_a_proxy(bed: &Bed) -> (Proxy, Server) {
    let (proxy, url) = bed.proxy().await;
    let server = bed.start_on(&url, &[], &[]).await;
    for n in 0..WARM {
        let pay = server.pay("/payments", &format!("warm{n}"));
        pay.over(reqwest::Client::new()).send().await.assert_executed(201);
    }
    (proxy, server)
}

/// Loses the reply to the completion of key `k`, which is the only call that carries the answer.
fn lose_the_completions_reply(proxy: &Proxy) {
    proxy.cut_after(r#""note":"k""#);
}

pub(crate) async fn fault_02_killed_after_the_claim(bed: &Bed) {
    let (proxy, first) = behind_a_proxy(bed).await;
    let second = bed.start().await;
    let pay = first.pay("/hold", "k");
    proxy.replies(Replies::Swallow);
    let sent = pay.start();
    bed.until_records(WARM + 1).await;
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "nobody answers");
    pay.to(&second).until_settled().await.assert_problem(Problem::OutcomeUnknown);
    second.assert_counts("k", 0, 0).await;
}

pub(crate) async fn fault_05_killed_before_the_reply(bed: &Bed) {
    let (proxy, first) = behind_a_proxy(bed).await;
    let second = bed.start().await;
    let pay = first.pay_with("/payments", "k", &json!({ "delay_ms": 300 }));
    lose_the_completions_reply(&proxy);
    let sent = pay.start();
    proxy.sprung().await;
    let replay = pay.to(&second).until_settled().await;
    replay.assert_replay();
    first.kill().await;
    drop(sent.await.unwrap());
    pay.to(&second).send().await.assert_replay_of(&replay);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_16_renewals_fail_for_a_while(bed: &Bed) {
    let (proxy, first) = behind_a_proxy(bed).await;
    let second = bed.start().await;
    for path in ["/hold", "/takeover"] {
        let pay = first.pay_with(path, path, &json!({ "delay_ms": 2000 }));
        let sent = pay.start();
        first.until(path, 1, 1).await;
        // A renewal that is cut off is sent again on a new connection, well within the lease.
        proxy.cut();
        let answer = sent.await.unwrap().expect("it is answered");
        pay.to(&second).send().await.assert_replay_of(answer.assert_executed(201));
        second.assert_counts(path, 1, 1).await;
    }
}

pub(crate) async fn fault_17_renewals_fail_for_too_long(bed: &Bed) {
    let (proxy, first) = behind_a_proxy(bed).await;
    let second = bed.start().await;
    let pay = first.pay_with("/takeover", "k", &json!({ "once": true, "delay_ms": 4000 }));
    let sent = pay.start();
    first.until("k", 1, 1).await;
    // Nothing listens there: every renewal is refused.
    proxy.lead_to(1);
    let winner = pay.to(&second).until_settled().await;
    winner.assert_executed(201);
    proxy.lead_to(bed.port());
    let late = sent.await.unwrap().expect("it is answered");
    assert!(late.body == winner.body || late.status >= 400, "the stored result or none: {late:?}");
    pay.to(&second).send().await.assert_replay_of(&winner);
}

pub(crate) async fn fault_36_the_reply_to_a_claim_is_lost(bed: &Bed) {
    let (proxy, server) = behind_a_proxy(bed).await;
    let pay = server.pay("/hold", "k");
    proxy.replies(Replies::Swallow);
    let sent = pay.start();
    bed.until_records(WARM + 1).await;
    proxy.replies(Replies::Pass);
    proxy.cut();
    let answer = sent.await.unwrap().expect("it is answered");
    answer.assert_executed(201);
    pay.send().await.assert_replay_of(&answer);
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_36_a_claim_is_given_up(bed: &Bed) {
    let (proxy, first) = behind_a_proxy(bed).await;
    let second = bed.start().await;
    let pay = first.pay("/payments", "k");
    proxy.replies(Replies::Swallow);
    pay.send().await.assert_problem(Problem::StoreUnavailable);
    proxy.replies(Replies::Pass);
    proxy.cut();
    // Abandoned, and not merely lapsed: its lease is half a minute, after which it would be unknown.
    let answer = pay.to(&second).until_settled().await;
    answer.assert_executed(201);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_44_the_reply_to_a_completion_is_lost(bed: &Bed) {
    let (proxy, first) = behind_a_proxy(bed).await;
    let second = bed.start().await;
    let pay = first.pay_with("/payments", "k", &json!({ "delay_ms": 100 }));
    lose_the_completions_reply(&proxy);
    let sent = pay.start();
    proxy.sprung().await;
    let answer = sent.await.unwrap().expect("it is answered");
    answer.assert_executed(201);
    pay.to(&second).send().await.assert_replay_of(&answer);
    second.assert_counts("k", 1, 1).await;
}
