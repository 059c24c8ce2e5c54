//! Rejections of guarded functions, and their dispositions.

use std::collections::HashMap;
use std::error::Error;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use idem_core::function::{Disposition, Failure, Rejected};
use idem_core::observe::{Event, Observer};
use idem_core::{Drained, Idempotency, MemoryStore, idempotent};
use tokio::sync::Notify;

use crate::support::{OrderError, begin, fresh, pass, refused};
use crate::watchdog::watched;

/// So long that no renewal is due between a step of the store's clock and the next call.
const LEASE: Duration = Duration::from_secs(10 * 60);
const RETRY_AFTER: Duration = Duration::from_secs(7);

#[idempotent(
    ttl = "7d",
    scope = "tenant",
    key = "key",
    guarantee = "at-least-once",
    max_attempts = 1,
    lease = "10m",
    fingerprint = "amount"
)]
async fn pay(
    idempotency: &Idempotency,
    tenant: &str,
    key: &str,
    amount: u64,
    gate: Option<&Notify>,
) -> Result<(), OrderError> {
    if let Some(gate) = gate {
        pass(gate).await;
    }
    Ok(())
}

#[idempotent(
    ttl = "7d",
    scope = "global",
    key = "map.len()",
    guarantee = "at-most-once",
    fingerprint = "map"
)]
async fn compare(idempotency: &Idempotency, map: HashMap<(u8, u8), u8>) -> Result<(), OrderError> {
    Ok(())
}

fn disposition(result: &Result<(), OrderError>) -> (String, Disposition) {
    (refused(result), Disposition::of(result))
}

const fn redeliver(after: Duration) -> Disposition {
    Disposition::Redeliver { after }
}

#[tokio::test]
async fn a_running_duplicate_is_redelivered_after_a_lease() {
    let (idempotency, store, _) = fresh();
    let gate = Notify::new();
    let pay = |gate| pay(&idempotency, "acme", "key", 1, gate);
    let mut first = Box::pin(pay(Some(&gate)));
    begin(&mut first).await;
    let duplicate = pay(None).await;
    assert_eq!(disposition(&duplicate), ("InProgress".to_owned(), redeliver(LEASE)));

    store.advance_clock(LEASE);
    let late = pay(None).await;
    assert_eq!(disposition(&late), ("OutcomeUnknown".to_owned(), Disposition::DeadLetter));
    gate.notify_one();
    watched("the end of the first run", first).await.unwrap();
    assert!(pay(None).await.is_ok(), "the late owner resolved the outcome");
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-least-once", lease = "10m")]
async fn repeat(idempotency: &Idempotency, id: u64, gate: &Notify) -> Result<(), OrderError> {
    pass(gate).await;
    Ok(())
}

#[tokio::test]
async fn a_run_that_lost_its_lease_is_redelivered() {
    let (idempotency, store, _) = fresh();
    let gates = [Notify::new(), Notify::new()];
    let mut first = Box::pin(repeat(&idempotency, 1, &gates[0]));
    begin(&mut first).await;
    store.advance_clock(LEASE);
    let mut second = Box::pin(repeat(&idempotency, 1, &gates[1]));
    begin(&mut second).await;
    gates[0].notify_one();
    let late = watched("the end of the late run", first).await;
    assert_eq!(disposition(&late), ("OutcomeUnknown".to_owned(), redeliver(LEASE)));
    gates[1].notify_one();
    watched("the end of the second run", second).await.unwrap();
}

#[tokio::test]
async fn a_call_that_can_never_succeed_is_dead_lettered() {
    let (idempotency, ..) = fresh();
    let call = async |tenant: &str, key: &str, amount: u64| {
        let result = pay(&idempotency, tenant, key, amount, None).await;
        assert_eq!(Disposition::of(&result), Disposition::DeadLetter);
        refused(&result)
    };
    assert_eq!(call("acme", "", 1).await, "KeyInvalid");
    assert_eq!(call(" ", "key", 1).await, "ScopeEmpty");
    pay(&idempotency, "acme", "key", 1, None).await.unwrap();
    assert_eq!(call("acme", "key", 2).await, "KeyReused");

    let no_json = compare(&idempotency, HashMap::from([((0, 0), 0)])).await;
    assert_eq!(disposition(&no_json), ("FingerprintInvalid".to_owned(), Disposition::DeadLetter));
}

/// Keeps the operation of each call.
#[derive(Clone, Default)]
struct Operations(Arc<Mutex<Vec<String>>>);

impl Observer for Operations {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Call { operation, .. } = event {
            self.0.lock().unwrap().push((*operation).to_owned());
        }
    }
}

#[tokio::test]
async fn a_fingerprint_that_cannot_be_compared_is_an_event_of_its_operation() {
    let operations = Operations::default();
    let builder = Idempotency::builder(MemoryStore::new()).observer(operations.clone());
    let no_json = compare(&builder.build(), HashMap::from([((0, 0), 0)])).await;
    assert_eq!(refused(&no_json), "FingerprintInvalid");
    assert_eq!(*operations.0.lock().unwrap(), ["compare"]);
}

#[tokio::test]
async fn a_call_that_may_succeed_later_is_redelivered() {
    let builder = Idempotency::builder(MemoryStore::new()).retry_after(RETRY_AFTER);
    let idempotency = builder.keys_per_scope(NonZeroU32::MIN).build();
    pay(&idempotency, "acme", "one", 1, None).await.unwrap();
    let at_quota = pay(&idempotency, "acme", "two", 1, None).await;
    assert_eq!(disposition(&at_quota), ("TooManyKeys".to_owned(), redeliver(RETRY_AFTER)));

    assert_eq!(idempotency.drain(Duration::ZERO).await, Drained::Finished);
    let draining = pay(&idempotency, "globex", "key", 1, None).await;
    assert_eq!(disposition(&draining), ("Draining".to_owned(), redeliver(RETRY_AFTER)));
}

#[tokio::test]
async fn a_rejection_appears_once_in_the_chain_and_keeps_its_source() {
    let (idempotency, ..) = fresh();
    let error = pay(&idempotency, "acme", "", 1, None).await.unwrap_err();
    let rejected: &Rejected = error.rejected().unwrap();
    assert_eq!(rejected.to_string(), rejected.rejection().to_string());
    let source = rejected.source().unwrap().to_string();
    assert!(source.contains("send 1 to 255 printable ASCII characters"), "{source}");
}
