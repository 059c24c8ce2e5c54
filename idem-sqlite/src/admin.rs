//! Administrative access to the records.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use idem_core::state_machine::{self, Slot};
use idem_core::store::{
    AuditEntry, AuditFilter, AuditPage, Cursor, FencingToken, Filter, FoundRecord, Page, Record,
    RecordAdmin, RecordId, Resolution, StoreError, StoreFuture, StoreStats, Timestamp, Update,
};
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use crate::audit;
use crate::row::{get, record_id, stored, timestamp};
use crate::shared::Shared;
use crate::store::SqliteStore;
use crate::writer::Kind;

/// The maximum number of records that one statement of a listing reads. If none of them is selected, the page is empty and
/// more pages follow.
const MAX_SCAN_LEN: usize = 2_000;

impl RecordAdmin for SqliteStore {
    fn find(&self, id: RecordId) -> StoreFuture<Option<FoundRecord>> {
        let shared = Arc::clone(&self.0);
        StoreFuture::new(async move {
            let found = shared.read(id).await?;
            let live = found.slot.filter(|slot| !slot.expired(found.now));
            Ok(live.map(|slot| FoundRecord::new(id, &slot, found.now)))
        })
    }

    fn list(&self, filter: Filter, after: Option<Cursor>, limit: usize) -> StoreFuture<Page> {
        let shared = Arc::clone(&self.0);
        StoreFuture::new(async move {
            let before = filter.starting_with.and_then(|prefix| prefix.before());
            let before = before.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
            let last =
                filter.starting_with.map_or([0xff; 32], |prefix| *prefix.range().1.as_bytes());
            let scan = query(include_str!("sql/scan.sql"))
                .bind(after.map_or(before, |Cursor(bytes)| bytes.to_vec()))
                .bind(MAX_SCAN_LEN as i64)
                .bind(last.to_vec());
            let before = shared.connector.clock.now(Timestamp(0));
            let rows = shared.side.fetch_all(scan).await?;
            page(&shared, &filter, &rows, limit, before)
        })
    }

    fn resolve(
        &self,
        id: RecordId,
        expected: FencingToken,
        resolution: Resolution,
        entry: AuditEntry,
    ) -> StoreFuture<Update> {
        let shared = Arc::clone(&self.0);
        let transition = Box::new(move |slot: Option<&Slot>, now| {
            state_machine::resolve(slot, expected, resolution.clone(), now)
        });
        StoreFuture::new(async move {
            let audit = Some(entry);
            shared.write(|reply| Kind::Update { id, transition, audit, reply }).await
        })
    }

    fn append_audit(&self, entry: AuditEntry) -> StoreFuture<()> {
        let shared = Arc::clone(&self.0);
        StoreFuture::new(
            async move { shared.write(|reply| Kind::AppendAudit { entry, reply }).await },
        )
    }

    fn prune_audit(&self, before: Timestamp) -> StoreFuture<u64> {
        let shared = Arc::clone(&self.0);
        StoreFuture::new(
            async move { shared.write(|reply| Kind::PruneAudit { before, reply }).await },
        )
    }

    fn stats(&self) -> StoreFuture<StoreStats> {
        let store = self.clone();
        StoreFuture::new(async move {
            Ok(StoreStats::default().with_sweep_lag(store.sweep_lag().await?))
        })
    }

    fn audit(
        &self,
        filter: AuditFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> StoreFuture<AuditPage> {
        let shared = Arc::clone(&self.0);
        StoreFuture::new(async move {
            let after = after.and_then(|Cursor(bytes)| bytes[..].try_into().ok());
            let query = query(include_str!("sql/audit.sql"))
                .bind(after.map_or(0, i64::from_be_bytes))
                .bind(filter.record.map(|record| record.as_bytes().to_vec()))
                .bind(filter.since.map(stored))
                .bind(i64::try_from(limit).unwrap_or(i64::MAX));
            let rows = shared.side.fetch_all(query).await?;
            let last = rows.last().filter(|_| rows.len() >= limit);
            let next = last.map(|row| get::<i64>(row, "entry")).transpose()?;
            let readable = readable(&shared, "cannot read an entry of the audit log");
            Ok(AuditPage {
                records: rows.iter().map(audit::record).filter_map(readable).collect(),
                next: next.map(|number| Cursor(Bytes::copy_from_slice(&number.to_be_bytes()))),
            })
        })
    }
}

/// Selects up to `limit` records from the rows of a scan.
fn page(
    shared: &Shared,
    filter: &Filter,
    rows: &[SqliteRow],
    limit: usize,
    now: Timestamp,
) -> Result<Page, StoreError> {
    let mut readable = readable(shared, "cannot read a record; a listing leaves it out");
    let (mut records, mut scanned) = (Vec::new(), 0);
    for row in rows {
        if records.len() == limit {
            break;
        }
        scanned += 1;
        let live = readable(found_record(row, now)).filter(|record| record.expires_at > record.now);
        records.extend(live.filter(|record| filter.matches(record)));
    }
    let is_last = scanned == rows.len() && scanned < MAX_SCAN_LEN;
    let last = rows[..scanned].last().filter(|_| !is_last);
    let next = last.map(|row| get::<Vec<u8>>(row, "id")).transpose()?;
    Ok(Page { records, next: next.map(|id| Cursor(id.into())) })
}

fn found_record(row: &SqliteRow, before: Timestamp) -> Result<FoundRecord, StoreError> {
    let time = |column| timestamp(row, column).map_err(StoreError::not_done);
    let slot = Slot {
        record: Record::from_head(&get::<Vec<u8>>(row, "head")?.into())?,
        lease_until: time("lease_until")?,
        expires_at: time("expires_at")?,
    };
    Ok(FoundRecord::new(record_id(row, "id")?, &slot, before.max(time("now")?)))
}

/// Logs what cannot be read, so that one damaged row does not end a listing.
fn readable<T>(shared: &Shared, message: &str) -> impl FnMut(Result<T, StoreError>) -> Option<T> {
    let path = shared.connector.file.name();
    move |read| {
        read.inspect_err(|error| {
            tracing::warn!(path = &*path, error = error as &dyn Error, "{message}");
        })
        .ok()
    }
}
