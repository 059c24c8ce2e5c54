//! Calls that come while others of their kind are under way are sent together.
//!
//! A commit waits for a flush of the log, and a round trip costs the server more than the work that it asks
//! for: many keys in one statement share both. A call that finds nothing under way is sent at once.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use idem_core::store::PerRuntime;
use idem_core::store::{RecordId, StoreError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::store::Inner;

/// How many statements of a kind are under way at once, on each runtime: one executes while the other is
/// flushed.
const LANES: usize = 2;
/// How many calls a statement carries at most, and about how many bytes.
const MOST: usize = 32;
const LARGEST: usize = 1 << 20;

/// A call that can be sent with others of its kind.
pub(crate) trait Together: Sized + Send + 'static {
    type StoredResponse: Send;

    fn queues(inner: &Inner) -> &PerRuntime<Queue<Self>>;

    /// Which record it is about. Calls are sent in this order, so that the statements of two processes never
    /// wait for each other in a circle.
    fn id(&self) -> RecordId;

    /// About how many bytes it sends.
    fn size(&self) -> usize;

    /// Sends them, and gives an answer to each, in their order.
    fn send(
        inner: &Inner,
        calls: &[Self],
    ) -> impl Future<Output = Vec<Result<Self::StoredResponse, StoreError>>> + Send;
}

/// The calls of one runtime that wait for their turn.
pub(crate) struct Queue<T: Together>(Mutex<State<T>>);

struct State<T: Together> {
    waiting: Vec<Waiting<T>>,
    lanes: usize,
}

struct Waiting<T: Together> {
    call: T,
    since: Instant,
    answer: oneshot::Sender<Result<T::StoredResponse, StoreError>>,
}

/// A call that waited too long was not sent: its caller may have given up, and what it would claim would be
/// nobody's.
#[derive(Debug, thiserror::Error)]
#[error("the server answers more slowly than it is asked")]
struct Overdue;

/// Sends a call, alone or with others. Once polled it is sent, even if the future is dropped, unless it waits
/// for too long.
pub(crate) async fn send<T: Together>(
    inner: &Arc<Inner>,
    call: T,
) -> Result<T::StoredResponse, StoreError> {
    let runtime = Handle::try_current().map_err(StoreError::not_done)?;
    let queue = T::queues(inner).of(&runtime, Queue::default);
    let (answer, answered) = oneshot::channel();
    if let Some(lane) = queue.enter(Waiting { call, since: Instant::now(), answer }) {
        runtime.spawn(lane.keep_sending(Arc::clone(inner)));
    }
    // Nobody answers if the runtime shuts down meanwhile.
    answered.await.map_err(StoreError::unknown)?
}

impl<T: Together> Default for Queue<T> {
    fn default() -> Self {
        Self(Mutex::new(State { waiting: Vec::new(), lanes: 0 }))
    }
}

impl<T: Together> Queue<T> {
    /// Lines up, and opens a lane if there is room for one.
    fn enter(self: &Arc<Self>, waiting: Waiting<T>) -> Option<Lane<T>> {
        let mut state = self.lock();
        state.waiting.push(waiting);
        (state.lanes < LANES).then(|| {
            state.lanes += 1;
            Lane { queue: Arc::clone(self), open: true }
        })
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends what waits until nothing does.
struct Lane<T: Together> {
    queue: Arc<Queue<T>>,
    open: bool,
}

impl<T: Together> Lane<T> {
    async fn keep_sending(mut self, inner: Arc<Inner>) {
        loop {
            let (calls, answers): (Vec<_>, Vec<_>) = self
                .take(inner.sessions.patience)
                .into_iter()
                .map(|Waiting { call, answer, .. }| (call, answer))
                .unzip();
            if calls.is_empty() {
                return;
            }
            for (answer, said) in answers.into_iter().zip(T::send(&inner, &calls).await) {
                // Nobody may wait any more.
                drop(answer.send(said));
            }
        }
    }

    /// The next to send. If there are none the lane is closed, before anybody else can line up.
    fn take(&mut self, patience: Duration) -> Vec<Waiting<T>> {
        let mut state = self.queue.lock();
        let overdue = state.waiting.partition_point(|waiting| waiting.since.elapsed() > patience);
        for Waiting { answer, .. } in state.waiting.drain(..overdue) {
            drop(answer.send(Err(StoreError::not_done(Overdue))));
        }
        let mut size = 0;
        let fits = |waiting: &&Waiting<T>| {
            let first = size == 0;
            size += waiting.call.size();
            first || size <= LARGEST
        };
        let next = state.waiting.iter().take(MOST).take_while(fits).count();
        if next == 0 {
            state.lanes -= 1;
            self.open = false;
        }
        let mut taken: Vec<_> = state.waiting.drain(..next).collect();
        taken.sort_unstable_by_key(|waiting| *waiting.call.id().as_bytes());
        taken
    }
}

impl<T: Together> Drop for Lane<T> {
    fn drop(&mut self) {
        if self.open {
            let mut state = self.queue.lock();
            state.lanes -= 1;
            if state.lanes == 0 {
                // Nobody would send them. Their callers learn that it is unknown.
                state.waiting.clear();
            }
        }
    }
}
