//! Renewals of one claim whose replies never arrive.

use std::future::pending;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use idem_core::store::Changed;
use idem_core::store::{Claim, IdempotencyStore, RecordId, StoreFuture, Update};
use idem_core::{MemoryStore, Policy};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::log::{logged, start_log};
use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, Response, Service, done, forward, ran, refused, watched,
};

/// A store that never replies to the renewals of one claim: the one that is renewed first.
#[derive(Clone, Debug, Default)]
struct Unresponsive {
    store: MemoryStore,
    first: Arc<OnceLock<RecordId>>,
    /// The number of renewals of that claim, and of all others.
    renewals: Arc<watch::Sender<(u32, u32)>>,
}

impl Unresponsive {
    /// Waits until the claim without replies was renewed.
    async fn wait_for_first_renewal(&self) {
        let mut renewals = self.renewals.subscribe();
        let renewed = async { renewals.wait_for(|renewals| renewals.0 > 0).await.map(drop) };
        watched("the first renewal", renewed).await.unwrap();
    }

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

/// Starts a run whose renewals get no reply, and waits for the first of them.
async fn run_without_replies(
    policy: &'static Policy,
) -> (Unresponsive, Service, JoinHandle<Response>) {
    let store = Unresponsive::default();
    let service = Service::new(store.clone());
    let first = service.spawn(policy, "first", pending());
    store.wait_for_first_renewal().await;
    (store, service, first)
}

/// The leases are still valid if a busy machine sends a renewal five seconds late. That of the run without replies
/// is longer: if its renewal delayed the other one, the other lease would end first.
static WITHOUT_REPLY: Policy = AT_MOST_ONCE.with_lease(Duration::from_secs(10));
static RENEWED: Policy = AT_LEAST_ONCE.with_lease(Duration::from_secs(9));

#[tokio::test]
async fn renewals_without_a_reply_delay_no_others() {
    let (store, service, _first) = run_without_replies(&WITHOUT_REPLY).await;
    let inner = store.clone();
    let other = service.send(&RENEWED, "other", async move {
        inner.wait_for_other_renewals(1).await;
        done("other").await
    });
    assert_eq!(other.await, ran("other"), "the other lease was renewed");
}

/// A lease that is renewed often. No other run can take over, so a late renewal ends no run.
static RENEWED_OFTEN: Policy = AT_MOST_ONCE.with_lease(SHORT_LEASE);
const SHORT_LEASE: Duration = Duration::from_millis(1500);
/// Long enough for a first renewal that a busy machine sends up to six seconds late.
static LIMITED_RUN: Policy = RENEWED_OFTEN.with_max_run(Duration::from_secs(7));
/// The renewals of a run of 7 s. Two of them are at least four fifths of a third of a lease apart.
const MOST_RENEWALS: u32 = 17;

#[tokio::test]
async fn renewals_without_a_reply_are_logged_and_end_with_their_run() {
    start_log();
    let (store, service, first) = run_without_replies(&LIMITED_RUN).await;
    let inner = store.clone();
    let other = service.send(&RENEWED_OFTEN, "other", async move {
        assert_eq!(
            first.await.unwrap(),
            refused("OutcomeUnknown { retry_after: None }"),
            "the run exceeded max_run"
        );
        let without_reply = inner.renewals.borrow().0;
        assert!(without_reply <= MOST_RENEWALS, "{without_reply}");
        inner.wait_for_other_renewals(5).await;
        let later = inner.renewals.borrow().0 - without_reply;
        assert!(later <= 1, "{later} renewals, and only one can have been under way");
        done("other").await
    });
    assert_eq!(other.await, ran("other"));

    let record = format!("record={}", store.first.get().unwrap());
    let is_warning =
        |line: &str| line.contains("a lease was not renewed") && line.contains(&record);
    assert!(logged().lines().any(is_warning));
}
