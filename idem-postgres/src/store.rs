//! The store: each operation is one statement that commits by itself, alone or in a batch.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use idem_core::store::{
    self, Changed, Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, DeleteExpired,
    IdempotencyStore, RecordAdmin, RecordId, StoreError, StoreFuture, Transactions, Update,
};

use tokio::time::sleep;

use crate::background::Background;
use crate::conn::Batcher;
use crate::health::{self, HealthIssue};
use crate::notify::Notifier;
use crate::quota::ScopeLimiter;
use crate::shared::Shared;
use crate::sql::{ClaimCall, CompleteCall, RenewCall, bind_claim, interval};
use crate::sweep;

/// Number of times that a renewal is sent while another transaction has locked the record, usually the
/// completion of the same run.
const MAX_RENEWAL_TRIES: u32 = 20;
const LOCKED_PAUSE: Duration = Duration::from_millis(25);

/// A store that keeps records in Postgres. Clones share its connections.
///
/// See the [crate documentation](crate) for the set-up of the server and for transactions.
#[derive(Clone)]
pub struct PostgresStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) background: Background,
    pub(crate) claims: Batcher<ClaimCall>,
    pub(crate) completions: Batcher<CompleteCall>,
    pub(crate) renewals: Batcher<RenewCall>,
    pub(crate) scope_limiter: ScopeLimiter,
    pub(crate) notifier: Notifier,
}

impl PostgresStore {
    /// Checks the server's settings and returns every [issue](HealthIssue). The store runs the same check
    /// every minute and logs the issues.
    ///
    /// Cancel safe: the check only reads.
    ///
    /// # Errors
    /// If the server does not reply.
    pub async fn check(&self) -> Result<Vec<HealthIssue>, StoreError> {
        health::check(&self.0.shared).await
    }

    /// The time since the oldest record expired that has not been deleted yet. Zero if every expired record is
    /// deleted.
    ///
    /// Cancel safe: the statement only reads.
    ///
    /// # Errors
    /// If the server does not reply.
    pub async fn sweep_lag(&self) -> Result<Duration, StoreError> {
        sweep::lag(&self.0.shared).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("names", &self.0.shared.names).finish_non_exhaustive()
    }
}

impl IdempotencyStore for PostgresStore {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        let inner = Arc::clone(&self.0);
        inner.background.ensure_running(&inner.shared);
        let call = ClaimCall { id, request };
        StoreFuture::uncut(async move {
            let Some(quota) = call.request.quota else {
                return inner.claims.send(&inner.shared, call).await;
            };
            // A claim with a quota may wait for a lock in the server. It is sent alone, so that no other
            // claim waits with it.
            let wait_timeout = inner.shared.connections.timeouts.wait;
            let _permit = inner.scope_limiter.acquire(quota.scope, wait_timeout).await?;
            inner.shared.send(&call).await
        })
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::uncut(async move {
            for _ in 0..MAX_RENEWAL_TRIES {
                let call = RenewCall { claim, lease, hold };
                if let Some(renewed) = inner.renewals.send(&inner.shared, call).await? {
                    return Ok(applied_if(renewed));
                }
                sleep(LOCKED_PAUSE).await;
            }
            Err(StoreError::not_done(RecordLocked))
        })
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        let call = CompleteCall::new(claim, completion, retention);
        StoreFuture::uncut(async move {
            match inner.completions.send(&inner.shared, call).await? {
                true => Ok(Update::Applied),
                false => inner.shared.unapplied_completion(&claim).await,
            }
        })
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::uncut(async move {
            let query = bind_claim(shared.statements.resume_run.query(), &claim);
            let query = query.bind(interval(lease)).bind(interval(hold));
            Ok(applied_if(shared.connections.fetch(query).await?.is_some()))
        })
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::uncut(async move {
            let query = bind_claim(shared.statements.release.query(), &claim);
            Ok(applied_if(shared.connections.fetch(query).await?.is_some()))
        })
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::uncut(async move {
            let query = shared.statements.abandon.query();
            let query = query.bind(id.as_bytes().as_slice()).bind(nonce.as_bytes().as_slice());
            Ok(applied_if(shared.connections.fetch(query).await?.is_some()))
        })
    }

    fn changed(&self, id: RecordId) -> Changed {
        self.0.notifier.changed(&self.0.shared, id)
    }

    fn transactions(&self) -> Option<&dyn Transactions> {
        Some(self)
    }

    fn records(&self) -> Option<&dyn RecordAdmin> {
        Some(self)
    }

    fn check(&self) -> StoreFuture<Vec<store::HealthIssue>> {
        let store = self.clone();
        StoreFuture::uncut(async move {
            Ok(store.check().await?.into_iter().map(store::HealthIssue::new).collect())
        })
    }

    fn name(&self) -> &'static str {
        "postgres"
    }
}

impl DeleteExpired for PostgresStore {
    fn delete_expired(&self) -> StoreFuture<u64> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::uncut(async move { sweep::sweep(&shared).await })
    }
}

/// The record of a lease stayed locked, so that the lease was not renewed.
#[derive(Debug, thiserror::Error)]
#[error("another transaction has locked the record; look for an open transaction that changed it")]
struct RecordLocked;

fn applied_if(changed: bool) -> Update {
    if changed { Update::Applied } else { Update::Stale(None) }
}
