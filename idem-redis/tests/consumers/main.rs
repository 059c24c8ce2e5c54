//! Queue consumers that are killed at random, over one store: 10,000 messages, each delivered 1 to 5 times
//! in random order to 4 consumers in 2 processes.
//!
//! The test is the broker, and the provider that consumers have an effect at. A consumer process is this
//! program again, and what it does is `consumer.rs`.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod broker;
mod consumer;
mod process;
mod provider;

use std::collections::HashSet;

use idem_testkit::servers::RedisServer;

use broker::{Broker, Settled};
use consumer::Guarantee;
use process::Fleet;
use provider::Ledger;

const MESSAGES: u64 = 10_000;

/// Delivers all messages, and tells how they were settled and what was done for them.
async fn deliver_all(guarantee: Guarantee) -> (Settled, Ledger) {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(rand::random::<u64>);
    println!("SEED={seed} gives these deliveries and kills again");

    let redis = RedisServer::start(&[]);
    let broker = Broker::listen(seed).await;
    let fleet = Fleet::start(broker.address(), &redis.url(), guarantee);
    broker.deliver(MESSAGES, fleet).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_least_once_effects_equal_messages_at_a_provider_that_takes_keys() {
    let (settled, ledger) = deliver_all(Guarantee::AtLeastOnce).await;
    assert!(settled.unknown.is_empty(), "{:?}", settled.unknown);
    assert_eq!(settled.acknowledged.len() as u64, MESSAGES);
    assert_eq!(ledger.by_key(), MESSAGES, "one effect for each derived key");
    assert!((0..MESSAGES).all(|message| ledger.keys_of(message) == 1), "one key for each message");
    assert!(ledger.calls() > MESSAGES, "nobody was killed in mid-run, so this showed nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_once_no_effect_is_made_twice_and_none_is_lost_silently() {
    let (settled, ledger) = deliver_all(Guarantee::AtMostOnce).await;
    let affected: HashSet<u64> =
        (0..MESSAGES).filter(|message| ledger.calls_of(*message) > 0).collect();
    assert_eq!(ledger.calls(), affected.len() as u64, "no effect twice");
    let reported = |message: &u64| affected.contains(message) || settled.unknown.contains(message);
    assert!((0..MESSAGES).all(|message| reported(&message)), "lost silently");
    assert!(settled.acknowledged.is_subset(&affected), "acknowledged without an effect");
    assert!(!settled.unknown.is_empty(), "nobody was killed in mid-run, so this showed nothing");
}

/// What the processes of [`Fleet`] run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a process that the tests beside it start"]
async fn consumer_process() {
    consumer::run().await;
}
