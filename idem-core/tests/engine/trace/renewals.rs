//! Renewals of one claim whose replies never arrive.

use std::future::pending;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use idem_core::store::Changed;
use idem_core::store::{Claim, IdempotencyStore, RecordId, StoreFuture, Update};
use idem_core::{MemoryStore, Policy};
use tokio::sync::watch;

use super::log::{logged, start_log};
use crate::support::{AT_LEAST_ONCE, AT_MOST_ONCE, Service, done, forward, ran, refused, watched};

/// A store that never replies to the renewals of one claim: the one that is renewed first.
#[derive(Clone, Debug, Default)]
struct Unresponsive {
    store: MemoryStore,
    first: Arc<OnceLock<RecordId>>,
    /// The number of renewals of that claim, and of all others.
    renewals: Arc<watch::Sender<(u32, u32)>>,
}

impl Unresponsive {
    /// Waits until the other claims were renewed `more` times from now on.
    async fn wait_for_other_renewals(&self, more: u32) {
        let mut renewals = self.renewals.subscribe();
        let others = renewals.borrow().1 + more;
        let reached = async { renewals.wait_for(|renewals| renewals.1 >= others).await.map(drop) };
        watched("the renewal of the other leases", reached).await.unwrap();
    }
}

impl IdempotencyStore for Unresponsive {
    forward! { claim, complete, release, abandon }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        if *self.first.get_or_init(|| claim.id) == claim.id {
            self.renewals.send_modify(|renewals| renewals.0 += 1);
            return StoreFuture::new(pending());
        }
        self.renewals.send_modify(|renewals| renewals.1 += 1);
        self.store.renew(claim, lease, hold)
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        if *self.first.get_or_init(|| claim.id) == claim.id {
            self.renewals.send_modify(|renewals| renewals.0 += 1);
            return StoreFuture::new(pending());
        }
        self.renewals.send_modify(|renewals| renewals.1 += 1);
        self.store.resume_run(claim, lease, hold)
    }

    fn changed(&self, id: RecordId) -> Changed {
        self.store.changed(id)
    }
}

/// Long enough for a renewal that a busy machine sends up to two seconds late.
const SHORT_LEASE: Duration = Duration::from_secs(3);
static RENEWED: Policy = AT_LEAST_ONCE.with_lease(SHORT_LEASE);
static LIMITED_RUN: Policy =
    AT_MOST_ONCE.with_lease(SHORT_LEASE).with_max_run(Duration::from_secs(6));
/// The renewals of a run of 6 s. Two of them are at least four fifths of a third of a lease apart.
const MOST_RENEWALS: u32 = 7;

#[tokio::test]
async fn renewals_without_a_reply_are_logged_delay_no_others_and_end_with_their_run() {
    start_log();
    let store = Unresponsive::default();
    let service = Service::new(store.clone());
    let first = service.spawn(&LIMITED_RUN, "first", pending());
    let mut renewals = store.renewals.subscribe();
    let renewed = async { renewals.wait_for(|renewals| renewals.0 > 0).await.map(drop) };
    watched("the first renewal", renewed).await.unwrap();

    let inner = store.clone();
    let other = service.send(&RENEWED, "other", async move {
        assert_eq!(
            first.await.unwrap(),
            refused("OutcomeUnknown { retry_after: None }"),
            "the run exceeded max_run"
        );
        let without_reply = inner.renewals.borrow().0;
        assert!(without_reply <= MOST_RENEWALS, "{without_reply}");
        inner.wait_for_other_renewals(4).await;
        assert_eq!(inner.renewals.borrow().0, without_reply);
        done("other").await
    });
    assert_eq!(other.await, ran("other"), "the other lease was renewed");

    let record = format!("record={}", store.first.get().unwrap());
    let is_warning =
        |line: &str| line.contains("a lease was not renewed") && line.contains(&record);
    assert!(logged().lines().any(is_warning));
}
