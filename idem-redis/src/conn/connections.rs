//! The shared connections: one for each runtime, opened on its first call and replaced after errors.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use idem_core::store::{PerRuntime, StoreError};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::connection::Connection;
use super::pool::ConnectionSource;
use crate::error::NoConnection;

/// All shared connections of a store.
pub(crate) struct Connections {
    pub(crate) source: ConnectionSource,
    /// Notified when a connection was opened.
    pub(crate) opened: Notify,
    slots: PerRuntime<Slot>,
}

impl Connections {
    pub(crate) fn new(source: ConnectionSource) -> Self {
        Self { source, opened: Notify::new(), slots: PerRuntime::default() }
    }

    /// Returns the connection of the current runtime. Opens one on the first call and after an error.
    pub(crate) async fn get(self: &Arc<Self>) -> Result<Arc<Connection>, StoreError> {
        let runtime = Handle::try_current().map_err(StoreError::not_done)?;
        let slot = self.slots.of(&runtime, Slot::default);
        match slot.state(self) {
            SlotState::Open(connection) => Ok(connection),
            SlotState::Opening(attempt) => attempt.await.map_err(StoreError::not_done),
        }
    }
}

/// The connection of one runtime.
#[derive(Default)]
struct Slot(Mutex<Option<SlotState>>);

#[derive(Clone)]
enum SlotState {
    /// All concurrent callers wait for the same attempt.
    Opening(Opening),
    Open(Arc<Connection>),
}

type Opening = Shared<BoxFuture<'static, Result<Arc<Connection>, Arc<NoConnection>>>>;

impl Slot {
    /// Returns the current state. Starts an attempt if there is no usable connection.
    fn state(self: &Arc<Self>, connections: &Arc<Connections>) -> SlotState {
        let mut state = self.lock();
        match &*state {
            Some(SlotState::Open(connection)) if connection.is_broken() => {}
            Some(current) => return current.clone(),
            None => {}
        }
        let opening = SlotState::Opening(open(Arc::clone(self), Arc::clone(connections)));
        *state = Some(opening.clone());
        opening
    }

    fn lock(&self) -> MutexGuard<'_, Option<SlotState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(slot: Arc<Slot>, connections: Arc<Connections>) -> Opening {
    let attempt = async move {
        let opened = connections.source.open().await.map(Arc::new);
        *slot.lock() = opened.as_ref().ok().map(|opened| SlotState::Open(Arc::clone(opened)));
        if opened.is_ok() {
            connections.opened.notify_one();
        }
        opened.map_err(Arc::new)
    };
    attempt.boxed().shared()
}
