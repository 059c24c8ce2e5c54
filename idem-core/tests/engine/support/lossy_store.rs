//! A store that fails at claims, abandonments and audit entries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use idem_core::MemoryStore;
use idem_core::store::{
    AuditEntry, AuditFilter, AuditPage, ClaimNonce, ClaimOutcome, ClaimRequest, Cursor,
    FencingToken, Filter, FoundRecord, IdempotencyStore, Page, RecordAdmin, RecordId, Resolution,
    StoreError, StoreFuture, Timestamp, Update,
};

use super::forward;

/// A memory store that loses the next claims, abandonments and audit entries before they are applied, and counts calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct LossyStore {
    pub(crate) store: MemoryStore,
    lost_claims: Arc<AtomicUsize>,
    applies_lost_claims: Arc<AtomicBool>,
    lost_entries: Arc<AtomicUsize>,
    lost_abandonments: Arc<AtomicUsize>,
    damaged: Arc<AtomicBool>,
    abandonments: Arc<AtomicUsize>,
    entries: Arc<AtomicUsize>,
}

impl LossyStore {
    pub(crate) fn lose_claims(&self, count: usize) {
        self.lost_claims.store(count, Ordering::SeqCst);
    }

    /// Loses only the replies of lost claims from now on.
    pub(crate) fn apply_lost_claims(&self) {
        self.applies_lost_claims.store(true, Ordering::SeqCst);
    }

    pub(crate) fn lose_entries(&self, count: usize) {
        self.lost_entries.store(count, Ordering::SeqCst);
    }

    pub(crate) fn lose_abandonments(&self, count: usize) {
        self.lost_abandonments.store(count, Ordering::SeqCst);
    }

    /// From now on no record can be read by an abandonment.
    pub(crate) fn damage_records(&self) {
        self.damaged.store(true, Ordering::SeqCst);
    }

    pub(crate) fn abandonments(&self) -> usize {
        self.abandonments.load(Ordering::SeqCst)
    }

    /// The number of audit entries that were sent.
    pub(crate) fn entries(&self) -> usize {
        self.entries.load(Ordering::SeqCst)
    }

    fn admin(&self) -> &dyn RecordAdmin {
        self.store.records().unwrap()
    }
}

/// Whether the next call is lost.
fn loses(left: &AtomicUsize) -> bool {
    let lose = |count: usize| count.checked_sub(1);
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose).is_ok()
}

fn lost<T: Send + Unpin + 'static>() -> StoreFuture<T> {
    StoreFuture::ready(Err(StoreError::unknown("the connection was closed")))
}

impl IdempotencyStore for LossyStore {
    forward! { renew, resume_run, complete, release }

    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        if !loses(&self.lost_claims) {
            return self.store.claim(id, request);
        }
        if self.applies_lost_claims.load(Ordering::SeqCst) {
            drop(self.store.claim(id, request));
        }
        lost()
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.abandonments.fetch_add(1, Ordering::SeqCst);
        if self.damaged.load(Ordering::SeqCst) {
            return StoreFuture::ready(Err(StoreError::corrupt("the record is damaged")));
        }
        if loses(&self.lost_abandonments) { lost() } else { self.store.abandon(id, nonce) }
    }

    fn records(&self) -> Option<&dyn RecordAdmin> {
        Some(self)
    }
}

impl RecordAdmin for LossyStore {
    fn find(&self, id: RecordId) -> StoreFuture<Option<FoundRecord>> {
        self.admin().find(id)
    }

    fn list(&self, filter: Filter, after: Option<Cursor>, limit: usize) -> StoreFuture<Page> {
        self.admin().list(filter, after, limit)
    }

    fn resolve(
        &self,
        id: RecordId,
        expected: FencingToken,
        resolution: Resolution,
        entry: AuditEntry,
    ) -> StoreFuture<Update> {
        self.admin().resolve(id, expected, resolution, entry)
    }

    fn append_audit(&self, entry: AuditEntry) -> StoreFuture<()> {
        self.entries.fetch_add(1, Ordering::SeqCst);
        if loses(&self.lost_entries) { lost() } else { self.admin().append_audit(entry) }
    }

    fn prune_audit(&self, before: Timestamp) -> StoreFuture<u64> {
        self.admin().prune_audit(before)
    }

    fn audit(
        &self,
        filter: AuditFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> StoreFuture<AuditPage> {
        self.admin().audit(filter, after, limit)
    }
}
