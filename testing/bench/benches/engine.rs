//! The engine on the memory store: first execution, replay and a contended claim, by number of threads.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use idem_core::http::{Executed, Scope};
use idem_core::store::{Completion, Headers, StoredResponse};
use idem_core::{Guarantee, Idempotency, IdempotencyKey, MemoryStore, Outcome, Policy};

static POLICY: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);

/// The key of a thread in a round.
type Keys = fn(thread: u64, round: u64) -> u64;

/// The workloads, from no contention to full contention.
const WORKLOADS: [(&str, Keys); 3] = [
    ("first execution", |thread, round| thread << 48 | round),
    ("replay", |thread, _| thread),
    // All threads use the same key. One runs, and the others are refused or get its response.
    ("contended claim", |_, round| round),
];

fn engine(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine");
    for threads in [1, 2, 4] {
        for (name, keys) in WORKLOADS {
            group.bench_function(BenchmarkId::new(name, threads), |b| {
                b.iter_custom(|rounds| on_threads(threads, rounds, keys));
            });
        }
    }
    group.finish();
}

/// Returns the time that `threads` threads take for `rounds` calls each.
fn on_threads(threads: u64, rounds: u64, keys: Keys) -> Duration {
    let idempotency = Idempotency::new(MemoryStore::with_capacity(usize::MAX, usize::MAX));
    let start = Barrier::new(threads as usize);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..threads)
            .map(|thread| {
                let (idempotency, start) = (&idempotency, &start);
                scope.spawn(move || calls(idempotency, start, rounds, |round| keys(thread, round)))
            })
            .collect();
        runs.into_iter().filter_map(|run| run.join().ok()).max().unwrap_or_default()
    })
}

fn calls(
    idempotency: &Idempotency,
    start: &Barrier,
    rounds: u64,
    key: impl Fn(u64) -> u64,
) -> Duration {
    #[expect(clippy::expect_used, reason = "a benchmark")]
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let scope = Scope::of("tenant");
    runtime.block_on(async {
        start.wait();
        let started = Instant::now();
        for round in 0..rounds {
            let key = IdempotencyKey::of(&key(round))
                .unwrap_or_else(|error| unreachable!("a number is a key: {error}"));
            let call = idempotency.call(&POLICY, &["POST", "/payments"], scope, &key);
            let call = call.unwrap_or_else(|error| unreachable!("the scope is not empty: {error}"));
            drop(idempotency.run(call, |_| async { executed() }, executed).await);
        }
        started.elapsed()
    })
}

fn executed() -> Executed<()> {
    let response = StoredResponse::new(201, Headers::default(), Bytes::from_static(&[b'x'; 1024]));
    Executed::new((), Outcome::Final, Completion::Response(response))
}

criterion_group!(benches, engine);
criterion_main!(benches);
