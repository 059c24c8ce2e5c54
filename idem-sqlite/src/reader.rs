//! Reads of records, beside the writer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use idem_core::state_machine::Slot;
use idem_core::store::{RecordId, StoreError, Timestamp};
use sqlx::SqliteConnection;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::connection::Connector;
use crate::error::{Overloaded, shared};
use crate::row::load;

/// The number of connections that read.
pub(crate) const READERS: usize = 2;

/// The maximum number of records that one statement reads.
const MAX_BATCH_LEN: usize = 64;

/// The reading of one record.
pub(crate) struct Read {
    id: RecordId,
    sent: Instant,
    reply: oneshot::Sender<Result<Found, StoreError>>,
}

/// A record, and a moment at which it was as it was read.
pub(crate) struct Found {
    pub(crate) slot: Option<Slot>,
    pub(crate) now: Timestamp,
}

impl Read {
    pub(crate) fn new(id: RecordId, reply: oneshot::Sender<Result<Found, StoreError>>) -> Self {
        Self { id, sent: Instant::now(), reply }
    }

    fn finish(self, result: Result<Found, StoreError>) {
        drop(self.reply.send(result)); // the caller may have left
    }
}

/// One reading connection. All of them take their reads from one queue.
pub(crate) struct Reader {
    pub(crate) connector: Arc<Connector>,
    pub(crate) reads: Arc<Mutex<mpsc::Receiver<Read>>>,
    pub(crate) wait_timeout: Duration,
}

impl Reader {
    /// Reads until the store is dropped.
    pub(crate) async fn run(self) {
        let mut connection = None;
        loop {
            let mut batch = Vec::with_capacity(MAX_BATCH_LEN);
            if self.reads.lock().await.recv_many(&mut batch, MAX_BATCH_LEN).await == 0 {
                return;
            }
            let is_late = |read: &mut Read| read.sent.elapsed() > self.wait_timeout;
            batch.extract_if(.., is_late).for_each(|read| {
                read.finish(Err(StoreError::not_done(Overloaded)));
            });
            if !batch.is_empty() {
                self.serve(&mut connection, batch).await;
            }
        }
    }

    async fn serve(&self, connection: &mut Option<SqliteConnection>, batch: Vec<Read>) {
        match self.load(connection, &batch).await {
            Ok(found) => batch.into_iter().zip(found).for_each(|(read, found)| read.finish(found)),
            Err(error) => {
                *connection = None;
                let error = shared(error);
                for read in batch {
                    read.finish(Err(StoreError::not_done(error.clone())));
                }
            }
        }
    }

    async fn load(
        &self,
        connection: &mut Option<SqliteConnection>,
        batch: &[Read],
    ) -> sqlx::Result<Vec<Result<Found, StoreError>>> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(self.connector.connect().await?),
        };
        let ids = batch.iter().map(|read| read.id);
        let snapshot = load(connection, &self.connector.clock, ids).await?;
        let now = snapshot.now;
        let found = snapshot
            .records
            .into_iter()
            .map(|loaded| loaded.slot.map(|slot| Found { slot, now }).map_err(StoreError::from));
        Ok(found.collect())
    }
}
