//! A store that does not answer the renewals of one claim.

use std::future::pending;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use idem_core::store::Changed;
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, RecordId,
    StoreFuture, Update,
};
use idem_core::{MemoryStore, Policy};
use tokio::sync::watch;

use super::log::{heard, listen};
use crate::support::{AT_LEAST_ONCE, AT_MOST_ONCE, Service, done, ran, refused};

/// Never answers the renewals of the claim that was renewed first.
#[derive(Clone, Debug, Default)]
struct Silent {
    store: MemoryStore,
    first: Arc<OnceLock<RecordId>>,
    /// How many renewals there were of the first claim, and of others.
    renewals: Arc<watch::Sender<(u32, u32)>>,
}

impl Silent {
    /// Resolves when claims other than the first were renewed `more` times from now on.
    async fn until_others_were_renewed(&self, more: u32) {
        let mut renewals = self.renewals.subscribe();
        let others = renewals.borrow().1 + more;
        renewals.wait_for(|renewals| renewals.1 >= others).await.unwrap();
    }
}

impl IdempotencyStore for Silent {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        self.store.claim(id, request)
    }

    fn renew(&self, claim: Claim, lease: Duration, ttl: Duration) -> StoreFuture<Update> {
        if *self.first.get_or_init(|| claim.id) == claim.id {
            self.renewals.send_modify(|renewals| renewals.0 += 1);
            return StoreFuture::new(pending());
        }
        self.renewals.send_modify(|renewals| renewals.1 += 1);
        self.store.renew(claim, lease, ttl)
    }

    fn complete(&self, claim: Claim, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        self.store.complete(claim, completion, ttl)
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.store.release(claim)
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.store.abandon(id, nonce)
    }

    fn changed(&self, id: RecordId) -> Changed {
        self.store.changed(id)
    }
}

/// Long enough that a busy machine does not starve the thread that renews it.
const SHORT: Duration = Duration::from_millis(600);
static RENEWED: Policy = AT_LEAST_ONCE.with_lease(SHORT);
static CUT: Policy = AT_MOST_ONCE.with_lease(SHORT).with_max_run(Duration::from_secs(2));
/// There are four fifths of a third of a lease between two of them, at least.
const MOST_RENEWALS: u32 = 12;

#[tokio::test]
async fn renewals_that_are_never_answered_are_warned_of_hold_up_no_others_and_end_with_their_run() {
    listen();
    let store = Silent::default();
    let service = Service::new(store.clone());
    let first = service.spawn(&CUT, "first", pending());
    let mut renewals = store.renewals.subscribe();
    renewals.wait_for(|renewals| renewals.0 > 0).await.unwrap();

    let inside = store.clone();
    let other = service.send(&RENEWED, "other", async move {
        assert_eq!(first.await.unwrap(), refused("OutcomeUnknown"), "it ran for too long");
        let unanswered = inside.renewals.borrow().0;
        assert!(unanswered <= MOST_RENEWALS, "{unanswered}");
        inside.until_others_were_renewed(4).await;
        assert_eq!(inside.renewals.borrow().0, unanswered);
        done("other").await
    });
    assert_eq!(other.await, ran("other"), "its lease was kept");

    let record = format!("record={}", store.first.get().unwrap());
    let warned = |line: &str| line.contains("a lease was not renewed") && line.contains(&record);
    assert!(heard().lines().any(warned));
}
