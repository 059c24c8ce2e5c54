//! The store: each method is one plain command or one script on one key.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::Cmd;
use idem_core::store::{
    self, Changed, Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore,
    RecordAdmin, RecordId, StoreError, StoreFuture, Update,
};

use crate::claim;
use crate::claim_cache::CachedClaim;
use crate::complete;
use crate::conn::{Connection, ReplicaWait, WriteConnection};
use crate::fencing::FENCE_RETENTION;
use crate::health::{HealthIssue, HealthMonitor};
use crate::notify::Notifier;
use crate::quota;
use crate::reply;
use crate::shared::Shared;
use crate::value::{Prefix, claim_bytes};

/// Keeps records in Redis or Valkey. Clones share the connections.
///
/// The [crate documentation](crate) explains how to set up the server, and which losses it cannot prevent.
#[derive(Clone)]
pub struct RedisStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) replica_wait: Option<ReplicaWait>,
    pub(crate) notifier: Notifier,
    pub(crate) health: Arc<HealthMonitor>,
}

impl RedisStore {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Checks the server now, and returns everything that can lose acknowledged writes. The store runs the
    /// same [checks](idem_core::rules::guarantees#store-checks) every minute and after each reconnection,
    /// and logs their results.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// If the server cannot be reached or rejects one of the commands `INFO`, `INCR` and `PEXPIRE`.
    pub async fn check(&self) -> Result<Vec<HealthIssue>, StoreError> {
        self.0.health.check().await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { connections, keys, .. } = &*self.0.shared;
        f.debug_struct("RedisStore")
            .field("server", &connections.source.server)
            .field("channel", &keys.channel())
            .finish_non_exhaustive()
    }
}

impl IdempotencyStore for RedisStore {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        let inner = Arc::clone(&self.0);
        StoreFuture::new(async move { inner.claim(id, request).await })
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::new(async move { inner.renew(&claim, lease, hold).await })
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::new(async move { inner.resume_run(&claim, lease, hold).await })
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::new(async move { inner.complete(&claim, &completion, retention).await })
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::new(async move {
            inner.shared.claims.remove(&claim.nonce);
            inner.shared.free(claim.id, &claim_bytes(&claim), FENCE_RETENTION).await
        })
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::new(
            async move { inner.shared.free(id, nonce.as_bytes(), FENCE_RETENTION).await },
        )
    }

    fn changed(&self, id: RecordId) -> Changed {
        self.0.notifier.changed(&self.0.shared, id)
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
        "redis"
    }
}

impl Inner {
    async fn claim(&self, id: RecordId, request: ClaimRequest) -> Result<ClaimOutcome, StoreError> {
        let (outcome, retention) = self.claim_key(id, &request).await?;
        let outcome = match (outcome, request.quota) {
            (ClaimOutcome::Acquired(claim), Some(quota)) if claim.attempt == 1 => {
                Box::pin(quota::enforce(&self.shared, quota, claim, &request, retention)).await?
            }
            // Neither a takeover nor a recovery is a new key, but its record may outlive the set of the scope.
            (outcome @ (ClaimOutcome::Acquired(_) | ClaimOutcome::Recovering(..)), Some(quota)) => {
                Box::pin(quota::keep(&self.shared, quota, id, &request)).await;
                outcome
            }
            (outcome, _) => outcome,
        };
        if let ClaimOutcome::Acquired(_) = outcome {
            self.shared.claims.insert(request.nonce, CachedClaim::of_run(&request));
        }
        Ok(outcome)
    }

    /// Claims a key, without its quota. Also returns for how long the fencing token must be kept if the
    /// claim is given back unused. A plain claim found no key, so there is nothing to keep. A script can
    /// have replaced a freed record whose token must be kept.
    async fn claim_key(
        &self,
        id: RecordId,
        request: &ClaimRequest,
    ) -> Result<(ClaimOutcome, Duration), StoreError> {
        if let Some(replica_wait) = &self.replica_wait {
            let outcome = Box::pin(self.claim_durably(replica_wait, id, request)).await?;
            return Ok((outcome, FENCE_RETENTION));
        }
        let connections = &self.shared.connections;
        let connection = connections.get().await?;
        // The nodes of a Cluster have different clocks.
        let sample = connection.clock.sample().filter(|_| !connections.source.is_cluster());
        if let Some(sample) = sample
            && let Some(outcome) =
                claim::by_command(&self.shared, &connection, sample, id, request).await?
        {
            return Ok((outcome, Duration::ZERO));
        }
        // Boxed, because few calls need it: all others stay small.
        let claiming = claim::by_script(&self.shared, &connection, id, request);
        Ok((Box::pin(claiming).await?, FENCE_RETENTION))
    }

    /// Claims a key, and waits for replicas.
    async fn claim_durably(
        &self,
        replica_wait: &ReplicaWait,
        id: RecordId,
        request: &ClaimRequest,
    ) -> Result<ClaimOutcome, StoreError> {
        let pooled = replica_wait.check_out(&self.shared.connections.source).await?;
        let outcome = claim::by_script(&self.shared, &pooled.connection, id, request).await?;
        if let ClaimOutcome::Acquired(_) | ClaimOutcome::Recovering(..) = outcome {
            replica_wait.confirm(&pooled.connection).await?;
        }
        Ok(outcome)
    }

    async fn renew(
        &self,
        claim: &Claim,
        lease: Duration,
        hold: Duration,
    ) -> Result<Update, StoreError> {
        let connection = self.shared.connections.get().await?;
        self.renew_on(&connection, claim, lease, hold, false).await
    }

    /// Ends a recovery, and waits for replicas: a replica without this change would count the silence of a later recovery
    /// from the earlier run.
    async fn resume_run(
        &self,
        claim: &Claim,
        lease: Duration,
        hold: Duration,
    ) -> Result<Update, StoreError> {
        let write = WriteConnection::open(&self.shared.connections, self.replica_wait).await?;
        let update = self.renew_on(write.get(), claim, lease, hold, true).await?;
        write.confirm().await?;
        Ok(update)
    }

    async fn renew_on(
        &self,
        connection: &Connection,
        claim: &Claim,
        lease: Duration,
        hold: Duration,
        ends_recovery: bool,
    ) -> Result<Update, StoreError> {
        let Shared { keys, scripts, .. } = &*self.shared;
        let prefix = Prefix::running(lease, hold);
        let add_args = |command: &mut Cmd| {
            command.arg(&claim_bytes(claim)[..]).arg(&prefix.bytes[..]).arg(prefix.kept_ms);
            if ends_recovery {
                command.arg(1);
            }
        };
        reply::update(scripts.renew.run(connection, &keys.record(claim.id), 64, add_args).await?)
    }

    /// Completes a run, and waits for replicas.
    async fn complete(
        &self,
        claim: &Claim,
        completion: &Completion,
        retention: Duration,
    ) -> Result<Update, StoreError> {
        let shared = &self.shared;
        let write = WriteConnection::open(&shared.connections, self.replica_wait).await?;
        let update = complete::by_script(shared, write.get(), claim, completion, retention).await?;
        write.confirm().await?;
        shared.claims.remove(&claim.nonce);
        Ok(update)
    }
}
