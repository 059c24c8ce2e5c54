//! A gate at which handlers wait, so that scenarios need not sleep.

use tokio::sync::Semaphore;

use crate::watchdog::watched;

/// A gate that holds handlers until a scenario opens it.
#[derive(Debug)]
pub struct Gate {
    reached: Semaphore,
    opened: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self { reached: Semaphore::new(0), opened: Semaphore::new(0) }
    }
}

impl Gate {
    /// Reports a handler at the gate, and waits until the gate is open.
    pub async fn pass(&self) {
        self.reached.add_permits(1);
        // The semaphore has no permits. Opening the gate closes it.
        drop(self.opened.acquire().await);
    }

    /// Waits until another handler has reached the gate.
    ///
    /// # Panics
    /// If no handler reaches it within 30 s.
    pub async fn reached(&self) {
        // It fails only if the semaphore is closed, which never happens.
        if let Ok(handler) = watched("a handler at the gate", self.reached.acquire()).await {
            handler.forget();
        }
    }

    /// Opens the gate for all handlers, now and later.
    pub fn open(&self) {
        self.opened.close();
    }
}
