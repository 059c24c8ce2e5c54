//! Commands of many tasks in one write.
//!
//! A multi-threaded runtime runs the task that was woken last first. So it would run the client's after each
//! command, to write it alone. Here a command waits until the tasks that are ready have had their turn.

use std::io;
use std::iter::zip;

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{Cmd, Pipeline, RedisError, RedisResult, Value};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;

/// How many commands leave together at most. With more, the server would idle while a batch is gathered, and
/// this process while it is answered.
const MOST: usize = 8;

/// Where commands wait for the next batch. Clones share it.
#[derive(Clone)]
pub(crate) struct Batches(mpsc::UnboundedSender<Asked>);

struct Asked {
    command: Cmd,
    answer: oneshot::Sender<RedisResult<Value>>,
}

impl Batches {
    /// Batches over `connection`, sent by a task of this runtime until all clones are dropped.
    pub(crate) fn over(connection: MultiplexedConnection) -> Self {
        let (asked, waiting) = mpsc::unbounded_channel();
        tokio::spawn(send_all(connection, waiting));
        Self(asked)
    }

    /// Sends a command. Dropping the future is safe: the answer is still read, and thrown away.
    pub(crate) async fn send(&self, command: Cmd) -> RedisResult<Value> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Asked { command, answer }).map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

async fn send_all(connection: MultiplexedConnection, mut waiting: mpsc::UnboundedReceiver<Asked>) {
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            first = waiting.recv() => {
                let Some(first) = first else { break };
                yield_now().await;
                let mut batch = Batch::of(first);
                while batch.answers.len() < MOST && let Ok(next) = waiting.try_recv() {
                    batch.add(next);
                }
                under_way.push(batch.send(connection.clone()));
            }
            Some(()) = under_way.next() => {}
        }
    }
    while under_way.next().await.is_some() {}
}

struct Batch {
    commands: Pipeline,
    answers: Vec<oneshot::Sender<RedisResult<Value>>>,
}

impl Batch {
    fn of(first: Asked) -> Self {
        let (commands, answers) = (Pipeline::with_capacity(MOST), Vec::with_capacity(MOST));
        let mut batch = Self { commands, answers };
        batch.add(first);
        batch
    }

    fn add(&mut self, Asked { command, answer }: Asked) {
        self.commands.add_command(command);
        self.answers.push(answer);
    }

    async fn send(self, mut connection: MultiplexedConnection) {
        let Self { commands, answers } = self;
        match connection.send_packed_commands(&commands, 0, answers.len()).await {
            Ok(values) => zip(answers, values).for_each(|(answer, value)| tell(answer, Ok(value))),
            Err(error) => answers.into_iter().for_each(|answer| tell(answer, Err(error.clone()))),
        }
    }
}

/// Whoever does not wait any more need not know.
fn tell(answer: oneshot::Sender<RedisResult<Value>>, answered: RedisResult<Value>) {
    drop(answer.send(answered));
}

/// The task that sends is gone, and its runtime with it.
fn gone() -> RedisError {
    io::Error::from(io::ErrorKind::BrokenPipe).into()
}
