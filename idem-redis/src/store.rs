//! The store: each transition is one plain command, or one script, on one key.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes};
use deadpool_redis::redis::{Cmd, RedisWrite, Value};
use idem_core::codec;
use idem_core::store::Changed;
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, FencingToken, IdempotencyStore,
    RecordId, State, StoreError, StoreFuture, Update,
};

use crate::answer;
use crate::error::{self, UnexpectedReply};
use crate::fence::{Heard, PATIENCE};
use crate::health::{HealthIssue, Seen};
use crate::keys::Keys;
use crate::link::{Links, Live};
use crate::memo::Memo;
use crate::push::{self, Push};
use crate::replicas::Replicas;
use crate::script::Scripts;
use crate::value::{self, REMEMBERED, Terms};

/// Keeps records in Redis or Valkey. Cloning shares the connections.
///
/// See the [crate](crate) for how to connect and for what no setup of Redis can promise.
#[derive(Clone)]
pub struct RedisStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) links: Arc<Links>,
    pub(crate) keys: Keys,
    pub(crate) scripts: Scripts,
    pub(crate) replicas: Option<Replicas>,
    pub(crate) push: Arc<Push>,
    pub(crate) seen: Seen,
    pub(crate) memo: Memo,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.push.close();
    }
}

impl RedisStore {
    /// Looks at the server now, as the store does by itself every minute and after every reconnection,
    /// and tells what is wrong.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn check(&self) -> Result<Vec<HealthIssue>, StoreError> {
        self.0.look().await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("keys", &self.0.keys.channel()).finish_non_exhaustive()
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

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::new(async move { inner.release(&claim).await })
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::new(async move { inner.free(id, nonce.as_bytes(), REMEMBERED).await })
    }

    fn changed(&self, id: RecordId) -> Changed {
        push::listen(&self.0, id)
    }
}

impl Inner {
    async fn claim(
        self: &Arc<Self>,
        id: RecordId,
        request: ClaimRequest,
    ) -> Result<ClaimOutcome, StoreError> {
        let (claimed, remembered) = self.claim_unremembered(id, &request).await?;
        let ClaimOutcome::Acquired(claim) = claimed else { return Ok(claimed) };
        self.memo.keep(&request);
        match request.quota {
            // A takeover is no new key.
            Some(quota) if claim.attempt == 1 => {
                Box::pin(self.within(quota, claim, &request, remembered)).await
            }
            _ => Ok(ClaimOutcome::Acquired(claim)),
        }
    }

    /// Claims, and tells for how long the token must be remembered if the claim is given back unused: a plain
    /// claim found no key, but one by script may stand in the place of a token that must be.
    async fn claim_unremembered(
        &self,
        id: RecordId,
        request: &ClaimRequest,
    ) -> Result<(ClaimOutcome, Duration), StoreError> {
        let key = self.keys.of(id);
        if let Some(replicas) = &self.replicas {
            let claimed = Box::pin(self.claim_durably(replicas, id, &key, request)).await?;
            return Ok((claimed, REMEMBERED));
        }
        let live = self.links.live().await?;
        // The nodes of a cluster have a clock each.
        let heard = live.time.heard().filter(|_| !self.links.source.is_cluster());
        if let Some(heard) = heard
            && let Some(claimed) = claim_plainly(&live, heard, id, &key, request).await?
        {
            return Ok((claimed, Duration::ZERO));
        }
        // Boxed, as all that few calls need, so that all others stay small.
        let claimed = Box::pin(self.claim_by_script(&live, id, &key, request)).await?;
        Ok((claimed, REMEMBERED))
    }

    async fn claim_durably(
        &self,
        replicas: &Replicas,
        id: RecordId,
        key: &[u8],
        request: &ClaimRequest,
    ) -> Result<ClaimOutcome, StoreError> {
        let own = replicas.check_out(&self.links.source).await?;
        let claimed = self.claim_by_script(&own.live, id, key, request).await?;
        if let ClaimOutcome::Acquired(_) = claimed {
            replicas.confirm(&own.live).await?;
        }
        Ok(claimed)
    }

    async fn claim_by_script(
        &self,
        live: &Live,
        id: RecordId,
        key: &[u8],
        request: &ClaimRequest,
    ) -> Result<ClaimOutcome, StoreError> {
        let terms = Terms::running(request.lease, request.ttl, true);
        let record = value::claimed(request, FencingToken(0)).to_bytes();
        let put = |call: &mut Cmd| {
            call.arg(&terms.prefix[..])
                .arg(&*record)
                .arg(terms.kept_ms)
                .arg(request.max_attempts)
                .arg(PATIENCE.as_micros() as u64);
        };
        let asked_at = Instant::now();
        let answer = self.scripts.claim.run(live, key, 128, put).await?;
        let (claimed, now) = answer::claimed(answer, id, request.nonce)?;
        if let Some(now) = now {
            live.time.hear(now, asked_at);
        }
        Ok(claimed)
    }

    async fn renew(
        &self,
        claim: &Claim,
        lease: Duration,
        ttl: Duration,
    ) -> Result<Update, StoreError> {
        let terms = Terms::running(lease, ttl, true);
        let put = |call: &mut Cmd| {
            call.arg(&claim_bytes(claim)[..]).arg(&terms.prefix[..]).arg(terms.kept_ms);
        };
        let live = self.links.live().await?;
        answer::fenced(self.scripts.renew.run(&live, &self.keys.of(claim.id), 64, put).await?)
    }

    async fn complete(
        &self,
        claim: Claim,
        state: State,
        ttl: Duration,
    ) -> Result<Update, StoreError> {
        let fenced = match &self.replicas {
            Some(replicas) => {
                Box::pin(self.complete_durably(replicas, &claim, &state, ttl)).await?
            }
            None => self.complete_on(&*self.links.live().await?, &claim, &state, ttl).await?,
        };
        self.memo.forget(&claim.nonce);
        Ok(fenced)
    }

    async fn complete_durably(
        &self,
        replicas: &Replicas,
        claim: &Claim,
        state: &State,
        ttl: Duration,
    ) -> Result<Update, StoreError> {
        let own = replicas.check_out(&self.links.source).await?;
        let fenced = self.complete_on(&own.live, claim, state, ttl).await?;
        replicas.confirm(&own.live).await?;
        Ok(fenced)
    }

    /// The body is written once, into the command.
    async fn complete_on(
        &self,
        live: &Live,
        claim: &Claim,
        state: &State,
        ttl: Duration,
    ) -> Result<Update, StoreError> {
        let terms = Terms::ended(ttl);
        let size = 160 + state.tail_len();
        let remembered = self.memo.of(&claim.nonce);
        let put = |call: &mut Cmd| {
            call.arg(&value::unawaited(claim, remembered)[..]);
            if let Some(remembered) = remembered {
                let mut value = call.bufmut_for_next_arg(size);
                value.put_slice(&terms.prefix);
                remembered.record(claim, state.clone()).put(&mut value);
                drop(value);
                call.arg(terms.kept_ms);
            } else {
                let mut head = call.bufmut_for_next_arg(18);
                head.put_slice(&terms.prefix);
                head.put_slice(&[codec::VERSION, state.code()]);
                drop(head);
                call.arg(terms.kept_ms);
                state.put_tail(&mut call.bufmut_for_next_arg(state.tail_len()));
            }
        };
        let key = self.keys.of(claim.id);
        answer::fenced(self.scripts.complete.run(live, &key, size, put).await?)
    }

    async fn release(&self, claim: &Claim) -> Result<Update, StoreError> {
        self.memo.forget(&claim.nonce);
        self.free(claim.id, &claim_bytes(claim), REMEMBERED).await
    }

    /// Frees a key for the nonce, or the claim, whose bytes are given, and remembers its token for a while.
    pub(crate) async fn free(
        &self,
        id: RecordId,
        holder: &[u8],
        remembered: Duration,
    ) -> Result<Update, StoreError> {
        let put = |call: &mut Cmd| {
            call.arg(holder).arg(remembered.as_millis() as u64);
        };
        let live = self.links.live().await?;
        answer::fenced(self.scripts.free.run(&live, &self.keys.of(id), 48, put).await?)
    }
}

/// A claim by one plain command, with the token that was heard. `None` if only the script can tell: what
/// stands there runs, or will expire soon, or the answer took too long.
async fn claim_plainly(
    live: &Live,
    heard: Heard,
    id: RecordId,
    key: &[u8],
    request: &ClaimRequest,
) -> Result<Option<ClaimOutcome>, StoreError> {
    let terms = Terms::running(request.lease, request.ttl, false);
    let mut set = Cmd::with_capacity(7, key.len() + 128);
    set.arg("SET").arg(key);
    let mut value = set.bufmut_for_next_arg(80);
    value.put_slice(&terms.prefix);
    value::claimed(request, heard.token).put(&mut value);
    drop(value);
    set.arg("NX").arg("GET").arg("PX").arg(terms.kept_ms);
    match live.send(set).await.map_err(error::of_command)? {
        Value::Nil if heard.vouches() => {
            let claim = Claim { id, nonce: request.nonce, token: heard.token, attempt: 1 };
            Ok(Some(ClaimOutcome::Acquired(claim)))
        }
        Value::BulkString(found) if value::is_settled(&found) => {
            Ok(Some(ClaimOutcome::Exists(value::observe(&Bytes::from(found), false)?)))
        }
        Value::Nil | Value::BulkString(_) => Ok(None),
        _ => Err(StoreError::unknown(UnexpectedReply)),
    }
}

/// What the scripts compare ([`codec::CLAIM_BYTES`]).
pub(crate) fn claim_bytes(claim: &Claim) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(claim.nonce.as_bytes());
    bytes[16..].copy_from_slice(&claim.token.0.to_be_bytes());
    bytes
}
