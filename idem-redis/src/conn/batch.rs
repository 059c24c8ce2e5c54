//! Sends the commands of many tasks in one write.
//!
//! A multi-threaded runtime runs the task that was woken last first. It would run the client's task after
//! each command, and every command would be written alone. A command therefore waits here until the tasks
//! that are ready have run. A command that meets no others is sent immediately.

use std::io;
use std::iter::zip;
use std::sync::atomic::{AtomicUsize, Ordering};

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{Cmd, Pipeline, RedisError, RedisResult, Value};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;

/// Maximum number of commands in one batch. With more, the server would idle while a batch is gathered,
/// and this process while the batch is processed.
const MAX_BATCH_LEN: usize = 8;

type ReplySender = oneshot::Sender<RedisResult<Value>>;

/// Sends commands over one connection, alone or in batches.
pub(super) struct BatchSender {
    connection: MultiplexedConnection,
    /// The number of commands whose callers wait for a reply.
    in_flight: AtomicUsize,
    queue: mpsc::UnboundedSender<Queued>,
}

struct Queued {
    command: Cmd,
    reply: ReplySender,
}

impl BatchSender {
    /// Starts a task of this runtime that sends batches over `connection` until the sender is dropped.
    pub(super) fn new(connection: MultiplexedConnection) -> Self {
        let (queue, queued) = mpsc::unbounded_channel();
        tokio::spawn(run_worker(connection.clone(), queued));
        Self { connection, in_flight: AtomicUsize::new(0), queue }
    }

    /// Sends a command. Cancel safe for the connection: the reply is still read, and discarded.
    pub(super) async fn send(&self, command: Cmd) -> RedisResult<Value> {
        let (_counted, others) = InFlight::enter(&self.in_flight);
        if others == 0 {
            return self.connection.clone().send_packed_command(&command).await;
        }
        let (reply, received) = oneshot::channel();
        self.queue.send(Queued { command, reply }).map_err(|_| worker_ended())?;
        received.await.unwrap_or_else(|_| Err(worker_ended()))
    }
}

/// Counts one command until it is dropped.
struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    /// Counts a command, and returns the number of others.
    fn enter(count: &'a AtomicUsize) -> (Self, usize) {
        let others = count.fetch_add(1, Ordering::Relaxed);
        (Self(count), others)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn run_worker(connection: MultiplexedConnection, mut queue: mpsc::UnboundedReceiver<Queued>) {
    let mut in_flight = FuturesUnordered::new();
    let mut spare = Vec::new();
    loop {
        tokio::select! {
            first = queue.recv() => {
                let Some(first) = first else { break };
                yield_now().await;
                let mut batch = spare.pop().unwrap_or_else(Batch::new);
                batch.add(first);
                while batch.replies.len() < MAX_BATCH_LEN && let Ok(next) = queue.try_recv() {
                    batch.add(next);
                }
                in_flight.push(batch.send(connection.clone()));
            }
            Some(batch) = in_flight.next() => spare.push(batch),
        }
    }
    while in_flight.next().await.is_some() {}
}

/// Commands that share a write. It is used again, because its buffers are.
struct Batch {
    commands: Pipeline,
    replies: Vec<ReplySender>,
}

impl Batch {
    fn new() -> Self {
        let commands = Pipeline::with_capacity(MAX_BATCH_LEN);
        Self { commands, replies: Vec::with_capacity(MAX_BATCH_LEN) }
    }

    fn add(&mut self, Queued { command, reply }: Queued) {
        self.commands.add_command(command);
        self.replies.push(reply);
    }

    /// Sends the commands, delivers their replies, and returns the empty batch.
    async fn send(mut self, mut connection: MultiplexedConnection) -> Self {
        let Self { commands, replies } = &mut self;
        match connection.send_packed_commands(commands, 0, replies.len()).await {
            Ok(values) => {
                zip(replies.drain(..), values).for_each(|(reply, value)| deliver(reply, Ok(value)));
            }
            Err(error) => {
                replies.drain(..).for_each(|reply| deliver(reply, Err(error.clone())));
            }
        }
        commands.clear();
        self
    }
}

fn deliver(reply: ReplySender, result: RedisResult<Value>) {
    // This fails if the caller was dropped; discard the reply.
    drop(reply.send(result));
}

/// The worker ended with its runtime.
fn worker_ended() -> RedisError {
    io::Error::from(io::ErrorKind::BrokenPipe).into()
}
