//! A run loses its lease before its handler ends. The handler is cancelled, and its client gets the accepted
//! result if one exists.

use std::time::Duration;

use idem_core::{MemoryStore, Policy};
use tokio::select;
use tokio::task::JoinHandle;

use crate::support::{AGAIN, AT_LEAST_ONCE, Gate, Seen, Service, ran, refused, replayed};

/// Renewed so often that a run soon hears of its loss.
static BRIEFLY: Policy = AT_LEAST_ONCE.with_lease(BRIEF);
const BRIEF: Duration = Duration::from_millis(1500);

/// A run that nobody lets end, and one that took over its key.
struct Overtaken {
    service: Service,
    first: JoinHandle<Seen>,
    second: JoinHandle<Seen>,
    second_gate: Gate,
}

impl Overtaken {
    async fn new(second_gate: Gate) -> Self {
        let store = MemoryStore::new();
        let service = Service::new(store.clone());
        let never = Gate::default();
        let first = service.spawn(&BRIEFLY, "key", never.then("first"));
        never.started().await;
        loop {
            store.advance_clock(BRIEF);
            let mut second = service.spawn(&AGAIN, "key", second_gate.then("second"));
            select! {
                biased;
                () = second_gate.started() => {
                    return Self { service, first, second, second_gate };
                }
                // The first was renewed in that moment.
                seen = &mut second => assert_eq!(seen.unwrap(), refused("InProgress")),
            }
        }
    }
}

#[tokio::test]
async fn its_client_gets_the_accepted_result() {
    let second_gate = Gate::default();
    second_gate.open();
    let Overtaken { service, first, second, .. } = Overtaken::new(second_gate).await;
    assert_eq!(second.await.unwrap(), ran("second"));
    assert_eq!(first.await.unwrap(), replayed("second"));
    assert_eq!(service.runs(), 2);
}

#[tokio::test]
async fn its_client_learns_nothing_while_the_other_runs() {
    let Overtaken { service, first, second, second_gate } = Overtaken::new(Gate::default()).await;
    assert_eq!(first.await.unwrap(), refused("OutcomeUnknown"));
    second_gate.open();
    assert_eq!(second.await.unwrap(), ran("second"), "it only looked");
    assert_eq!(service.runs(), 2);
}
