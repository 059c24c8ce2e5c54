//! The tasks of a store: it checks the server and deletes expired records.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join;
use tokio::runtime::Handle;

use crate::shared::Shared;
use crate::{health, sweep};

/// The tasks of one store. They run on one runtime. When it has ended, the next claim starts them
/// again, on the runtime of that claim.
pub(crate) struct Background {
    sweep_every: Option<Duration>,
    running: Arc<AtomicBool>,
}

impl Background {
    pub(crate) fn new(sweep_every: Option<Duration>) -> Self {
        Self { sweep_every, running: Arc::default() }
    }

    /// Starts the tasks unless they are running. They end with the store.
    pub(crate) fn ensure_running(&self, shared: &Arc<Shared>) {
        if self.running.load(Ordering::Relaxed) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        if !self.running.swap(true, Ordering::AcqRel) {
            let running = Running(Arc::clone(&self.running));
            let check = health::watch(Arc::downgrade(shared));
            let sweep = sweep::sweep_periodically(Arc::downgrade(shared), self.sweep_every);
            runtime.spawn(async move {
                join(check, sweep).await;
                drop(running);
            });
        }
    }
}

/// Marks the tasks as ended when their runtime drops them.
struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
