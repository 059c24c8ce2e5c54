//! Live keys per scope, for scopes that have a quota (R41).
//!
//! A key is claimed first and then entered among those of its scope; where there is no room, the claim is given
//! back. So what exists is served without being counted, and keys without a quota cost nothing. Keys leave
//! their scope late: when it is full, those that are gone are looked for. An entry that was renewed in the
//! meantime stays, and what was entered before it was looked at is found alive: the count is exact.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use deadpool_redis::redis::{Cmd, Value, cmd, from_redis_value};
use futures_util::{StreamExt, TryStreamExt, stream};
use idem_core::store::{Capacity, Claim, ClaimOutcome, ClaimRequest, Quota, RecordId, StoreError};

use crate::error::{self, UnexpectedReply};
use crate::link::Live;
use crate::store::{Inner, claim_bytes};
use crate::value::Terms;

/// How much longer than its youngest claim a scope is kept: runs may take longer than their first lease.
const SLACK: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a scope that met its quota waits before its keys are looked through again.
const RECOUNT_PAUSE: Duration = Duration::from_secs(1);

/// How many keys are looked at together.
const TOGETHER: usize = 64;

/// How a claim is given back that could not be at once: so often again, after pauses that double, for 25 s.
const GIVE_BACK_TRIES: usize = 8;
const GIVE_BACK_PAUSE: Duration = Duration::from_millis(100);

impl Inner {
    /// Keeps a claim of a new key within the quota, or gives it back, and then remembers its fence.
    pub(crate) async fn within(
        self: &Arc<Self>,
        quota: Quota,
        claim: Claim,
        request: &ClaimRequest,
        remembered: Duration,
    ) -> Result<ClaimOutcome, StoreError> {
        match self.has_room(quota, claim.id, request).await {
            Ok(true) => Ok(ClaimOutcome::Acquired(claim)),
            Ok(false) => {
                self.give_back(claim, remembered).await;
                Ok(ClaimOutcome::AtCapacity(Capacity::Scope))
            }
            // The claim stands, whatever failed after it.
            Err(error) => Err(StoreError::unknown(error)),
        }
    }

    async fn has_room(
        &self,
        quota: Quota,
        id: RecordId,
        request: &ClaimRequest,
    ) -> Result<bool, StoreError> {
        let live = self.links.live().await?;
        let scope = self.keys.scope(quota.scope);
        Ok(self.enter(&live, &scope, quota, id, request).await?
            || self.recount(&live, &scope).await?
                && self.enter(&live, &scope, quota, id, request).await?)
    }

    /// Frees the key, in the background if the server does not answer at once. The claim is never sent again:
    /// it could win, and then be freed by what was sent here.
    async fn give_back(self: &Arc<Self>, claim: Claim, remembered: Duration) {
        self.memo.forget(&claim.nonce);
        if self.free(claim.id, &claim_bytes(&claim), remembered).await.is_err() {
            let inner = Arc::clone(self);
            let pauses = ExponentialBuilder::default()
                .with_min_delay(GIVE_BACK_PAUSE)
                .with_max_times(GIVE_BACK_TRIES);
            tokio::spawn(async move {
                let bytes = claim_bytes(&claim);
                let free = || inner.free(claim.id, &bytes, remembered);
                free.retry(pauses).await
            });
        }
    }

    async fn enter(
        &self,
        live: &Live,
        scope: &[u8],
        quota: Quota,
        id: RecordId,
        request: &ClaimRequest,
    ) -> Result<bool, StoreError> {
        let terms = Terms::running(request.lease, request.ttl.saturating_add(SLACK), true);
        let put = |call: &mut Cmd| {
            call.arg(id.as_bytes()).arg(quota.max_keys.get()).arg(terms.kept_ms);
        };
        Ok(self.scripts.enter.run(live, scope, 64, put).await? == Value::Int(1))
    }

    /// Takes the keys that are gone out of a scope. Tells whether there were any; not, if somebody found few
    /// less than a second ago.
    async fn recount(&self, live: &Live, scope: &[u8]) -> Result<bool, StoreError> {
        let mark = self.keys.recounted(scope);
        let mut turn = cmd("SET");
        turn.arg(&mark).arg(1).arg("NX").arg("PX").arg(RECOUNT_PAUSE.as_millis() as u64);
        if live.send(turn).await.map_err(error::of_command)? == Value::Nil {
            return Ok(false);
        }
        let mut entries = cmd("ZRANGE");
        entries.arg(scope).arg(0).arg(-1).arg("WITHSCORES");
        let entries = live.send(entries).await.map_err(error::of_command)?;
        let entries: Vec<(Vec<u8>, f64)> =
            from_redis_value(entries).map_err(|_| StoreError::unknown(UnexpectedReply))?;
        let all = entries.len();
        let left = stream::iter(entries)
            .map(|(id, entered)| self.leave_if_gone(live, scope, id, entered as u64))
            .buffer_unordered(TOGETHER)
            .try_fold(0, |sum, left| ready(Ok(sum + usize::from(left))))
            .await?;
        // So many are gone that it pays to look again as soon as the scope is full.
        if left * 8 >= all {
            let mut unmark = cmd("DEL");
            unmark.arg(&mark);
            live.send(unmark).await.map_err(error::of_command)?;
        }
        Ok(left > 0)
    }

    async fn leave_if_gone(
        &self,
        live: &Live,
        scope: &[u8],
        id: Vec<u8>,
        entered: u64,
    ) -> Result<bool, StoreError> {
        let record = RecordId::from_bytes(id[..].try_into().map_err(StoreError::corrupt)?);
        let stands = self.scripts.live.run(live, &self.keys.of(record), 0, |_| ()).await?;
        if stands != Value::Int(0) {
            return Ok(false);
        }
        let put = |call: &mut Cmd| {
            call.arg(&id).arg(entered);
        };
        self.scripts.leave.run(live, scope, 64, put).await?;
        Ok(true)
    }
}
