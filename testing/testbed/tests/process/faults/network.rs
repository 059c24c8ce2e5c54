//! The network between a process and its store loses requests and replies.

use idem_testkit::servers::{Proxy, Replies};
use serde_json::json;

use crate::support::{IMPATIENT, Problem, Server, TestEnv};

/// The number of payments that warm a process up, each on its own connection.
const WARM: usize = 8;

/// Starts a process with a proxy in front of its store. Its first payments open the connections of all threads
/// and prepare their statements. A reply that is lost later is then the one that the test intends.
pub(super) async fn behind_a_proxy(env: &TestEnv) -> (Proxy, Server) {
    let (proxy, url) = env.proxy().await;
    let server = env.start_on(&url, &IMPATIENT, &[]).await;
    for n in 0..WARM {
        let pay = server.pay("/payments", &format!("warm{n}"));
        let pay = pay.over(reqwest::Client::new());
        assert_eq!(pay.until(|response| response.status == 201).await.status, 201);
    }
    (proxy, server)
}

/// Returns a text in the claims of a route: the name of its operation. Renewals and other calls do not contain it.
pub(super) fn claim_of(path: &str) -> String {
    format!("POST {path}")
}

/// A text in the completion of key `k`, the only call that contains the response.
const COMPLETION: &str = r#""note":"k""#;

pub(crate) async fn fault_crash_after_claim_before_handler(env: &TestEnv) {
    let (proxy, first) = behind_a_proxy(env).await;
    let second = env.start().await;
    let pay = first.pay("/hold", "k");
    proxy.silence_after(claim_of("/hold"));
    let sent = pay.start();
    env.until_records(WARM + 1).await;
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "the killed process sent no response");
    pay.to(&second).until_settled().await.assert_problem(Problem::OutcomeUnknown);
    second.assert_counts("k", 0, 0).await;
}

pub(crate) async fn fault_crash_after_completion_before_reply(env: &TestEnv) {
    let (proxy, first) = behind_a_proxy(env).await;
    let second = env.start().await;
    let pay = first.pay_with("/payments", "k", &json!({ "delay_ms": 300 }));
    proxy.silence_after(COMPLETION);
    let sent = pay.start();
    proxy.triggered().await;
    // The process does not get a reply when it retries either.
    proxy.replies(Replies::Swallow);
    let replay = pay.to(&second).until_settled().await;
    replay.assert_replay();
    first.kill().await;
    // On a busy machine the process may have responded before, because it waits for the store for two seconds only.
    if let Some(response) = sent.await.unwrap() {
        replay.assert_replay_of(response.assert_executed(201));
    }
    pay.to(&second).until_settled().await.assert_replay_of(&replay);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_renewal_fails_briefly(env: &TestEnv) {
    let (proxy, first) = behind_a_proxy(env).await;
    let second = env.start().await;
    for path in ["/hold", "/takeover"] {
        let pay = first.pay_with(path, path, &json!({ "delay_ms": 1500 }));
        let sent = pay.start_run(&first, 1).await;
        let failures = |logs: &str| logs.matches("a lease was not renewed").count();
        let before = failures(&first.logs().await);
        // No server listens on port 1.
        proxy.redirect_to(1);
        first.until_logs(|logs| failures(logs) > before).await;
        proxy.redirect_to(env.port());
        let response = sent.await.unwrap().expect("a response");
        pay.to(&second).until_settled().await.assert_replay_of(response.assert_executed(201));
        second.assert_counts(path, 1, 1).await;
    }
}

pub(crate) async fn fault_renewal_fails_beyond_lease(env: &TestEnv) {
    let (proxy, first) = behind_a_proxy(env).await;
    let second = env.start().await;
    let pay = first.pay_with("/takeover", "k", &json!({ "once": true, "gate": true }));
    let sent = pay.start_run(&first, 1).await;
    proxy.redirect_to(1);
    // The run is cancelled: its gate is closed.
    sent.await.unwrap().expect("a response").assert_problem(Problem::OutcomeUnknown);
    let winner = pay.to(&second).until_settled().await;
    winner.assert_executed(201);
    proxy.redirect_to(env.port());
    first.open_gate("k").await;
    pay.until(|response| !response.is(Problem::StoreUnavailable)).await.assert_replay_of(&winner);
    second.assert_counts("k", 2, 2).await;
    assert_eq!(env.finished("k"), 1, "the cancelled run continued");
}

pub(crate) async fn fault_completion_reply_lost(env: &TestEnv) {
    let (proxy, first) = behind_a_proxy(env).await;
    let second = env.start().await;
    let pay = first.pay_with("/payments", "k", &json!({ "delay_ms": 100 }));
    proxy.cut_after(COMPLETION);
    let sent = pay.start();
    proxy.triggered().await;
    let response = sent.await.unwrap().expect("a response");
    response.assert_executed(201);
    pay.to(&second).until_settled().await.assert_replay_of(&response);
    second.assert_counts("k", 1, 1).await;
}
