//! The store becomes unavailable or restarts.

use serde_json::json;

use crate::support::{Bed, OwnServer, Problem, Response};

pub(crate) async fn fault_store_outage_short(bed: &Bed) {
    let mut store = OwnServer::start(bed.store);
    let first = bed.start_on(&store.url(), &[], &[]).await;
    let second = bed.start_on(&store.url(), &[], &[]).await;
    let pay = first.pay_with("/payments", "k", &json!({ "delay_ms": 300 }));
    let sent = pay.start();
    first.until("k", 1, 1).await;
    store.restart();
    let answer = sent.await.unwrap().expect("it is answered");
    answer.assert_executed(201);
    pay.to(&second).until(Response::is_replay).await.assert_replay_of(&answer);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_store_outage_long(bed: &Bed) {
    let server = bed.start().await;
    server.set_store("down_on_complete").await;
    let pay = server.pay("/payments", "k");
    let answer = pay.send().await;
    answer.assert_executed(201);
    pay.send().await.assert_problem(Problem::InProgress);
    server.set_store("ok").await;
    pay.until_settled().await.assert_replay_of(&answer);
    server.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_store_outage_until_exit(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start().await);
    first.set_store("down_on_complete").await;
    let pay = first.pay("/hold", "k");
    pay.send().await.assert_executed(201);
    first.kill().await;
    pay.to(&second).until_settled().await.assert_problem(Problem::OutcomeUnknown);
    second.assert_counts("k", 1, 1).await;
}

pub(crate) async fn fault_store_outage_at_least_once(bed: &Bed) {
    let server = bed.start().await;
    server.set_store("down_on_complete").await;
    let pay = server.pay("/takeover", "k");
    pay.send().await.assert_problem(Problem::StoreUnavailable);
    server.set_store("ok").await;
    let settled = pay.until_settled().await;
    assert_eq!(settled.status, 201);
    pay.send().await.assert_replay_of(&settled);
}

pub(crate) async fn fault_redis_restarts_with_its_records(bed: &Bed) {
    restarts_with_its_records(bed).await;
}

pub(crate) async fn fault_postgres_restarts_with_its_records(bed: &Bed) {
    restarts_with_its_records(bed).await;
}

async fn restarts_with_its_records(bed: &Bed) {
    let mut store = OwnServer::start(bed.store);
    let server = bed.start_on(&store.url(), &[], &[]).await;
    let pay = server.pay("/payments", "k");
    let first = pay.send().await;
    first.assert_executed(201);
    store.restart();
    let settled = pay.until(|answer| !answer.is(Problem::StoreUnavailable)).await;
    settled.assert_replay_of(&first);
    server.assert_counts("k", 1, 1).await;
}
