//! The cost of a fingerprint, by kind and size of the body.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use idem_core::http::RequestParts;
use idem_core::{Guarantee, Idempotency, MemoryStore, Policy};

const JSON: Policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);
const RAW: Policy = JSON.with_raw_fingerprint();

fn fingerprints(c: &mut Criterion) {
    let idempotency = Idempotency::new(MemoryStore::new());
    let mut group = c.benchmark_group("fingerprint");
    for size in [1 << 10, 64 << 10] {
        group.throughput(Throughput::Bytes(size as u64));
        for (name, body, policy) in [
            ("raw", objects(size), &RAW),
            ("json, one long text", text(size), &JSON),
            ("json, small members out of order", objects(size), &JSON),
            ("json, 127 levels out of order", nested(size), &JSON),
        ] {
            let request = RequestParts {
                method: "POST",
                path: "/payments",
                query: None,
                content_type: Some(b"application/json"),
                body: body.as_bytes(),
            };
            group.bench_function(BenchmarkId::new(name, size), |b| {
                b.iter(|| idempotency.fingerprint_request(policy, black_box(&request)));
            });
        }
    }
    group.finish();
}

/// Returns an array of small objects with members out of order, of about `size` bytes.
fn objects(size: usize) -> String {
    let item = r#"{"sku":"A-1000","quantity":2,"price":"19.90","note":"gift, \u00fc"}"#;
    let items = vec![item; size / (item.len() + 1)];
    format!("[{}]", items.join(","))
}

/// Returns an object that is nested 127 levels deep, with members out of order on each level, of about `size`
/// bytes.
fn nested(size: usize) -> String {
    let text = "n".repeat(size.saturating_sub(127 * 13));
    format!("{}\"{text}\"{}", r#"{"b":1,"a":"#.repeat(127), "}".repeat(127))
}

/// Returns an object of `size` bytes that consists mostly of one text.
fn text(size: usize) -> String {
    format!(r#"{{"amount":4200,"currency":"EUR","note":"{}"}}"#, "n".repeat(size - 43))
}

criterion_group!(benches, fingerprints);
criterion_main!(benches);
