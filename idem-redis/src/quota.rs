//! Counts the live keys of scopes with a [quota](idem_core::rules::semantics#key-quotas).
//!
//! A key is claimed first, and then added to the sorted set of its scope. If the scope has no room, the
//! claim is given back. Therefore duplicates are served without being counted, and keys without a quota
//! cost nothing.
//!
//! Expired keys stay in the set until the scope is full. A claim then checks only the oldest keys, which
//! usually expire first, and a background task checks the others page by page. An entry that was added again
//! during the check stays. Every entry was added after its claim, so the check finds its record. The count is
//! therefore never too low.

use std::error::Error;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// Minimum time between two checks of the oldest keys of a full scope in which little expired.
const RECHECK_PAUSE: Duration = Duration::from_secs(1);

/// Number of the oldest keys that a claim checks while it waits. It is the same for scopes of every size.
const OLDEST: usize = 64;

/// Number of keys in a page of the background check, and of these that are checked concurrently.
const PAGE: usize = 256;
const CONCURRENCY: usize = 16;

/// The time after which another process may check a scope again, if the process that checks it disappears.
const CHECK_LEASE: Duration = Duration::from_secs(60);

/// The pause after a background check, in durations of the check: a scope is checked for at most a tenth of
/// the time.
const PAUSE_FACTOR: u32 = 9;

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

/// Keeps the set of a scope for as long as a record that was claimed again. If this fails, the set may expire earlier and
/// the count be too low, which is no reason to give up the claim.
pub(crate) async fn keep(shared: &Shared, quota: Quota, id: RecordId, request: &ClaimRequest) {
    let kept = async {
        let connection = shared.connections.get().await?;
        enter(shared, &connection, &shared.keys.scope(quota.scope), quota, id, request).await
    };
    if let Err(error) = kept.await {
        let error = &error as &dyn Error;
        tracing::debug!(error, "cannot extend the set of a scope; its count may become too low");
    }
}

async fn has_room(
    shared: &Arc<Shared>,
    quota: Quota,
    id: RecordId,
    request: &ClaimRequest,
) -> Result<bool, StoreError> {
    let connection = shared.connections.get().await?;
    let scope = shared.keys.scope(quota.scope);
    Ok(enter(shared, &connection, &scope, quota, id, request).await?
        || recheck(shared, &connection, &scope).await?
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
    let retention = request.ttl.max(request.hold).saturating_add(SET_RETENTION);
    let kept_ms = Prefix::running(request.lease, retention).kept_ms;
    let add_args = |command: &mut Cmd| {
        command.arg(id.as_bytes()).arg(quota.max_keys.get()).arg(kept_ms);
    };
    Ok(shared.scripts.enter_quota.run(connection, scope, 64, add_args).await? == Value::Int(1))
}

/// Checks the oldest keys of a full scope, and leaves the others to a background task. Returns whether a key was
/// removed. Returns `false` without a check if a check less than [`RECHECK_PAUSE`] ago found few.
async fn recheck(
    shared: &Arc<Shared>,
    connection: &Connection,
    scope: &[u8],
) -> Result<bool, StoreError> {
    let mark = shared.keys.recounted(scope);
    if !set_mark(connection, &mark, RECHECK_PAUSE, "NX").await? {
        return Ok(false);
    }
    let (checked, removed) = check_page(shared, connection, scope, 0, OLDEST).await?;
    if checked == OLDEST && removed == 0 {
        recount_in_background(shared, scope);
    }
    // If at least one key of eight had expired, the oldest keys may be checked again immediately.
    if removed * 8 >= checked {
        let mut delete_mark = cmd("DEL");
        delete_mark.arg(&mark);
        connection.send(delete_mark).await?;
    }
    Ok(removed > 0)
}

/// Starts a check of all keys of a scope. Each process checks one scope at a time, so that full scopes do not take
/// the server from other callers. If another scope is being checked, a later claim starts this check.
fn recount_in_background(shared: &Arc<Shared>, scope: &[u8]) {
    let Ok(turn) = Arc::clone(&shared.recounts).try_acquire_owned() else { return };
    let (shared, scope) = (Arc::clone(shared), scope.to_vec());
    tokio::spawn(async move {
        let recounted = recount(&shared, &scope).await;
        drop(turn);
        if let Err(error) = recounted {
            let error = &error as &dyn Error;
            tracing::debug!(
                error,
                "cannot check the keys of a full scope; a later claim starts it again"
            );
        }
    });
}

/// Removes the expired keys of a scope, unless another process does it or did it a short time ago.
async fn recount(shared: &Shared, scope: &[u8]) -> Result<(), StoreError> {
    let connection = shared.connections.get().await?;
    let mark = shared.keys.recounting(scope);
    if !set_mark(&connection, &mark, CHECK_LEASE, "NX").await? {
        return Ok(());
    }
    let (started, mut kept) = (Instant::now(), 0);
    loop {
        let (checked, removed) = check_page(shared, &connection, scope, kept, PAGE).await?;
        if checked < PAGE {
            break;
        }
        kept += checked - removed;
        set_mark(&connection, &mark, CHECK_LEASE, "XX").await?;
    }
    let pause = (started.elapsed() * PAUSE_FACTOR).max(RECHECK_PAUSE);
    set_mark(&connection, &mark, pause, "XX").await.map(drop)
}

/// Sets a mark that expires after `time`. Returns `false` if `condition` (`NX` or `XX`) is not met.
async fn set_mark(
    connection: &Connection,
    mark: &[u8],
    time: Duration,
    condition: &str,
) -> Result<bool, StoreError> {
    let mut set_mark = cmd("SET");
    set_mark.arg(mark).arg(1).arg(condition).arg("PX").arg(time.as_millis() as u64);
    Ok(connection.send(set_mark).await? != Value::Nil)
}

/// Checks up to `count` keys of a scope, from the key at `start` in the order of their age, and removes the expired
/// ones. Returns the number of keys that were checked, and of those that were removed.
async fn check_page(
    shared: &Shared,
    connection: &Connection,
    scope: &[u8],
    start: usize,
    count: usize,
) -> Result<(usize, usize), StoreError> {
    let mut range = cmd("ZRANGE");
    range.arg(scope).arg(start).arg(start + count - 1).arg("WITHSCORES");
    let entries: Vec<(Vec<u8>, f64)> = from_redis_value(connection.send(range).await?)
        .map_err(|_| StoreError::unknown(UnexpectedReply("ZRANGE")))?;
    let checked = entries.len();
    let removed = stream::iter(entries)
        .map(|(id, entered_at)| leave_if_gone(shared, connection, scope, id, entered_at as u64))
        .buffer_unordered(CONCURRENCY)
        .try_fold(0, |sum, removed| ready(Ok(sum + usize::from(removed))))
        .await?;
    Ok((checked, removed))
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
