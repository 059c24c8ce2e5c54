//! The thread of a store. It outlives the runtimes of the application, so that no call loses its connection.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, mpsc};

use crate::reader::{READERS, Read, Reader};
use crate::shared::Shared;
use crate::writer::{Call, Writer};
use crate::{health, others, sweep};

/// The calls and reads that the thread serves. They end when the last clone of the store is dropped.
pub(crate) struct Queues {
    pub(crate) calls: mpsc::Receiver<Call>,
    pub(crate) reads: mpsc::Receiver<Read>,
}

/// Starts the thread. It ends when the store is dropped and the waiting calls are served.
pub(crate) fn start(
    shared: &Arc<Shared>,
    queues: Queues,
    sweep_every: Option<Duration>,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    spawn_tasks(&runtime, shared, queues.reads, sweep_every);
    let writer = Writer {
        connector: Arc::clone(&shared.connector),
        wakeups: Arc::clone(&shared.wakeups),
        wait_timeout: shared.wait_timeout,
        connection: None,
    };
    let run = move || runtime.block_on(writer.run(queues.calls));
    std::thread::Builder::new().name("idem-sqlite".into()).spawn(run).map(drop)
}

/// Spawns the tasks that end with the runtime of the writer.
fn spawn_tasks(
    runtime: &Runtime,
    shared: &Arc<Shared>,
    reads: mpsc::Receiver<Read>,
    sweep_every: Option<Duration>,
) {
    let reads = Arc::new(Mutex::new(reads));
    for _ in 0..READERS {
        let reader = Reader {
            connector: Arc::clone(&shared.connector),
            reads: Arc::clone(&reads),
            wait_timeout: shared.wait_timeout,
        };
        runtime.spawn(reader.run());
    }
    runtime.spawn(health::watch(Arc::downgrade(shared)));
    runtime.spawn(others::watch(Arc::downgrade(shared)));
    runtime.spawn(sweep::sweep_periodically(Arc::downgrade(shared), sweep_every));
}
