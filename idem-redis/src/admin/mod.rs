//! Administrative access to the records: finding, listing and resolving them, and the audit log.

mod audit;
mod find;
mod listing;
mod position;
mod resolve;

use std::sync::Arc;

use idem_core::store::{
    AuditEntry, AuditFilter, AuditPage, Cursor, FencingToken, Filter, FoundRecord, Page,
    RecordAdmin, RecordId, Resolution, StoreFuture, Timestamp, Update,
};

use crate::store::RedisStore;

impl RecordAdmin for RedisStore {
    fn find(&self, id: RecordId) -> StoreFuture<Option<FoundRecord>> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::new(async move {
            let connection = shared.connections.get().await?;
            find::record(&shared, &connection, id).await
        })
    }

    fn list(&self, filter: Filter, after: Option<Cursor>, limit: usize) -> StoreFuture<Page> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::new(async move { listing::page(&shared, &filter, after, limit.max(1)).await })
    }

    fn resolve(
        &self,
        id: RecordId,
        expected: FencingToken,
        resolution: Resolution,
        entry: AuditEntry,
    ) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::new(async move {
            resolve::with_audit(&inner, id, expected, resolution, &entry).await
        })
    }

    fn append_audit(&self, entry: AuditEntry) -> StoreFuture<()> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::new(async move { audit::append(&shared, &entry).await })
    }

    fn prune_audit(&self, before: Timestamp) -> StoreFuture<u64> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::new(async move { audit::prune(&shared, before).await })
    }

    fn audit(
        &self,
        filter: AuditFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> StoreFuture<AuditPage> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::new(async move { audit::page(&shared, filter, after, limit.max(1)).await })
    }
}
