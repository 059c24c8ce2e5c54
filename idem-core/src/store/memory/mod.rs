//! The store in memory.

mod admin;
mod amortized_sweep;
mod quota;
mod shard;

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::model::{Claim, ClaimNonce, Completion, RecordId};
use crate::state_machine::{self, Timestamp};
use crate::store::{
    Capacity, Changed, ClaimOutcome, ClaimRequest, DeleteExpired, IdempotencyStore, RecordAdmin,
    StoreFuture, Update,
};

use admin::AuditLog;
use quota::Quotas;
use shard::Shard;

const SHARDS: usize = 64;

/// The minimum time between two sweeps of a full store, in microseconds.
const SWEEP_PAUSE: u64 = 1_000_000;

/// A store that keeps records in memory, for a single process, for tests and for trials.
///
/// All records are lost when the process exits. The store gives no guarantee across a crash or between instances.
///
/// The numbers of records and bytes are limited. A full store refuses new keys and never evicts a live record, because
/// that would allow a second effect. Expired records are removed when new keys are claimed; there is no background task.
/// Clones share the records.
#[derive(Clone)]
pub struct MemoryStore(Arc<Shared>);

struct Shared {
    shards: [Mutex<Shard>; SHARDS],
    quotas: Mutex<Quotas>,
    audit: Mutex<AuditLog>,
    usage: Usage,
    started: Instant,
    advanced: AtomicU64,
    swept_at: AtomicU64,
}

/// The totals of all shards, and their limits.
struct Usage {
    records: AtomicUsize,
    bytes: AtomicUsize,
    max_records: usize,
    max_bytes: usize,
}

impl Usage {
    fn full(&self) -> bool {
        self.records.load(Ordering::Relaxed) >= self.max_records
            || self.bytes.load(Ordering::Relaxed) >= self.max_bytes
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("records", &self.len()).finish_non_exhaustive()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// Creates a store for 100,000 records and 256 MiB of responses.
    pub fn new() -> Self {
        Self::with_capacity(100_000, 256 << 20)
    }

    /// Creates a store that refuses new keys once it holds `max_records` records or `max_bytes` bytes of responses.
    ///
    /// Active runs still store their responses, so the number of bytes can exceed the limit by the size of those.
    pub fn with_capacity(max_records: usize, max_bytes: usize) -> Self {
        Self(Arc::new(Shared {
            shards: std::array::from_fn(|_| Mutex::default()),
            quotas: Mutex::default(),
            audit: Mutex::default(),
            usage: Usage {
                records: AtomicUsize::new(0),
                bytes: AtomicUsize::new(0),
                max_records,
                max_bytes,
            },
            started: Instant::now(),
            advanced: AtomicU64::new(0),
            swept_at: AtomicU64::new(0),
        }))
    }

    /// The number of records, including expired ones that are not yet removed.
    pub fn len(&self) -> usize {
        self.0.usage.records.load(Ordering::Relaxed)
    }

    /// Whether the store holds no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Moves the store's clock forward, so that tests do not have to wait for leases and retention to end.
    pub fn advance_clock(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.0.advanced.fetch_add(micros, Ordering::Relaxed);
    }

    fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.0.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        Timestamp(elapsed.saturating_add(self.0.advanced.load(Ordering::Relaxed)))
    }

    fn shard(&self, id: &RecordId) -> MutexGuard<'_, Shard> {
        // Record ids are digests, so any of their bytes spreads them evenly.
        let [first, ..] = id.as_bytes();
        lock(&self.0.shards[usize::from(*first) % SHARDS])
    }

    fn claim_now(&self, id: RecordId, request: &ClaimRequest) -> ClaimOutcome {
        let usage = &self.0.usage;
        self.sweep_if_full();
        let mut shard = self.shard(&id);
        let now = shard.tick(self.now());
        shard.sweep_if_due(now, usage);
        let slot = shard.slot(&id);
        if slot.is_none() && usage.full() {
            return ClaimOutcome::AtCapacity(Capacity::Store);
        }
        let (change, outcome) = state_machine::claim(slot, id, request, now);
        shard.apply(id, change, usage);
        outcome
    }

    /// Claims a key of a scope with a quota. Such claims run one after the other, so that the quota is exact. The live
    /// keys are counted before the shard is locked.
    fn claim_within_quota(
        &self,
        id: RecordId,
        request: &ClaimRequest,
        quota: crate::store::Quota,
    ) -> ClaimOutcome {
        let mut quotas = lock(&self.0.quotas);
        let now = self.now();
        let is_live = |id: &RecordId| self.shard(id).live(id, now).is_some();
        if !is_live(&id) && !quotas.has_room(quota, now, is_live) {
            return ClaimOutcome::AtCapacity(Capacity::Scope);
        }
        let outcome = self.claim_now(id, request);
        if let ClaimOutcome::Acquired(_) | ClaimOutcome::Recovering(..) = outcome {
            quotas.insert(quota.scope, id, is_live);
        }
        outcome
    }

    /// Sweeps all shards of a full store before it refuses a key, because expired records may be in any of them.
    fn sweep_if_full(&self) {
        if !self.0.usage.full() {
            return;
        }
        let now = self.now();
        let swept_at = self.0.swept_at.load(Ordering::Relaxed);
        let swap = || {
            self.0.swept_at.compare_exchange(swept_at, now.0, Ordering::Relaxed, Ordering::Relaxed)
        };
        if now.0 >= swept_at + SWEEP_PAUSE && swap().is_ok() {
            self.sweep(now);
        }
    }

    fn sweep(&self, now: Timestamp) -> u64 {
        self.0.shards.iter().map(|shard| lock(shard).sweep(now, &self.0.usage)).sum()
    }

    /// Applies a transition that presents a claim, and wakes the duplicates that wait for the key.
    fn change(
        &self,
        id: RecordId,
        transition: impl FnOnce(
            Option<&state_machine::Slot>,
            Timestamp,
        ) -> (state_machine::Change, Update),
    ) -> StoreFuture<Update> {
        let mut shard = self.shard(&id);
        let now = shard.tick(self.now());
        let (change, update) = transition(shard.slot(&id), now);
        shard.apply(id, change, &self.0.usage);
        StoreFuture::ready(Ok(update))
    }
}

impl IdempotencyStore for MemoryStore {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        StoreFuture::ready(Ok(match request.quota {
            None => self.claim_now(id, &request),
            Some(quota) => self.claim_within_quota(id, &request, quota),
        }))
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.change(claim.id, |slot, now| state_machine::renew(slot, &claim, lease, hold, now))
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.change(claim.id, |slot, now| state_machine::resume_run(slot, &claim, lease, hold, now))
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        self.change(claim.id, |slot, now| {
            state_machine::complete(slot, &claim, completion, retention, now)
        })
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.change(claim.id, |slot, now| state_machine::release(slot, &claim, now))
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.change(id, |slot, now| state_machine::abandon(slot, nonce, now))
    }

    fn changed(&self, id: RecordId) -> Changed {
        Box::pin(self.shard(&id).listen(id))
    }

    fn records(&self) -> Option<&dyn RecordAdmin> {
        Some(self)
    }

    fn name(&self) -> &'static str {
        "memory"
    }
}

impl DeleteExpired for MemoryStore {
    fn delete_expired(&self) -> StoreFuture<u64> {
        StoreFuture::ready(Ok(self.sweep(self.now())))
    }
}

/// Locks a mutex, even after a panic. A panic cannot leave a half-written record, because every change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
