//! The parts of a store that its modules share.

use idem_core::store::{Claim, ExistingRecord, RecordId, State, StoreError, Update};

use crate::conn::{Connections, Purpose};
use crate::error::UnexpectedReply;
use crate::sql::{Batchable, Names, Statements, bind_claim, lock_key, row, unapplied_update};

/// The connections, names and statements of one store.
pub(crate) struct Shared {
    pub(crate) connections: Connections,
    pub(crate) names: Names,
    pub(crate) statements: Statements,
    /// Whether a call that meets no others is sent by the statement for several calls, too.
    pub(crate) batch_every_call: bool,
}

impl Shared {
    /// Sends one call in a statement of its own.
    pub(crate) async fn send<T: Batchable>(&self, call: &T) -> Result<T::Reply, StoreError> {
        let query = call.query(&self.statements);
        let rows = self.connections.fetch_all(query, T::PURPOSE).await?;
        call.reply(rows.first())
    }

    /// The record of a key that a claim would find, read without a claim. `None` if the key is new, or may be
    /// taken over.
    pub(crate) async fn find(&self, id: RecordId) -> Result<Option<ExistingRecord>, StoreError> {
        // Under at least once, the next claim takes over a run whose lease is over.
        let is_unknown = |record: &ExistingRecord| matches!(record.state, State::Unknown(_));
        Ok(self.read(id).await?.filter(|existing| !is_unknown(existing)))
    }

    /// The record of a key, read without a claim. `None` if the key is new.
    pub(crate) async fn read(&self, id: RecordId) -> Result<Option<ExistingRecord>, StoreError> {
        let query = self.statements.find.query();
        let query = query.bind(id.as_bytes().as_slice()).bind(lock_key(id));
        let rows = self.connections.fetch_all(query, Purpose::Reserve).await?;
        let row = rows.first().ok_or_else(|| StoreError::unknown(UnexpectedReply::NoRow))?;
        if row::get::<Option<i16>>(row, "format")?.is_none() && !row::get(row, "claimed")? {
            return Ok(None);
        }
        row::existing(row).map(Some)
    }

    /// The result of a completion that changed nothing: it was applied before, or the claim is stale.
    pub(crate) async fn unapplied_completion(&self, claim: &Claim) -> Result<Update, StoreError> {
        let query = bind_claim(self.statements.read.query(), claim);
        unapplied_update(self.connections.fetch(query).await?.as_ref())
    }
}
