//! Administrative access to the records in memory.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{MemoryStore, lock};
use crate::model::{FencingToken, RecordId, Timestamp};
use crate::state_machine;
use crate::store::{
    AuditEntry, AuditFilter, AuditOutcome, AuditPage, AuditRecord, Cursor, Filter, FoundRecord,
    Page, RecordAdmin, Resolution, StoreFuture, Update,
};

/// The maximum number of entries in the audit log. It then drops its oldest entry.
const MAX_AUDIT_ENTRIES: usize = 10_000;

/// The audit log. It is lost when the process exits, like the records.
#[derive(Default)]
pub(super) struct AuditLog {
    records: VecDeque<AuditRecord>,
    /// The number of entries that were dropped.
    dropped: u64,
}

impl AuditLog {
    fn push(&mut self, at: Timestamp, entry: AuditEntry, outcome: AuditOutcome) {
        let previous = self.records.back().map_or(AuditRecord::NO_PREVIOUS, AuditRecord::digest);
        let record = AuditRecord { at, entry, outcome, previous: Some(previous) };
        if self.records.len() == MAX_AUDIT_ENTRIES {
            self.records.pop_front();
            self.dropped += 1;
        }
        self.records.push_back(record);
    }

    fn prune(&mut self, before: Timestamp) -> u64 {
        let kept = self.records.iter().position(|record| record.at >= before);
        let pruned = self.records.drain(..kept.unwrap_or(self.records.len())).count() as u64;
        self.dropped += pruned;
        pruned
    }

    fn page(&self, filter: AuditFilter, after: Option<&Cursor>, limit: usize) -> AuditPage {
        let position = after.and_then(|Cursor(bytes)| bytes[..].try_into().ok());
        let skipped = position.map_or(0, u64::from_be_bytes).saturating_sub(self.dropped);
        let rest = (self.dropped + 1..).zip(&self.records).skip(skipped as usize);
        let selected: Vec<_> =
            rest.filter(|(_, record)| filter.matches(record)).take(limit).collect();
        let next = (selected.len() == limit).then(|| selected.last()).flatten();
        AuditPage {
            next: next.map(|(number, _)| Cursor(Bytes::copy_from_slice(&number.to_be_bytes()))),
            records: selected.into_iter().map(|(_, record)| record.clone()).collect(),
        }
    }
}

impl RecordAdmin for MemoryStore {
    fn find(&self, id: RecordId) -> StoreFuture<Option<FoundRecord>> {
        let now = self.now();
        let shard = self.shard(&id);
        let found = shard.live(&id, now).map(|slot| FoundRecord::new(id, slot, now));
        StoreFuture::ready(Ok(found))
    }

    fn list(&self, filter: Filter, after: Option<Cursor>, limit: usize) -> StoreFuture<Page> {
        let now = self.now();
        let mut records = Vec::new();
        for shard in &self.0.shards {
            let shard = lock(shard);
            let live = shard.all().filter(|(_, slot)| !slot.expired(now));
            let later = live.filter(|(id, _)| {
                after.as_ref().is_none_or(|Cursor(after)| id.as_bytes()[..] > after[..])
            });
            let found = later.map(|(id, slot)| FoundRecord::new(*id, slot, now));
            records.extend(found.filter(|record| filter.matches(record)));
        }
        records.sort_unstable_by_key(|record| *record.id.as_bytes());
        let is_last = records.len() <= limit;
        records.truncate(limit);
        let next = records.last().filter(|_| !is_last);
        let next = next.map(|record| Cursor(Bytes::copy_from_slice(record.id.as_bytes())));
        StoreFuture::ready(Ok(Page { next, records }))
    }

    fn resolve(
        &self,
        id: RecordId,
        expected: FencingToken,
        resolution: Resolution,
        entry: AuditEntry,
    ) -> StoreFuture<Update> {
        self.change(id, |slot, now| {
            let (change, update) = state_machine::resolve(slot, expected, resolution, now);
            let outcome = match update {
                Update::Applied => AuditOutcome::Done,
                Update::Stale(_) => AuditOutcome::Rejected,
            };
            lock(&self.0.audit).push(now, entry, outcome);
            (change, update)
        })
    }

    fn append_audit(&self, entry: AuditEntry) -> StoreFuture<()> {
        lock(&self.0.audit).push(self.now(), entry, AuditOutcome::Done);
        StoreFuture::ready(Ok(()))
    }

    fn prune_audit(&self, before: Timestamp) -> StoreFuture<u64> {
        StoreFuture::ready(Ok(lock(&self.0.audit).prune(before)))
    }

    fn audit(
        &self,
        filter: AuditFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> StoreFuture<AuditPage> {
        StoreFuture::ready(Ok(lock(&self.0.audit).page(filter, after.as_ref(), limit)))
    }
}
