//! A handshake in two steps, in place of sleeping.

use tokio::sync::Semaphore;

/// Holds handlers up until a scenario opens it.
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
    /// The handler's side: tells that it is here and waits.
    pub async fn pass(&self) {
        self.reached.add_permits(1);
        // It never gives a permit out: it is closed when it opens.
        drop(self.opened.acquire().await);
    }

    /// Waits until one more handler is at the gate.
    pub async fn reached(&self) {
        self.reached.acquire().await.expect("never closed").forget();
    }

    /// Lets everybody pass, now and later.
    pub fn open(&self) {
        self.opened.close();
    }
}
