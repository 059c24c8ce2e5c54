//! Runs the example as a process, with a NATS server.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::{Child, Command, Stdio};

use idem_testkit::servers::NatsServer;

fn start(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_orders-consumer"))
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The output of a consumer after it has ended.
fn summary(consumer: Child) -> String {
    let output = consumer.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn one_charge_for_each_order() {
    let nats = NatsServer::start();
    let summary = summary(start(&["--nats", &nats.url()]));
    assert!(summary.contains(": 100 charges\n"), "{summary}");
    assert!(summary.ends_with(" 1 dead-lettered\n"), "{summary}");
    assert!(
        !summary.contains(" 0 redelivered"),
        "no delivery failed, so the test proves nothing: {summary}"
    );
}

#[cfg(feature = "redis")]
#[test]
fn two_consumers_on_one_redis_charge_once_for_each_order() {
    let redis = idem_testkit::servers::RedisServer::start(&[]);
    two_consumers_charge_once_for_each_order(&redis.url());
}

#[cfg(feature = "postgres")]
#[test]
fn two_consumers_on_one_postgres_charge_once_for_each_order() {
    let postgres = idem_testkit::servers::PostgresServer::start(&[]);
    two_consumers_charge_once_for_each_order(&postgres.url());
}

#[cfg(any(feature = "redis", feature = "postgres"))]
fn two_consumers_charge_once_for_each_order(store: &str) {
    let nats = NatsServer::start();
    let consumers = [(); 2].map(|()| start(&["--nats", &nats.url(), "--store", store]));
    for summary in consumers.map(summary) {
        assert!(summary.contains(": 100 charges\n"), "{summary}");
    }
}
