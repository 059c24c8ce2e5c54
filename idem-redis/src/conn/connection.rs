//! An open connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_redis::redis::{Cmd, RedisResult, Value};

use super::transport::Transport;
use crate::error::{self, CommandError};
use crate::fencing::ServerClock;

/// An open connection, and the server's clock as observed on it.
pub(crate) struct Connection {
    transport: Transport,
    server: Arc<str>,
    is_broken: AtomicBool,
    pub(crate) clock: ServerClock,
}

impl Connection {
    pub(super) fn new(transport: Transport, server: &Arc<str>) -> Self {
        let (is_broken, clock) = (AtomicBool::new(false), ServerClock::default());
        Self { transport, server: Arc::clone(server), is_broken, clock }
    }

    /// Sends a command. An error reply is an error.
    ///
    /// Cancel safe for the connection: the reply is still read, and discarded.
    pub(crate) async fn send(&self, command: Cmd) -> Result<Value, CommandError> {
        self.check(self.transport.clone().send(command).await)
    }

    /// Sends a command to the node at `address`, which [`info`](Self::info) returned. An error reply is an error.
    pub(crate) async fn send_to(&self, address: &str, command: Cmd) -> Result<Value, CommandError> {
        self.check(self.transport.clone().send_to(address, command).await)
    }

    /// Returns the text of `INFO` for each primary, with the node's address in a Cluster.
    pub(crate) async fn info(&self) -> Result<Vec<(String, String)>, CommandError> {
        self.check(self.transport.clone().info().await)
    }

    /// Whether the next call must open another connection.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    fn check<T>(&self, reply: RedisResult<T>) -> Result<T, CommandError> {
        reply.map_err(|error| {
            if error::breaks_connection(&error) {
                self.is_broken.store(true, Ordering::Relaxed);
            }
            CommandError::new(&self.server, error)
        })
    }
}
