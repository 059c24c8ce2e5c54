//! Refusals at a limit that the operator set.

use idem_core::http::Scope;
use idem_core::{Idempotency, IdempotencyKey, MemoryStore};

use super::log::{logged, start_log};
use crate::support::{AT_MOST_ONCE, Gate, Service, done, refused};

/// An alert on errors must not fire.
#[tokio::test]
async fn a_refusal_at_the_limit_of_runs_is_a_warning() {
    start_log();
    let service = Service::with(Idempotency::builder(MemoryStore::new()).max_runs(1).build());
    let call = |key| {
        let key = IdempotencyKey::new(key).unwrap();
        let operation = ["POST", "/limited"];
        service.idempotency.call(&AT_MOST_ONCE, &operation, Scope::global(), &key).unwrap()
    };
    let gate = Gate::default();
    let (running, first) = (service.clone(), call("one"));
    let handler = gate.then("first");
    drop(tokio::spawn(async move { running.run(first, handler).await }));
    gate.started().await;
    assert_eq!(service.run(call("two"), done("second")).await, refused("TooManyRuns"));

    let log = logged();
    let events: Vec<_> = log.lines().filter(|line| line.contains("refused")).collect();
    let of_this_test: Vec<_> = events.iter().filter(|line| line.contains("/limited")).collect();
    let [event] = of_this_test[..] else { panic!("{of_this_test:?}") };
    assert!(event.contains(" WARN "), "{event}");
}
