//! The observer allocates nothing after the first call of an operation. It has a program of its own, because it counts the
//! allocations of the process.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use idem_core::http::{Executed, Scope};
use idem_core::observe::{Event, Observer};
use idem_core::store::{Completion, Headers, StoredResponse};
use idem_core::{Guarantee, Idempotency, IdempotencyKey, MemoryStore, Outcome, Policy};
use idem_metrics::Metrics;
use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// A recorder whose handles do not allocate, so that only the allocations of the observer are counted.
struct Atomics;

#[derive(Default)]
struct Records(AtomicU64);

impl HistogramFn for Records {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Recorder for Atomics {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(AtomicU64::new(0)))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::new(AtomicU64::new(0)))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Records::default()))
    }
}

static POLICY: Policy = Policy::new(Duration::from_secs(3600), Guarantee::AtMostOnce);

fn executed() -> Executed<()> {
    let response = StoredResponse::new(201, Headers::default(), Bytes::new());
    Executed::new((), Outcome::Final, Completion::Response(response))
}

/// The allocations of a first call, and of a replay of it.
fn allocations(idempotency: &Idempotency, key: &str) -> [u64; 2] {
    [(); 2].map(|()| {
        let counted = allocation_counter::measure(|| {
            let key = IdempotencyKey::new(key).unwrap();
            let operation = ["POST", "/pay"];
            let call = idempotency.call(&POLICY, &operation, Scope::of("acme"), &key).unwrap();
            let served = idempotency.run(call, |_| async { executed() }, executed);
            drop(served.now_or_never().expect("the memory store replies immediately"));
        });
        counted.count_total
    })
}

/// The median, because the maps of the memory store grow now and then.
fn median(idempotency: &Idempotency) -> [u64; 2] {
    // The first calls start the lease manager, and register the handles of the operation.
    allocations(idempotency, "first");
    let counted: Vec<_> = (0..101).map(|n| allocations(idempotency, &format!("key-{n}"))).collect();
    [0, 1].map(|index| {
        let mut values: Vec<_> = counted.iter().map(|of_call| of_call[index]).collect();
        values.sort_unstable();
        values[50]
    })
}

struct Allocates;

impl Observer for Allocates {
    fn observe(&self, event: &Event<'_>) {
        drop(black_box(format!("{event:?}")));
    }
}

#[test]
fn a_call_allocates_nothing_for_the_observer() {
    metrics::set_global_recorder(Atomics).unwrap_or_else(|_| panic!("the first recorder"));
    let plain = median(&Idempotency::new(MemoryStore::new()));
    let observed = Idempotency::builder(MemoryStore::new()).observer(Metrics::new()).build();
    assert_eq!(median(&observed), plain);
    // The count notices an observer that allocates.
    let allocates = Idempotency::builder(MemoryStore::new()).observer(Allocates).build();
    assert!(median(&allocates)[0] > plain[0] && median(&allocates)[1] > plain[1]);
}

/// Prints the cost of the observer: `cargo test --release --test cost -- --ignored --nocapture`.
#[test]
#[ignore = "prints times"]
fn print_the_cost() {
    let time = |idempotency: &Idempotency| {
        let mut best = [Duration::MAX; 2];
        for round in 0..30_u32 {
            let calls = 5_000_u32;
            let started = std::time::Instant::now();
            for n in 0..calls {
                run_once(idempotency, &format!("{round}-{n}"));
            }
            best[0] = best[0].min(started.elapsed() / calls);
            let started = std::time::Instant::now();
            for _ in 0..calls {
                run_once(idempotency, "0-0");
            }
            best[1] = best[1].min(started.elapsed() / calls);
        }
        best
    };
    let store = || MemoryStore::with_capacity(1_000_000, usize::MAX);
    drop(metrics::set_global_recorder(Atomics));
    println!("without an observer: {:?}", time(&Idempotency::new(store())));
    let observed = Idempotency::builder(store()).observer(Metrics::new()).build();
    println!("with idem-metrics: {:?}", time(&observed));
}

fn run_once(idempotency: &Idempotency, key: &str) {
    let key = IdempotencyKey::new(key).unwrap();
    let call = idempotency.call(&POLICY, &["POST", "/pay"], Scope::of("acme"), &key).unwrap();
    drop(idempotency.run(call, |_| async { executed() }, executed).now_or_never());
}
