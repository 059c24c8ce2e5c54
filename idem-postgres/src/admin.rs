//! Administrative access to the records.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use idem_core::store::{
    AuditEntry, AuditFilter, AuditPage, Cursor, FencingToken, Filter, FoundRecord, Page,
    RecordAdmin, RecordId, Resolution, StoreError, StoreFuture, StoreStats, Timestamp, Update,
};
use sqlx::postgres::PgRow;

use crate::conn::Purpose;
use crate::error::UnexpectedReply;
use crate::shared::Shared;
use crate::sql::{ResolveCall, audit, found, row};
use crate::store::PostgresStore;

/// The maximum number of records that one statement of a listing reads. If none of them is selected, the page is
/// empty and more pages follow. Records are in the order of digests, so each read can be another page of the
/// table.
const MAX_SCAN_LEN: i64 = 2_000;

impl RecordAdmin for PostgresStore {
    fn find(&self, id: RecordId) -> StoreFuture<Option<FoundRecord>> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::uncut(async move {
            let rows = found_rows(&shared, vec![id.as_bytes().to_vec()]).await?;
            rows.first().map(found::record).transpose()
        })
    }

    fn list(&self, filter: Filter, after: Option<Cursor>, limit: usize) -> StoreFuture<Page> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::uncut(async move {
            let scan = scan(&shared, &filter, after, limit).await?;
            let rows = match scan.ids.is_empty() {
                true => Vec::new(),
                false => found_rows(&shared, scan.ids).await?,
            };
            let records = rows.iter().filter_map(|row| {
                let record = found::record(row);
                readable(&shared, record, "cannot read a record; a listing leaves it out")
            });
            // The records may have changed between the two statements, and their age is only known here.
            let records = records.filter(|record| filter.matches(record)).collect();
            Ok(Page { records, next: scan.next })
        })
    }

    fn resolve(
        &self,
        id: RecordId,
        expected: FencingToken,
        resolution: Resolution,
        entry: AuditEntry,
    ) -> StoreFuture<Update> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::uncut(async move {
            let call = ResolveCall::new(id, expected, resolution, entry);
            let row = shared.connections.fetch(call.query(&shared.statements)).await?;
            let row = row.ok_or_else(|| StoreError::unknown(UnexpectedReply::NoRow))?;
            match row::get(&row, "applied")? {
                true => Ok(Update::Applied),
                false => Ok(Update::Stale(shared.read(call.id).await?.map(Box::new))),
            }
        })
    }

    fn append_audit(&self, entry: AuditEntry) -> StoreFuture<()> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::uncut(async move {
            let query = audit::bind(shared.statements.append_audit.query(), &entry);
            shared.connections.fetch(query).await.map(drop)
        })
    }

    fn prune_audit(&self, before: Timestamp) -> StoreFuture<u64> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::uncut(async move {
            let query = shared.statements.prune_audit.query().bind(micros(before));
            let row = shared.connections.fetch(query).await?;
            let row = row.ok_or_else(|| StoreError::unknown(UnexpectedReply::NoRow))?;
            Ok(row::get::<i64>(&row, "pruned")?.unsigned_abs())
        })
    }

    fn stats(&self) -> StoreFuture<StoreStats> {
        let store = self.clone();
        StoreFuture::uncut(async move {
            Ok(StoreStats::default().with_sweep_lag(store.sweep_lag().await?))
        })
    }

    fn audit(
        &self,
        filter: AuditFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> StoreFuture<AuditPage> {
        let shared = Arc::clone(&self.0.shared);
        StoreFuture::uncut(async move {
            let after = after.and_then(|Cursor(bytes)| bytes[..].try_into().ok());
            let query = shared.statements.audit.query();
            let query = query
                .bind(after.map_or(0, i64::from_be_bytes))
                .bind(filter.record.map(|record| record.as_bytes().to_vec()))
                .bind(filter.since.map(micros))
                .bind(row_limit(limit));
            let rows = shared.connections.fetch_all(query, Purpose::Other).await?;
            let last = rows.last().filter(|_| rows.len() >= limit);
            let next = last.map(audit::number).transpose()?;
            let records = rows.iter().filter_map(|row| {
                let record = audit::record(row);
                readable(&shared, record, "cannot read an entry of the audit log")
            });
            Ok(AuditPage {
                records: records.collect(),
                next: next.map(|number| Cursor(Bytes::copy_from_slice(&number.to_be_bytes()))),
            })
        })
    }
}

/// The selected records of one statement of a listing.
struct Scan {
    ids: Vec<Vec<u8>>,
    next: Option<Cursor>,
}

/// Selects up to `limit` records by their operation and state.
async fn scan(
    shared: &Shared,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Scan, StoreError> {
    let before = filter.starting_with.and_then(|prefix| prefix.before());
    let before = before.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let last = filter.starting_with.map_or([0xff; 32], |prefix| *prefix.range().1.as_bytes());
    let query = shared.statements.scan.query();
    let query = query
        .bind(after.map_or(before, |Cursor(bytes)| bytes.to_vec()))
        .bind(MAX_SCAN_LEN)
        .bind(filter.only_unknown)
        .bind(filter.operation.as_deref())
        .bind(last.to_vec());
    let row = shared.connections.fetch(query).await?;
    let row = row.ok_or_else(|| StoreError::unknown(UnexpectedReply::NoRow))?;
    let mut ids: Vec<Vec<u8>> = row::get(&row, "ids")?;
    let is_cut = ids.len() > limit;
    ids.truncate(limit);
    let last = match (is_cut, row::get::<i64>(&row, "scanned")? < MAX_SCAN_LEN) {
        (true, _) => ids.last().cloned(),
        (false, true) => None,
        (false, false) => row::get(&row, "last")?,
    };
    Ok(Scan { ids, next: last.map(|id| Cursor(id.into())) })
}

async fn found_rows(shared: &Shared, ids: Vec<Vec<u8>>) -> Result<Vec<PgRow>, StoreError> {
    shared.connections.fetch_all(shared.statements.found.query().bind(ids), Purpose::Other).await
}

/// Logs what cannot be read, so that one damaged row does not end a listing.
fn readable<T>(shared: &Shared, read: Result<T, StoreError>, message: &str) -> Option<T> {
    let server = &*shared.connections.server;
    read.inspect_err(|error| tracing::warn!(server, error = error as &dyn Error, "{message}")).ok()
}

/// A time as a number of microseconds that fits into a timestamp of Postgres.
fn micros(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX).min(i64::MAX / 2)
}

fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
