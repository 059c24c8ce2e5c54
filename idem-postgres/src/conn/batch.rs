//! Batching: calls that arrive while others of their kind are in flight share the next statement.
//!
//! A commit waits for a flush of the log, and a round trip costs the server more than the work of one call.
//! The calls of a batch share both. A call that arrives while no other is in flight is sent alone and
//! immediately.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use idem_core::store::PerRuntime;
use idem_core::store::{StoreError, StoreErrorKind};
use sqlx::postgres::PgRow;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error;
use crate::shared::Shared;
use crate::sql::{Batchable, row};

/// The number of statements of one kind that each runtime has in flight: one executes while the other is
/// flushed.
const CONCURRENCY: usize = 2;
/// The approximate maximum size of a statement. A single call may be larger.
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Sends the calls of one kind in batches.
pub(crate) struct Batcher<T: Batchable>(PerRuntime<Queue<T>>);

impl<T: Batchable> Default for Batcher<T> {
    fn default() -> Self {
        Self(PerRuntime::default())
    }
}

impl<T: Batchable> Batcher<T> {
    /// Sends a call, alone or in a batch. Dropping the future after the first poll does not withdraw the
    /// call. A call that is not sent within the builder's `wait_timeout` fails with
    /// [`NotDone`](StoreErrorKind::NotDone).
    pub(crate) async fn send(&self, shared: &Arc<Shared>, call: T) -> Result<T::Reply, StoreError> {
        let runtime = Handle::try_current().map_err(StoreError::not_done)?;
        let queue = self.0.of(&runtime, Queue::default);
        if !shared.batch_every_call
            && let Some(worker) = queue.first_worker()
        {
            // No other call is in flight. A task would only delay this one.
            let reply = shared.send(&call).await;
            worker.hand_over(&runtime, shared);
            return reply;
        }
        let (sender, receiver) = oneshot::channel();
        if let Some(worker) = queue.push(QueuedCall { call, since: Instant::now(), sender }) {
            runtime.spawn(worker.run(Arc::clone(shared)));
        }
        // The sender is dropped without a reply if the runtime shuts down.
        receiver.await.map_err(StoreError::unknown)?
    }
}

/// The calls of one runtime that wait to be sent.
struct Queue<T: Batchable>(Mutex<QueueState<T>>);

struct QueueState<T: Batchable> {
    calls: Vec<QueuedCall<T>>,
    workers: usize,
}

struct QueuedCall<T: Batchable> {
    call: T,
    since: Instant,
    sender: oneshot::Sender<Result<T::Reply, StoreError>>,
}

impl<T: Batchable> Default for Queue<T> {
    fn default() -> Self {
        Self(Mutex::new(QueueState { calls: Vec::new(), workers: 0 }))
    }
}

impl<T: Batchable> Queue<T> {
    /// Returns a worker if no other one is running.
    fn first_worker(self: &Arc<Self>) -> Option<BatchWorker<T>> {
        let mut state = self.lock();
        (state.workers == 0).then(|| self.add_worker(&mut state))
    }

    /// Adds a call. Returns a new worker if fewer than [`CONCURRENCY`] are running.
    fn push(self: &Arc<Self>, call: QueuedCall<T>) -> Option<BatchWorker<T>> {
        let mut state = self.lock();
        state.calls.push(call);
        (state.workers < CONCURRENCY).then(|| self.add_worker(&mut state))
    }

    fn add_worker(self: &Arc<Self>, state: &mut QueueState<T>) -> BatchWorker<T> {
        state.workers += 1;
        BatchWorker { queue: Arc::clone(self), running: true }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a call that waited too long. It is not sent, because its caller may have given up, and the
/// key would stay claimed without a run.
#[derive(Debug, thiserror::Error)]
#[error("timed out after {0:?} waiting to be sent: the database is overloaded")]
struct Overdue(Duration);

/// Sends queued calls until the queue is empty.
struct BatchWorker<T: Batchable> {
    queue: Arc<Queue<T>>,
    running: bool,
}

impl<T: Batchable> BatchWorker<T> {
    /// Continues in a task if calls were queued meanwhile.
    fn hand_over(mut self, runtime: &Handle, shared: &Arc<Shared>) {
        let queue = Arc::clone(&self.queue);
        if !self.stop_if_idle(&mut queue.lock()) {
            runtime.spawn(self.run(Arc::clone(shared)));
        }
    }

    /// Sends batches until the queue is empty.
    async fn run(mut self, shared: Arc<Shared>) {
        loop {
            let batch = self.next_batch(shared.connections.timeouts.wait);
            if batch.is_empty() {
                return;
            }
            let (calls, senders): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|QueuedCall { call, sender, .. }| (call, sender)).unzip();
            for (sender, reply) in senders.into_iter().zip(send_batch(&shared, &calls).await) {
                // This fails if the caller was dropped. Its reply is discarded.
                drop(sender.send(reply));
            }
        }
    }

    /// Stops if no call is queued. The queue is still locked, so that the next call starts a new worker.
    fn stop_if_idle(&mut self, state: &mut QueueState<T>) -> bool {
        if state.calls.is_empty() {
            state.workers -= 1;
            self.running = false;
        }
        !self.running
    }

    /// Takes the next batch, in the order of the record ids. If it is empty, the worker has stopped.
    fn next_batch(&mut self, wait_timeout: Duration) -> Vec<QueuedCall<T>> {
        let queue = Arc::clone(&self.queue);
        let mut state = queue.lock();
        let overdue = state.calls.partition_point(|call| call.since.elapsed() > wait_timeout);
        for QueuedCall { sender, .. } in state.calls.drain(..overdue) {
            drop(sender.send(Err(StoreError::not_done(Overdue(wait_timeout)))));
        }
        if self.stop_if_idle(&mut state) {
            return Vec::new();
        }
        let mut size = 0;
        let fits = |queued: &&QueuedCall<T>| {
            let is_first = size == 0;
            size += queued.call.size();
            is_first || size <= MAX_BATCH_BYTES
        };
        let len = state.calls.iter().take(T::MAX_BATCH_LEN).take_while(fits).count();
        let mut batch: Vec<_> = state.calls.drain(..len).collect();
        batch.sort_unstable_by_key(|queued| *queued.call.id().as_bytes());
        batch
    }
}

impl<T: Batchable> Drop for BatchWorker<T> {
    fn drop(&mut self) {
        if self.running {
            let mut state = self.queue.lock();
            state.workers -= 1;
            if state.workers == 0 {
                // No worker is left to send these calls. Their callers get an unknown result.
                state.calls.clear();
            }
        }
    }
}

/// Sends the calls and returns their replies in the same order.
async fn send_batch<T: Batchable>(
    shared: &Shared,
    calls: &[T],
) -> Vec<Result<T::Reply, StoreError>> {
    if let [call] = calls
        && !shared.batch_every_call
    {
        return vec![shared.send(call).await];
    }
    let query = T::batch_query(calls, &shared.statements);
    match shared.connections.fetch_all(query, T::PURPOSE).await {
        Ok(rows) => replies(calls, &rows),
        // Nothing was changed. One of the keys may be the cause, so each call is sent alone.
        Err(error) if error::is_rejected(&error) => {
            join_all(calls.iter().map(|call| shared.send(call))).await
        }
        Err(error) => share(error, calls.len()),
    }
}

/// Assigns the rows to their calls.
fn replies<T: Batchable>(calls: &[T], rows: &[PgRow]) -> Vec<Result<T::Reply, StoreError>> {
    let mut row_of_call = vec![None; calls.len()];
    for row in rows {
        let ordinal = row::get::<i64>(row, "ordinal").ok();
        let ordinal = ordinal.and_then(|ordinal| usize::try_from(ordinal).ok());
        let index = ordinal.and_then(|ordinal| ordinal.checked_sub(1));
        if let Some(slot) = index.and_then(|index| row_of_call.get_mut(index)) {
            *slot = Some(row);
        }
    }
    calls.iter().zip(row_of_call).map(|(call, row)| call.batch_reply(row)).collect()
}

/// Returns the error of a statement for each of its calls.
fn share<R>(error: StoreError, calls: usize) -> Vec<Result<R, StoreError>> {
    let error = Arc::new(error);
    let share = || match error.kind() {
        StoreErrorKind::NotDone => StoreError::not_done(Arc::clone(&error)),
        _ => StoreError::unknown(Arc::clone(&error)),
    };
    (0..calls).map(|_| Err(share())).collect()
}
