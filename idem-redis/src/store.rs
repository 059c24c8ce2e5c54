//! The store: each method is one plain command or one script on one key.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::BufMut;
use deadpool_redis::redis::{Cmd, RedisWrite};
use idem_core::codec;
use idem_core::store::{
    Changed, Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, RecordId,
    State, StoreError, StoreFuture, Update,
};

use crate::claim;
use crate::claim_cache::ClaimCache;
use crate::conn::{Connection, ReplicaWait};
use crate::fencing::FENCE_RETENTION;
use crate::health::{HealthIssue, HealthMonitor};
use crate::notify::Notifier;
use crate::quota;
use crate::reply;
use crate::shared::Shared;
use crate::value::{self, Prefix, claim_bytes};

/// Keeps records in Redis or Valkey. Clones share the connections.
///
/// The [crate documentation](crate) explains how to set up the server, and which losses it cannot prevent.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) replica_wait: Option<ReplicaWait>,
    pub(crate) notifier: Notifier,
    pub(crate) health: Arc<HealthMonitor>,
    pub(crate) claims: ClaimCache,
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

    fn renew(&self, claim: Claim, lease: Duration, ttl: Duration) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::new(async move { inner.renew(&claim, lease, ttl).await })
    }

    fn complete(&self, claim: Claim, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::new(async move { inner.complete(claim, completion.into(), ttl).await })
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.renew(claim, lease, hold)
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::new(async move {
            inner.claims.remove(&claim.nonce);
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
}

impl Inner {
    async fn claim(&self, id: RecordId, request: ClaimRequest) -> Result<ClaimOutcome, StoreError> {
        let (outcome, retention) = self.claim_key(id, &request).await?;
        let outcome = match (outcome, request.quota) {
            // A takeover is not a new key.
            (ClaimOutcome::Acquired(claim), Some(quota)) if claim.attempt == 1 => {
                Box::pin(quota::enforce(&self.shared, quota, claim, &request, retention)).await?
            }
            (outcome, _) => outcome,
        };
        if let ClaimOutcome::Acquired(_) = outcome {
            self.claims.insert(&request);
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
        if let ClaimOutcome::Acquired(_) = outcome {
            replica_wait.confirm(&pooled.connection).await?;
        }
        Ok(outcome)
    }

    async fn renew(
        &self,
        claim: &Claim,
        lease: Duration,
        ttl: Duration,
    ) -> Result<Update, StoreError> {
        let Shared { connections, keys, scripts, .. } = &*self.shared;
        let prefix = Prefix::running(lease, ttl);
        let add_args = |command: &mut Cmd| {
            command.arg(&claim_bytes(claim)[..]).arg(&prefix.bytes[..]).arg(prefix.kept_ms);
        };
        let connection = connections.get().await?;
        reply::update(scripts.renew.run(&connection, &keys.record(claim.id), 64, add_args).await?)
    }

    async fn complete(
        &self,
        claim: Claim,
        state: State,
        ttl: Duration,
    ) -> Result<Update, StoreError> {
        let update = match &self.replica_wait {
            Some(replica_wait) => {
                Box::pin(self.complete_durably(replica_wait, &claim, &state, ttl)).await?
            }
            None => {
                let connection = self.shared.connections.get().await?;
                self.complete_on(&connection, &claim, &state, ttl).await?
            }
        };
        self.claims.remove(&claim.nonce);
        Ok(update)
    }

    /// Completes a run, and waits for replicas.
    async fn complete_durably(
        &self,
        replica_wait: &ReplicaWait,
        claim: &Claim,
        state: &State,
        ttl: Duration,
    ) -> Result<Update, StoreError> {
        let pooled = replica_wait.check_out(&self.shared.connections.source).await?;
        let update = self.complete_on(&pooled.connection, claim, state, ttl).await?;
        replica_wait.confirm(&pooled.connection).await?;
        Ok(update)
    }

    /// Sends the whole new value if the claim is cached. Otherwise it sends the parts that change, and the
    /// script takes the rest from the stored value. The body is copied once, into the command.
    async fn complete_on(
        &self,
        connection: &Connection,
        claim: &Claim,
        state: &State,
        ttl: Duration,
    ) -> Result<Update, StoreError> {
        let prefix = Prefix::ended(ttl);
        let args_len = 160 + state.tail_len();
        let cached = self.claims.get(&claim.nonce);
        let add_args = |command: &mut Cmd| {
            command.arg(&value::unawaited(claim, cached)[..]);
            if let Some(cached) = cached {
                let mut value = command.bufmut_for_next_arg(args_len);
                value.put_slice(&prefix.bytes);
                cached.record(claim, state.clone()).put(&mut value);
                drop(value);
                command.arg(prefix.kept_ms);
            } else {
                let mut head = command.bufmut_for_next_arg(18);
                head.put_slice(&prefix.bytes);
                head.put_slice(&[codec::VERSION, state.code()]);
                drop(head);
                command.arg(prefix.kept_ms);
                state.put_tail(&mut command.bufmut_for_next_arg(state.tail_len()));
            }
        };
        let key = self.shared.keys.record(claim.id);
        let script = &self.shared.scripts.complete;
        reply::update(script.run(connection, &key, args_len, add_args).await?)
    }
}
