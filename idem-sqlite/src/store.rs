//! The store: reads are answered beside the writer, and changes are committed by it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use idem_core::state_machine::{self, Change, Slot};
use idem_core::store::{
    self, Changed, Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, DeleteExpired,
    IdempotencyStore, RecordAdmin, RecordId, StoreError, StoreFuture, Timestamp, Update,
};

use crate::health::{self, HealthIssue};
use crate::shared::Shared;
use crate::sweep;
use crate::writer::Kind;

/// A store that keeps records in a SQLite file. Clones share its connections and its thread.
///
/// See the [crate documentation](crate) for its guarantees and limits.
#[derive(Clone)]
pub struct SqliteStore(pub(crate) Arc<Shared>);

impl SqliteStore {
    /// Checks the file and its disk, and returns every [issue](HealthIssue). The store runs the same check every minute
    /// and logs the issues.
    ///
    /// Cancel safe: the check only reads.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn check(&self) -> Result<Vec<HealthIssue>, StoreError> {
        health::check(&self.0).await
    }

    /// The time since the oldest record expired that has not been deleted yet. Zero if every expired record is deleted.
    ///
    /// Cancel safe: the statement only reads.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn sweep_lag(&self) -> Result<Duration, StoreError> {
        sweep::lag(&self.0).await
    }

    /// Applies a transition that presents a claim.
    fn change(
        &self,
        id: RecordId,
        transition: impl Fn(Option<&Slot>, Timestamp) -> (Change, Update) + Send + 'static,
    ) -> StoreFuture<Update> {
        let shared = Arc::clone(&self.0);
        let transition = Box::new(transition);
        StoreFuture::new(async move {
            shared.write(|reply| Kind::Update { id, transition, audit: None, reply }).await
        })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.0.connector.file.path)
            .finish_non_exhaustive()
    }
}

impl IdempotencyStore for SqliteStore {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        let shared = Arc::clone(&self.0);
        StoreFuture::new(async move {
            // Replays and duplicates change nothing, so they need not wait for the writer.
            let found = shared.read(id).await?;
            if let Some(slot) = &found.slot
                && let (Change::Keep, outcome) =
                    state_machine::claim(Some(slot), id, &request, found.now)
            {
                return Ok(outcome);
            }
            let request = Box::new(request);
            shared.write(|reply| Kind::Claim { id, request, reply }).await
        })
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.change(claim.id, move |slot, now| state_machine::renew(slot, &claim, lease, hold, now))
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.change(claim.id, move |slot, now| {
            state_machine::resume_run(slot, &claim, lease, hold, now)
        })
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        self.change(claim.id, move |slot, now| {
            state_machine::complete(slot, &claim, completion.clone(), retention, now)
        })
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.change(claim.id, move |slot, now| state_machine::release(slot, &claim, now))
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.change(id, move |slot, now| state_machine::abandon(slot, nonce, now))
    }

    fn changed(&self, id: RecordId) -> Changed {
        let (changed, _) = self.0.wakeups.enter(id);
        self.0.waiting.notify_one();
        changed
    }

    fn records(&self) -> Option<&dyn RecordAdmin> {
        Some(self)
    }

    fn check(&self) -> StoreFuture<Vec<store::HealthIssue>> {
        let store = self.clone();
        StoreFuture::new(async move {
            Ok(store.check().await?.into_iter().map(store::HealthIssue::new).collect())
        })
    }

    fn name(&self) -> &'static str {
        "sqlite"
    }
}

impl DeleteExpired for SqliteStore {
    fn delete_expired(&self) -> StoreFuture<u64> {
        let shared = Arc::clone(&self.0);
        StoreFuture::new(async move { sweep::sweep(&shared).await })
    }
}
