//! The parts of a store that its modules share.

use idem_core::store::{Claim, StoreError, Update};

use crate::conn::Connections;
use crate::sql::{Batchable, Names, Statements, bind_claim, unapplied_update};

/// The connections, names and statements of one store.
pub(crate) struct Shared {
    pub(crate) connections: Connections,
    pub(crate) names: Names,
    pub(crate) statements: Statements,
}

impl Shared {
    /// Sends one call in a statement of its own.
    pub(crate) async fn send<T: Batchable>(&self, call: &T) -> Result<T::Reply, StoreError> {
        let query = call.query(&self.statements);
        let rows = self.connections.fetch_all(query, T::PURPOSE).await?;
        call.reply(rows.first())
    }

    /// The result of a completion that changed nothing: it was applied before, or the claim is stale.
    pub(crate) async fn unapplied_completion(&self, claim: &Claim) -> Result<Update, StoreError> {
        let query = bind_claim(self.statements.read.query(), claim);
        unapplied_update(self.connections.fetch(query).await?.as_ref())
    }
}
