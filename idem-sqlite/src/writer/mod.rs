//! The writer: one connection per process that makes all changes, and commits many calls together.

mod batch;
mod call;
mod statements;

use std::sync::Arc;
use std::time::{Duration, Instant};

use idem_core::store::{StoreError, Wakeups};
use sqlx::{Connection, Error, SqliteConnection, query};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::connection::Connector;
use crate::error::{Overloaded, is_about_values, is_busy, shared};
use batch::Changes;
pub(crate) use call::{Call, Kind, Reply};
pub(crate) use statements::MAX_SWEEP_LEN;

/// The maximum number of calls that one transaction carries.
const MAX_BATCH_LEN: usize = 256;

/// The pause before another attempt to lock the file.
const LOCK_PAUSE: Duration = Duration::from_millis(1);

/// The pause between two transactions while other processes write too. SQLite grants its lock to the process that asks at
/// the right moment, so a process without pauses would exclude the others.
const TURN_PAUSE: Duration = Duration::from_millis(2);

pub(crate) struct Writer {
    pub(crate) connector: Arc<Connector>,
    pub(crate) wakeups: Arc<Wakeups>,
    pub(crate) wait_timeout: Duration,
    /// `None` after an error. The next transaction opens another connection.
    pub(crate) connection: Option<SqliteConnection>,
}

/// The reason why a transaction did not end as it should.
enum Failure {
    /// Nothing was changed.
    NotDone(StoreError),
    /// A statement failed, and the transaction was rolled back.
    RolledBack(Error),
    /// The commit failed. It may take effect after a crash, because its last page may have been written.
    Unknown(Error),
}

impl Writer {
    /// Writes until the store is dropped. All calls that wait when the writer becomes free share one transaction.
    pub(crate) async fn run(mut self, mut calls: mpsc::Receiver<Call>) {
        loop {
            let mut batch = Vec::with_capacity(MAX_BATCH_LEN);
            if calls.recv_many(&mut batch, MAX_BATCH_LEN).await == 0 {
                break;
            }
            let is_late = |call: &mut Call| call.sent.elapsed() > self.wait_timeout;
            let late = batch.extract_if(.., is_late);
            late.for_each(|call| call.fail(StoreError::not_done(Overloaded)));
            if !batch.is_empty() && self.write(batch).await {
                sleep(TURN_PAUSE).await;
            }
        }
        if let Some(connection) = self.connection.take() {
            self.connector.file.forget_log();
            drop(connection.close().await);
        }
    }

    /// Writes the calls in one transaction, and replies to them. If a call is rejected for its own values, each gets a
    /// transaction of its own. Returns whether other processes write too.
    async fn write(&mut self, mut calls: Vec<Call>) -> bool {
        match self.transact(&mut calls).await {
            Ok(changes) => {
                calls.into_iter().for_each(Call::finish);
                self.wake(&changes);
                changes.has_other_writer
            }
            Err(Failure::RolledBack(error)) if calls.len() > 1 && is_about_values(&error) => {
                for call in calls {
                    Box::pin(self.write(vec![call])).await;
                }
                false
            }
            Err(failure) => {
                fail_all(calls, failure);
                false
            }
        }
    }

    fn wake(&self, changes: &Changes) {
        changes.records.iter().for_each(|id| self.wakeups.wake(id));
        if changes.has_other_writer {
            self.wakeups.wake_all();
        }
    }

    async fn transact(&mut self, calls: &mut [Call]) -> Result<Changes, Failure> {
        self.connector
            .file
            .verify()
            .map_err(|error| Failure::NotDone(StoreError::not_done(error)))?;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connector.connect_writer().await.map_err(Failure::RolledBack)?,
        };
        match self.transact_on(&mut connection, calls).await {
            Ok(changes) => {
                self.keep(connection);
                Ok(changes)
            }
            Err(failure) => {
                if is_reusable(&mut connection, &failure).await {
                    self.keep(connection);
                } else {
                    self.connector.file.forget_log();
                    // Closing rolls back. The lock is free before the next transaction begins.
                    drop(connection.close().await);
                }
                Err(failure)
            }
        }
    }

    /// Keeps a connection that has begun a transaction for the next one.
    fn keep(&mut self, connection: SqliteConnection) {
        self.connection = Some(connection);
        self.connector.file.remember_log();
    }

    async fn transact_on(
        &self,
        connection: &mut SqliteConnection,
        calls: &mut [Call],
    ) -> Result<Changes, Failure> {
        self.begin(connection).await?;
        let changes = batch::run(connection, &self.connector, calls).await;
        let changes = changes.map_err(Failure::RolledBack)?;
        query("COMMIT").execute(connection).await.map_err(Failure::Unknown)?;
        Ok(changes)
    }

    /// Begins a transaction that can write. The waits of SQLite itself grow to 100 ms, and would lose every race against
    /// another process.
    async fn begin(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let started = Instant::now();
        loop {
            match query("BEGIN IMMEDIATE").execute(&mut *connection).await {
                Ok(_) => return Ok(()),
                Err(error) if !is_busy(&error) => return Err(Failure::RolledBack(error)),
                Err(_) if started.elapsed() >= self.wait_timeout => {
                    return Err(Failure::NotDone(StoreError::not_done(Overloaded)));
                }
                Err(_) => sleep(LOCK_PAUSE).await,
            }
        }
    }
}

/// Ends the transaction of a failure. Returns whether the connection is known to be outside of a transaction.
async fn is_reusable(connection: &mut SqliteConnection, failure: &Failure) -> bool {
    match failure {
        Failure::NotDone(_) => true,
        Failure::RolledBack(_) => query("ROLLBACK").execute(connection).await.is_ok(),
        Failure::Unknown(_) => false,
    }
}

fn fail_all(calls: Vec<Call>, failure: Failure) {
    match failure {
        Failure::NotDone(error) => {
            let error = Arc::new(error);
            calls.into_iter().for_each(|call| call.fail(StoreError::not_done(Arc::clone(&error))));
        }
        Failure::RolledBack(error) => {
            let error = shared(error);
            calls.into_iter().for_each(|call| call.fail(StoreError::not_done(error.clone())));
        }
        Failure::Unknown(error) => {
            let error = shared(error);
            calls.into_iter().for_each(|call| call.fail(StoreError::unknown(error.clone())));
        }
    }
}
