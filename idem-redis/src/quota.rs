//! Counts the live keys of scopes with a [quota](idem_core::rules::semantics#key-quotas).
//!
//! A key is claimed first, and then added to the sorted set of its scope. If the scope has no room, the
//! claim is given back. Therefore duplicates are served without being counted, and keys without a quota
//! cost nothing.
//!
//! Expired keys stay in the set until the scope is full; then they are searched and removed. An entry that
//! was added again during the search stays. Every entry was added after its claim, so the search finds its
//! record. The count is therefore exact.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use deadpool_redis::redis::{Cmd, Value, cmd, from_redis_value};
use futures_util::{StreamExt, TryStreamExt, stream};
use idem_core::store::{Capacity, Claim, ClaimOutcome, ClaimRequest, Quota, RecordId, StoreError};

use crate::conn::Connection;
use crate::error::UnexpectedReply;
use crate::shared::Shared;
use crate::value::{Prefix, claim_bytes};

/// The time for which a scope's set outlives its youngest claim. Runs can exceed their first lease.
const SET_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// Minimum time between two searches of a full scope in which little expired.
const RECOUNT_PAUSE: Duration = Duration::from_secs(1);

/// Number of keys that a search checks concurrently.
const CONCURRENCY: usize = 64;

/// Retries of a claim that could not be given back. The pauses double, and last 25 s together.
const GIVE_BACK_RETRIES: usize = 8;
const FIRST_GIVE_BACK_PAUSE: Duration = Duration::from_millis(100);

/// Counts the claim of a new key, or gives the claim back if its scope is full. The fencing token of a
/// claim that is given back is kept for `retention`.
pub(crate) async fn enforce(
    shared: &Arc<Shared>,
    quota: Quota,
    claim: Claim,
    request: &ClaimRequest,
    retention: Duration,
) -> Result<ClaimOutcome, StoreError> {
    match has_room(shared, quota, claim.id, request).await {
        Ok(true) => Ok(ClaimOutcome::Acquired(claim)),
        Ok(false) => {
            give_back(shared, claim, retention).await;
            Ok(ClaimOutcome::AtCapacity(Capacity::Scope))
        }
        // The key is claimed, whatever failed afterwards.
        Err(error) => Err(StoreError::unknown(error)),
    }
}

async fn has_room(
    shared: &Shared,
    quota: Quota,
    id: RecordId,
    request: &ClaimRequest,
) -> Result<bool, StoreError> {
    let connection = shared.connections.get().await?;
    let scope = shared.keys.scope(quota.scope);
    Ok(enter(shared, &connection, &scope, quota, id, request).await?
        || recount(shared, &connection, &scope).await?
            && enter(shared, &connection, &scope, quota, id, request).await?)
}

/// Frees the key. If the first try fails, a background task repeats it. The claim itself is never repeated:
/// it could succeed, and be freed afterwards by what was sent here.
async fn give_back(shared: &Arc<Shared>, claim: Claim, retention: Duration) {
    if shared.free(claim.id, &claim_bytes(&claim), retention).await.is_err() {
        let shared = Arc::clone(shared);
        let pauses = ExponentialBuilder::default()
            .with_min_delay(FIRST_GIVE_BACK_PAUSE)
            .with_max_times(GIVE_BACK_RETRIES);
        tokio::spawn(async move {
            let owner = claim_bytes(&claim);
            let free = || shared.free(claim.id, &owner, retention);
            free.retry(pauses).await
        });
    }
}

/// Adds a key to the set of its scope. Returns `false` if the scope is full.
async fn enter(
    shared: &Shared,
    connection: &Connection,
    scope: &[u8],
    quota: Quota,
    id: RecordId,
    request: &ClaimRequest,
) -> Result<bool, StoreError> {
    let kept_ms = Prefix::running(request.lease, request.ttl.saturating_add(SET_RETENTION)).kept_ms;
    let add_args = |command: &mut Cmd| {
        command.arg(id.as_bytes()).arg(quota.max_keys.get()).arg(kept_ms);
    };
    Ok(shared.scripts.enter_quota.run(connection, scope, 64, add_args).await? == Value::Int(1))
}

/// Removes the expired keys of a full scope. Returns whether it removed any. Returns `false` without a
/// search if a search less than [`RECOUNT_PAUSE`] ago found few.
async fn recount(
    shared: &Shared,
    connection: &Connection,
    scope: &[u8],
) -> Result<bool, StoreError> {
    let mark = shared.keys.recounted(scope);
    let mut set_mark = cmd("SET");
    set_mark.arg(&mark).arg(1).arg("NX").arg("PX").arg(RECOUNT_PAUSE.as_millis() as u64);
    if connection.send(set_mark).await? == Value::Nil {
        return Ok(false);
    }
    let mut range = cmd("ZRANGE");
    range.arg(scope).arg(0).arg(-1).arg("WITHSCORES");
    let entries: Vec<(Vec<u8>, f64)> = from_redis_value(connection.send(range).await?)
        .map_err(|_| StoreError::unknown(UnexpectedReply("ZRANGE")))?;
    let total = entries.len();
    let removed = stream::iter(entries)
        .map(|(id, entered_at)| leave_if_gone(shared, connection, scope, id, entered_at as u64))
        .buffer_unordered(CONCURRENCY)
        .try_fold(0, |sum, removed| ready(Ok(sum + usize::from(removed))))
        .await?;
    // If at least one key of eight had expired, the scope may be searched again immediately.
    if removed * 8 >= total {
        let mut delete_mark = cmd("DEL");
        delete_mark.arg(&mark);
        connection.send(delete_mark).await?;
    }
    Ok(removed > 0)
}

/// Removes a key from the set if its record is gone. Returns whether it was gone.
async fn leave_if_gone(
    shared: &Shared,
    connection: &Connection,
    scope: &[u8],
    id: Vec<u8>,
    entered_at: u64,
) -> Result<bool, StoreError> {
    let record = RecordId::from_bytes(id[..].try_into().map_err(StoreError::corrupt)?);
    let key = shared.keys.record(record);
    let is_live = shared.scripts.is_live.run(connection, &key, 0, |_| ()).await?;
    if is_live != Value::Int(0) {
        return Ok(false);
    }
    let add_args = |command: &mut Cmd| {
        command.arg(&id).arg(entered_at);
    };
    shared.scripts.leave_quota.run(connection, scope, 64, add_args).await?;
    Ok(true)
}
