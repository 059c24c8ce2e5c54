//! Queue consumers that share one store and are killed at random. Each of 10,000 messages is delivered 1 to
//! 5 times, in random order, to 4 consumers in 2 processes.
//!
//! The test is the broker, and the provider that the consumers call. The consumer processes run the same
//! program; `consumer.rs` is their code.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod broker;
mod consumer;
#[path = "../harness/mod.rs"]
mod harness;
mod process;
mod provider;

use std::collections::HashSet;

use idem_testkit::servers::RedisServer;

use broker::{Broker, Settled};
use consumer::Guarantee;
use process::Fleet;
use provider::Ledger;

const MESSAGES: u64 = 10_000;

/// Delivers all messages. Returns how they were settled, and the calls of the provider.
async fn deliver_all(guarantee: Guarantee) -> (Settled, Ledger) {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(rand::random::<u64>);
    println!("set SEED={seed} to repeat these deliveries and kills");

    let redis = RedisServer::start(&[]);
    let broker = Broker::listen(seed).await;
    let fleet = Fleet::start(broker.address(), &redis.url(), guarantee);
    broker.deliver(MESSAGES, fleet).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_least_once_has_one_effect_per_message_at_a_provider_that_accepts_keys() {
    let (settled, ledger) = deliver_all(Guarantee::AtLeastOnce).await;
    assert!(settled.unknown.is_empty(), "{:?}", settled.unknown);
    assert_eq!(settled.acknowledged.len() as u64, MESSAGES);
    assert_eq!(ledger.effects_by_key(), MESSAGES, "one effect for each downstream key");
    assert!((0..MESSAGES).all(|message| ledger.keys_of(message) == 1), "one key for each message");
    assert!(
        ledger.calls() > MESSAGES,
        "no process was killed during a run, so the test proves nothing"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_once_never_repeats_an_effect_or_loses_one_silently() {
    let (settled, ledger) = deliver_all(Guarantee::AtMostOnce).await;
    let affected: HashSet<u64> =
        (0..MESSAGES).filter(|message| ledger.calls_of(*message) > 0).collect();
    assert_eq!(ledger.calls(), affected.len() as u64, "no effect twice");
    let reported = |message: &u64| affected.contains(message) || settled.unknown.contains(message);
    assert!((0..MESSAGES).all(|message| reported(&message)), "lost silently");
    assert!(settled.acknowledged.is_subset(&affected), "acknowledged without an effect");
    assert!(
        !settled.unknown.is_empty(),
        "no process was killed during a run, so the test proves nothing"
    );
}

/// The program of the processes of [`Fleet`].
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other tests start it as a process"]
async fn consumer_process() {
    consumer::run().await;
}
