//! The error of connecting a store.

use std::error::Error;

use idem_core::store::RootCause;

use crate::health::HealthIssue;

/// The reason why a [`RedisStore`](crate::RedisStore) could not be connected. Messages contain the address
/// of the server, but no password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A URL is invalid, or the settings contradict each other.
    #[error("invalid configuration of the Redis store")]
    Config(#[source] Box<dyn Error + Send + Sync>),
    /// The URL requires TLS, and this build has no TLS.
    #[error(
        "TLS is not compiled in; enable the feature `redis-tls` of `idem-axum` or `idem-actix`, or `tls` of `idem-redis`"
    )]
    TlsNotCompiled,
    /// The server could not be reached, or rejected the commands of the first check.
    #[error("cannot connect to {server}")]
    Unreachable {
        /// The server in words, such as "Redis at 127.0.0.1:6379".
        server: Box<str>,
        /// The reason.
        source: RootCause,
    },
    /// The server can lose acknowledged writes, or does not accept writes.
    #[error("{server} is not configured safely for idempotency records")]
    Unhealthy {
        /// The server in words, such as "Redis at 127.0.0.1:6379".
        server: Box<str>,
        /// The setting, and what to change.
        #[source]
        issue: HealthIssue,
    },
}

impl ConnectError {
    pub(crate) fn config(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Config(error.into())
    }
}
