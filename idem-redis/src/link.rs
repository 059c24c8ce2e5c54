//! The shared connections: one for each runtime that calls, made on its first call, replaced on error.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deadpool_redis::PoolError;
use deadpool_redis::redis::{Cmd, RedisResult, Value};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use idem_core::store::PerRuntime;
use idem_core::store::StoreError;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::error;
use crate::fence::ServerTime;
use crate::source::{Connection, Source};

/// All shared connections of a store.
pub(crate) struct Links {
    pub(crate) source: Source,
    /// Notified whenever a connection was made.
    pub(crate) connected: Notify,
    of_runtimes: PerRuntime<Link>,
}

impl Links {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, connected: Notify::new(), of_runtimes: PerRuntime::default() }
    }

    /// The connection of the runtime that calls.
    pub(crate) async fn live(self: &Arc<Self>) -> Result<Arc<Live>, StoreError> {
        let link = self.here()?;
        let connecting = match link.state(self) {
            State::Up(live) => return Ok(live),
            State::Connecting(attempt) => attempt,
        };
        connecting.await.map_err(StoreError::not_done)
    }

    fn here(&self) -> Result<Arc<Link>, StoreError> {
        let runtime = Handle::try_current().map_err(StoreError::not_done)?;
        Ok(self.of_runtimes.of(&runtime, Link::default))
    }
}

/// The connection of one runtime.
#[derive(Default)]
struct Link {
    state: Mutex<Option<State>>,
}

#[derive(Clone)]
enum State {
    /// All who call meanwhile wait for the same attempt.
    Connecting(Connecting),
    Up(Arc<Live>),
}

type Connecting = Shared<BoxFuture<'static, Result<Arc<Live>, Arc<PoolError>>>>;

impl Link {
    /// Where the connection stands; begins a new one if there is none or it is over.
    fn state(self: &Arc<Self>, links: &Arc<Links>) -> State {
        let mut state = self.lock();
        match &*state {
            Some(State::Up(live)) if live.is_over() => {}
            Some(standing) => return standing.clone(),
            None => {}
        }
        let begun = State::Connecting(connect(Arc::clone(self), Arc::clone(links)));
        *state = Some(begun.clone());
        begun
    }

    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(link: Arc<Link>, links: Arc<Links>) -> Connecting {
    let attempt = async move {
        let opened = links.source.open().await;
        let live = opened.map(|connection| Arc::new(Live::new(connection)));
        *link.lock() = live.as_ref().ok().map(|live| State::Up(Arc::clone(live)));
        if live.is_ok() {
            links.connected.notify_one();
        }
        live.map_err(Arc::new)
    };
    attempt.boxed().shared()
}

/// An open connection, and what was heard on it.
pub(crate) struct Live {
    connection: Connection,
    over: AtomicBool,
    pub(crate) time: ServerTime,
}

impl Live {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, over: AtomicBool::new(false), time: ServerTime::default() }
    }

    /// Sends a command.
    pub(crate) async fn send(&self, command: Cmd) -> RedisResult<Value> {
        self.note(self.connection.clone().send(command).await)
    }

    /// After an error that a new connection may cure, this one is used no more.
    pub(crate) fn note<T>(&self, answer: RedisResult<T>) -> RedisResult<T> {
        if answer.as_ref().is_err_and(error::ends_connection) {
            self.over.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// The connection itself, for what concerns the server and no key. Its errors are to be noted.
    pub(crate) fn connection(&self) -> Connection {
        self.connection.clone()
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}
