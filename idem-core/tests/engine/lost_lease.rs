//! Runs that lose their lease before their handler ends. The handler is cancelled, and its client gets the
//! accepted result if there is one.

use std::time::Duration;

use idem_core::{MemoryStore, Policy};
use tokio::select;
use tokio::task::JoinHandle;

use crate::support::{AT_LEAST_ONCE, Gate, Response, Service, ran, refused, replayed};

/// A run detects the loss of its lease at the next renewal, after a third of the lease. The lease is longer than a
/// busy machine needs for the takeover, because a run without a renewal for a whole lease ends by itself.
static SHORT: Policy = AT_LEAST_ONCE.with_lease(SHORT_LEASE);
const SHORT_LEASE: Duration = Duration::from_secs(9);

/// A run that does not end by itself, and the run that took over its key.
struct Takeover {
    service: Service,
    first: JoinHandle<Response>,
    second: JoinHandle<Response>,
    second_gate: Gate,
}

impl Takeover {
    async fn new(second_gate: Gate) -> Self {
        let store = MemoryStore::new();
        let service = Service::new(store.clone());
        let never = Gate::default();
        let first = service.spawn(&SHORT, "key", never.then("first"));
        never.started().await;
        loop {
            store.advance_clock(SHORT_LEASE);
            let mut second = service.spawn(&AT_LEAST_ONCE, "key", second_gate.then("second"));
            select! {
                biased;
                () = second_gate.started() => {
                    return Self { service, first, second, second_gate };
                }
                // The lease of the first run was renewed in the meantime.
                response = &mut second => assert_eq!(response.unwrap(), refused("InProgress")),
            }
        }
    }
}

#[tokio::test]
async fn the_client_of_a_lost_run_gets_the_accepted_result() {
    let second_gate = Gate::default();
    second_gate.open();
    let Takeover { service, first, second, .. } = Takeover::new(second_gate).await;
    assert_eq!(second.await.unwrap(), ran("second"));
    assert_eq!(first.await.unwrap(), replayed("second"));
    assert_eq!(service.runs(), 2);
}

#[tokio::test]
async fn the_outcome_is_unknown_to_the_client_of_a_lost_run_while_the_other_runs() {
    let Takeover { service, first, second, second_gate } = Takeover::new(Gate::default()).await;
    assert_eq!(first.await.unwrap(), refused("OutcomeUnknown { retry_after: None }"));
    second_gate.open();
    assert_eq!(second.await.unwrap(), ran("second"), "the lost run changed nothing");
    assert_eq!(service.runs(), 2);
}
