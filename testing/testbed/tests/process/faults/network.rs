//! The network between a process and its store loses requests and replies.

use idem_testkit::servers::{Proxy, Replies};
use serde_json::json;

use crate::support::{Bed, Problem, Server};

/// Payments that warm a process up, each on a connection of its own.
const WARM: usize = 8;

/// A process with something between it and the store. Its first payments make the connections of all its
/// threads and prepare what is sent on them, so that what is lost later is the reply that the row means.
pub(super) async fn behind_a_proxy(bed: &Bed) -> (Proxy, Server) {
    let (proxy, url) = bed.proxy().await;
    let server = bed.start_on(&url, &[], &[]).await;
    for n in 0..WARM {
        let pay = server.pay("/payments", &format!("warm{n}"));
        pay.over(reqwest::Client::new()).send().await.assert_executed(201);
    }
    (proxy, server)
}

/// What is in the completion of key `k`, which is the only call that carries the answer.
const COMPLETION: &str = r#""note":"k""#;

pub(crate) async fn fault_crash_after_claim_before_handler(bed: &Bed) {
    let (proxy, first) = behind_a_proxy(bed).await;
    let second = bed.start().await;
    let pay = first.pay("/hold", "k");
    proxy.silence_after(bed.mark_of_calls());
    let sent = pay.start();
    bed.until_records(WARM + 1).await;
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "nobody answers");
    pay.to(&second).until_settled().await.assert_problem(Problem::OutcomeUnknown);
    second.assert_counts("k", 0, 0).await;
}

pub(crate) async fn fault_crash_after_completion_before_reply(bed: &Bed) {
    let (proxy, first) = behind_a_proxy(bed).await;
    let second = bed.start().await;
    let pay = first.pay_with("/payments", "k", &json!({ "delay_ms": 300 }));
    proxy.silence_after(COMPLETION);
    let sent = pay.start();
    proxy.sprung().await;
    // Nor is the process told when it asks again.
    proxy.replies(Replies::Swallow);
    let replay = pay.to(&second).until_settled().await;
    replay.assert_replay();
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "nobody answers");
    pay.to(&second).send().await.assert_replay_of(&replay);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_renewal_fails_briefly(bed: &Bed) {
    let (proxy, first) = behind_a_proxy(bed).await;
    let second = bed.start().await;
    for path in ["/hold", "/takeover"] {
        let pay = first.pay_with(path, path, &json!({ "delay_ms": 1500 }));
        let sent = pay.start();
        first.until(path, 1, 1).await;
        let failures = |logs: &str| logs.matches("a lease was not renewed").count();
        let before = failures(&first.logs().await);
        // Nothing listens there.
        proxy.lead_to(1);
        first.until_logs(|logs| failures(logs) > before).await;
        proxy.lead_to(bed.port());
        let answer = sent.await.unwrap().expect("it is answered");
        pay.to(&second).send().await.assert_replay_of(answer.assert_executed(201));
        second.assert_counts(path, 1, 1).await;
    }
}

pub(crate) async fn fault_renewal_fails_beyond_lease(bed: &Bed) {
    let (proxy, first) = behind_a_proxy(bed).await;
    let second = bed.start().await;
    let pay = first.pay_with("/takeover", "k", &json!({ "once": true, "gate": true }));
    let sent = pay.start();
    first.until("k", 1, 1).await;
    proxy.lead_to(1);
    // It is cut off: nobody opens its gate.
    sent.await.unwrap().expect("it is answered").assert_problem(Problem::OutcomeUnknown);
    let winner = pay.to(&second).until_settled().await;
    winner.assert_executed(201);
    proxy.lead_to(bed.port());
    first.open_gate("k").await;
    pay.until(|answer| !answer.is(Problem::StoreUnavailable)).await.assert_replay_of(&winner);
    second.assert_counts("k", 2, 2).await;
    assert_eq!(bed.finished("k"), 1, "the one that was cut off went on");
}

pub(crate) async fn fault_completion_reply_lost(bed: &Bed) {
    let (proxy, first) = behind_a_proxy(bed).await;
    let second = bed.start().await;
    let pay = first.pay_with("/payments", "k", &json!({ "delay_ms": 100 }));
    proxy.cut_after(COMPLETION);
    let sent = pay.start();
    proxy.sprung().await;
    let answer = sent.await.unwrap().expect("it is answered");
    answer.assert_executed(201);
    pay.to(&second).send().await.assert_replay_of(&answer);
    second.assert_counts("k", 1, 1).await;
}
