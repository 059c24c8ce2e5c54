//! The store becomes unavailable or restarts.

use serde_json::json;

use crate::support::{Problem, Response, StoreServer, TestEnv};

pub(crate) async fn fault_store_outage_short(env: &TestEnv) {
    let mut store = StoreServer::start(env.store);
    let first = env.start_on(&store.url(), &[], &[]).await;
    let second = env.start_on(&store.url(), &[], &[]).await;
    let pay = first.pay_with("/payments", "k", &json!({ "delay_ms": 300 }));
    let sent = pay.start_run(&first, 1).await;
    store.restart();
    let response = sent.await.unwrap().expect("a response");
    response.assert_executed(201);
    pay.to(&second).until(Response::is_replay).await.assert_replay_of(&response);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_store_outage_long(env: &TestEnv) {
    let server = env.start().await;
    server.set_store("down_on_complete").await;
    let pay = server.pay("/payments", "k");
    let response = pay.send().await;
    response.assert_executed(201);
    pay.send().await.assert_problem(Problem::InProgress);
    server.set_store("ok").await;
    pay.until_settled().await.assert_replay_of(&response);
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_store_outage_until_exit(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    first.set_store("down_on_complete").await;
    let pay = first.pay("/hold", "k");
    pay.send().await.assert_executed(201);
    first.kill().await;
    pay.to(&second).until_settled().await.assert_problem(Problem::OutcomeUnknown);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_store_outage_at_least_once(env: &TestEnv) {
    let server = env.start().await;
    server.set_store("down_on_complete").await;
    let pay = server.pay("/takeover", "k");
    pay.send().await.assert_problem(Problem::StoreUnavailable);
    server.set_store("ok").await;
    let settled = pay.until_settled().await;
    assert_eq!(settled.status, 201);
    pay.until_settled().await.assert_replay_of(&settled);
}

pub(crate) async fn fault_redis_restarts_with_its_records(env: &TestEnv) {
    restarts_with_its_records(env).await;
}

pub(crate) async fn fault_postgres_restarts_with_its_records(env: &TestEnv) {
    restarts_with_its_records(env).await;
}

async fn restarts_with_its_records(env: &TestEnv) {
    let mut store = StoreServer::start(env.store);
    let server = env.start_on(&store.url(), &[], &[]).await;
    let pay = server.pay("/payments", "k");
    let first = pay.send().await;
    first.assert_executed(201);
    store.restart();
    let settled = pay.until(|response| !response.is(Problem::StoreUnavailable)).await;
    settled.assert_replay_of(&first);
    server.assert_counts("k", 1, 1).await;
}
