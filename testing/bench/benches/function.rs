//! A guarded function next to the bare one, on the memory store: first call and replay.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use idem_core::function::{Failure, Rejected};
use idem_core::{Idempotency, MemoryStore, idempotent};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

#[derive(Serialize)]
struct OrderPlaced {
    tenant: &'static str,
    id: u64,
    amount: u64,
}

#[derive(Serialize, Deserialize)]
struct Receipt {
    order: u64,
    amount: u64,
}

#[derive(Debug)]
struct OrderError;

impl From<Rejected> for OrderError {
    fn from(_: Rejected) -> Self {
        Self
    }
}

impl Failure for OrderError {
    fn rejected(&self) -> Option<&Rejected> {
        None
    }
}

async fn bare(event: &OrderPlaced) -> Result<Receipt, OrderError> {
    Ok(Receipt { order: event.id, amount: black_box(event.amount) })
}

#[idempotent(
    ttl = "1m",
    scope = "event.tenant",
    key = "event.id",
    guarantee = "at-least-once",
    fingerprint = "event"
)]
async fn guarded(idempotency: &Idempotency, event: &OrderPlaced) -> Result<Receipt, OrderError> {
    bare(event).await
}

fn function(c: &mut Criterion) {
    #[expect(clippy::expect_used, reason = "a benchmark")]
    let runtime = Runtime::new().expect("a runtime");
    let idempotency = Idempotency::new(MemoryStore::with_capacity(usize::MAX, usize::MAX));
    let mut group = c.benchmark_group("function");
    let event = |id| OrderPlaced { tenant: "acme", id, amount: 42 };
    group.bench_function("bare", |b| {
        b.iter(|| runtime.block_on(bare(&event(black_box(0)))));
    });
    let mut ids = 1..;
    group.bench_function("first call", |b| {
        b.iter(|| runtime.block_on(guarded(&idempotency, &event(ids.next().unwrap_or_default()))));
    });
    group.bench_function("replay", |b| {
        b.iter(|| runtime.block_on(guarded(&idempotency, &event(black_box(0)))));
    });
    group.finish();
}

criterion_group!(benches, function);
criterion_main!(benches);
