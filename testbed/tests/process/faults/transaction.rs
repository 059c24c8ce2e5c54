//! Effects in the transaction of their record, and a database that stops (rows 9 and 61).

use idem_conformance::servers::PostgresServer;
use serde_json::json;

use crate::support::{Answer, Bed, Problem};

pub(crate) async fn fault_09_killed_in_its_transaction(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start().await);
    let pay = first.pay_with("/tx-payments", "k", &json!({ "once": true, "delay_ms": 600_000 }));
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

pub(crate) async fn fault_61_the_database_stops_at_once(bed: &Bed) {
    let mut postgres = PostgresServer::start(&[]);
    let first = bed.start_on(&postgres.url(), &[], &[]).await;
    let second = bed.start_on(&postgres.url(), &[], &[]).await;
    let pay = first.pay_with("/payments", "k", &json!({ "delay_ms": 300 }));
    let sent = pay.start();
    first.until("k", 1, 1).await;
    postgres.stop_immediately();
    postgres.restart();
    let answer = sent.await.unwrap().expect("it is answered");
    answer.assert_executed(201);
    let again = pay.to(&second);
    let again = again.until(Answer::is_replay).await;
    again.assert_replay_of(&answer);
    second.assert_counts("k", 1, 1).await;
}
