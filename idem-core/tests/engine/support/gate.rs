//! A two-way handshake with a handler.

use std::sync::Arc;

use idem_core::http::Executed;
use tokio::sync::Notify;

use super::done;

/// Holds a handler in mid-run: the test awaits that it [started](Self::started) and [opens](Self::open)
/// the gate when it may go on.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Ends>);

#[derive(Default)]
struct Ends {
    started: Notify,
    open: Notify,
}

impl Gate {
    /// The handler's side.
    pub(crate) async fn pass(self) {
        self.0.started.notify_one();
        self.0.open.notified().await;
    }

    /// A handler that answers `body` once the gate is open.
    pub(crate) fn then(
        &self,
        body: &'static str,
    ) -> impl Future<Output = Executed<String>> + Send + use<> {
        let gate = self.clone();
        async move {
            gate.pass().await;
            done(body).await
        }
    }

    pub(crate) async fn started(&self) {
        self.0.started.notified().await;
    }

    pub(crate) fn open(&self) {
        self.0.open.notify_one();
    }
}
