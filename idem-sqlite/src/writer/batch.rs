//! One transaction: the records that it reads, the transitions of its calls, and the rows that it writes.

use std::collections::HashMap;

use idem_core::codec::CodecError;
use idem_core::state_machine::{self, Change, Slot};
use idem_core::store::{
    AuditEntry, Capacity, ClaimOutcome, ClaimRequest, Quota, RecordId, ScopeId, StoreError,
    Timestamp, Update,
};
use sqlx::{Error, SqliteConnection};

use super::call::{Call, Kind};
use super::statements;
use crate::audit;
use crate::clock::Clock;
use crate::connection::Connector;
use crate::row::load;

/// An open transaction. Transitions are decided in memory, in the order of the calls, and written before the commit.
pub(super) struct Batch<'a> {
    connection: &'a mut SqliteConnection,
    clock: &'a Clock,
    records: HashMap<RecordId, Entry>,
    /// The records with changes that are not written yet.
    unwritten: Vec<RecordId>,
    changes: Changes,
}

/// A record in memory.
struct Entry {
    slot: Result<Option<Slot>, CodecError>,
    scope: Option<ScopeId>,
}

/// What a transaction has changed.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) records: Vec<RecordId>,
    /// Whether another process has committed since the last transaction of this one.
    pub(super) has_other_writer: bool,
    /// Whether rows were written that are not records.
    wrote_rows: bool,
}

/// Runs the calls in the open transaction, and keeps their outcomes. The caller commits.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    connector: &Connector,
    calls: &mut [Call],
) -> Result<Changes, Error> {
    let mut ids: Vec<_> = calls.iter().filter_map(Call::id).collect();
    ids.sort_unstable_by_key(|id| *id.as_bytes());
    ids.dedup();
    // Reading without ids would not read the clock of the file.
    let none = [RecordId::from_bytes([0; 32])];
    let read = if ids.is_empty() { &none[..] } else { &ids[..] };
    let snapshot = load(connection, &connector.clock, read.iter().copied()).await?;
    let entries = snapshot.records.into_iter();
    let entries = entries.map(|loaded| Entry { slot: loaded.slot, scope: loaded.scope });
    let mut batch = Batch {
        connection,
        clock: &connector.clock,
        records: ids.iter().copied().zip(entries).collect(),
        unwritten: Vec::new(),
        changes: Changes {
            has_other_writer: snapshot.writer != connector.writer,
            ..Changes::default()
        },
    };
    for call in calls {
        batch.apply(call).await?;
    }
    batch.write_records().await?;
    let changes = batch.changes;
    if changes.wrote_rows || !changes.records.is_empty() {
        let now = connector.clock.now(Timestamp(0));
        statements::set_clock(connection, now, &connector.writer).await?;
    }
    Ok(changes)
}

impl Batch<'_> {
    async fn apply(&mut self, call: &mut Call) -> Result<(), Error> {
        match &mut call.kind {
            Kind::Claim { id, request, reply } => reply.keep(self.claim(*id, request).await?),
            Kind::Update { id, transition, audit, reply } => {
                let now = self.now();
                let entry = self.entry(*id);
                let outcome = match &entry.slot {
                    Err(error) => Err(StoreError::from(*error)),
                    Ok(slot) => {
                        let (change, update) = transition(slot.as_ref(), now);
                        let scope = entry.scope;
                        self.change(*id, change, scope);
                        Ok(update)
                    }
                };
                if let (Some(entry), Ok(update)) = (audit, &outcome) {
                    self.write_audit(entry, *update == Update::Applied, now).await?;
                }
                reply.keep(outcome);
            }
            Kind::AppendAudit { entry, reply } => {
                self.write_audit(entry, true, self.now()).await?;
                reply.keep(Ok(()));
            }
            Kind::PruneAudit { before, reply } => {
                let pruned = audit::prune(self.connection, *before).await?;
                self.changes.wrote_rows |= pruned > 0;
                reply.keep(Ok(pruned));
            }
            Kind::Sweep { reply } => {
                self.write_records().await?;
                let swept = statements::sweep(self.connection, self.now()).await?;
                self.changes.wrote_rows |= swept > 0;
                reply.keep(Ok(swept));
            }
        }
        Ok(())
    }

    async fn claim(
        &mut self,
        id: RecordId,
        request: &ClaimRequest,
    ) -> Result<Result<ClaimOutcome, StoreError>, Error> {
        let now = self.now();
        let slot = match &self.entry(id).slot {
            Ok(slot) => slot.as_ref(),
            Err(error) => return Ok(Err((*error).into())),
        };
        let is_new = slot.is_none_or(|slot| slot.expired(now));
        if let (true, Some(quota)) = (is_new, request.quota)
            && !self.has_room(quota, now).await?
        {
            return Ok(Ok(ClaimOutcome::AtCapacity(Capacity::Scope)));
        }
        let entry = self.entry(id);
        let slot = entry.slot.as_ref().ok().and_then(Option::as_ref);
        let (change, outcome) = state_machine::claim(slot, id, request, now);
        let own_scope = request.quota.map(|quota| quota.scope);
        let scope = if is_new { own_scope } else { own_scope.or(entry.scope) };
        self.change(id, change, scope);
        Ok(Ok(outcome))
    }

    /// Whether a new key fits into the quota. A scope that seems full first loses its expired records.
    async fn has_room(&mut self, quota: Quota, now: Timestamp) -> Result<bool, Error> {
        self.write_records().await?;
        let max_keys = i64::from(quota.max_keys.get());
        if statements::count_keys(self.connection, quota.scope).await? < max_keys {
            return Ok(true);
        }
        let swept = statements::sweep_scope(self.connection, quota.scope, now).await?;
        self.changes.wrote_rows |= swept > 0;
        Ok(swept > 0 && statements::count_keys(self.connection, quota.scope).await? < max_keys)
    }

    fn now(&self) -> Timestamp {
        self.clock.now(Timestamp(0))
    }

    fn entry(&mut self, id: RecordId) -> &Entry {
        self.records.entry(id).or_insert(Entry { slot: Ok(None), scope: None })
    }

    fn change(&mut self, id: RecordId, change: Change, scope: Option<ScopeId>) {
        let slot = match change {
            Change::Keep => return,
            Change::Put(slot) => Some(slot),
            Change::Remove => None,
        };
        self.records.insert(id, Entry { slot: Ok(slot), scope });
        self.unwritten.push(id);
        self.changes.records.push(id);
    }

    /// Writes the changed records, each once.
    async fn write_records(&mut self) -> Result<(), Error> {
        let mut ids = std::mem::take(&mut self.unwritten);
        // Rows in the order of the table share their pages.
        ids.sort_unstable_by_key(|id| *id.as_bytes());
        ids.dedup();
        for id in ids {
            match self.records.get(&id) {
                Some(Entry { slot: Ok(Some(slot)), scope }) => {
                    statements::put(self.connection, id, slot, *scope).await?;
                }
                _ => statements::remove(self.connection, id).await?,
            }
        }
        Ok(())
    }

    async fn write_audit(
        &mut self,
        entry: &AuditEntry,
        applied: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.changes.wrote_rows = true;
        audit::insert(self.connection, entry, applied, now).await
    }
}
