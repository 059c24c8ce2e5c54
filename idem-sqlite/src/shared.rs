//! The parts of a store that its methods and its thread share.

use std::sync::Arc;
use std::time::Duration;

use idem_core::store::{RecordId, StoreError, Wakeups};
use sqlx::SqlitePool;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::connection::{Connector, SideConnection};
use crate::error::{Ended, Overloaded};
use crate::reader::{Found, Read};
use crate::writer::{Call, Kind, Reply};

pub(crate) struct Shared {
    pub(crate) connector: Arc<Connector>,
    pub(crate) side: SideConnection,
    /// The pool of the application, if the store was opened on one.
    pub(crate) pool: Option<SqlitePool>,
    pub(crate) wakeups: Arc<Wakeups>,
    /// A duplicate has begun to wait.
    pub(crate) waiting: Notify,
    pub(crate) wait_timeout: Duration,
    pub(crate) reads: mpsc::Sender<Read>,
    pub(crate) calls: mpsc::Sender<Call>,
}

impl Shared {
    /// Reads one record.
    pub(crate) async fn read(&self, id: RecordId) -> Result<Found, StoreError> {
        let (reply, outcome) = oneshot::channel();
        let read = Read::new(id, reply);
        self.reads.send_timeout(read, self.wait_timeout).await.map_err(not_sent)?;
        outcome.await.map_err(StoreError::not_done)?
    }

    /// Sends a call to the writer, and waits until it is committed.
    pub(crate) async fn write<T>(
        &self,
        kind: impl FnOnce(Reply<T>) -> Kind,
    ) -> Result<T, StoreError> {
        let (caller, outcome) = oneshot::channel();
        let call = Call::new(kind(Reply::to(caller)));
        self.calls.send_timeout(call, self.wait_timeout).await.map_err(not_sent)?;
        outcome.await.map_err(StoreError::unknown)?
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that `map_err` needs")]
fn not_sent<T>(error: SendTimeoutError<T>) -> StoreError {
    match error {
        SendTimeoutError::Timeout(_) => StoreError::not_done(Overloaded),
        SendTimeoutError::Closed(_) => StoreError::not_done(Ended),
    }
}
