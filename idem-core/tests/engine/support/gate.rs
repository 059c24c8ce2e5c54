//! A gate that blocks a handler until the test opens it.

use std::sync::Arc;

use idem_core::http::Executed;
use tokio::sync::Notify;

use super::done;
use super::watchdog::watched;

/// Blocks a handler during its run. The test waits until the handler has [started](Self::started) and
/// [opens](Self::open) the gate later.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Signals>);

#[derive(Default)]
struct Signals {
    started: Notify,
    open: Notify,
}

impl Gate {
    /// Reports the start and waits until the gate is open. The handler calls it.
    pub(crate) async fn pass(self) {
        self.0.started.notify_one();
        self.0.open.notified().await;
    }

    /// A handler that responds with `body` after the gate was opened.
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
        watched("the start of the handler", self.0.started.notified()).await;
    }

    pub(crate) fn open(&self) {
        self.0.open.notify_one();
    }
}
