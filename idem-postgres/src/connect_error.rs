//! The error of connecting a store.

use std::error::Error;

use idem_core::store::{RootCause, StoreError};

use crate::health::HealthIssue;
use crate::schema::SchemaError;

/// The reason why a [`PostgresStore`](crate::PostgresStore) could not be connected or its schema not be
/// migrated. Messages contain the address of the server, but no password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL, the schema name or the table name is invalid.
    #[error("invalid configuration of the Postgres store")]
    Config(#[source] Box<dyn Error + Send + Sync>),
    /// The connection requires TLS, and this build has no TLS.
    #[error(
        "TLS is not compiled in; enable the feature `postgres-tls` of `idem-axum` or `idem-actix`, or `tls` of `idem-postgres`"
    )]
    TlsNotCompiled,
    /// The server could not be reached, rejected the connection or did not reply to the first check.
    #[error(
        "cannot connect to {server}; check the address and the credentials, and that the server is running"
    )]
    Unreachable {
        /// The server in words, such as "Postgres at 127.0.0.1:5432".
        server: Box<str>,
        /// The reason.
        source: RootCause,
    },
    /// A pooler rejected the parameters of the connection.
    #[error("a pooler rejected the connection to {server}; call `pgbouncer()` on the builder")]
    Pooler {
        /// The pooler in words, such as "Postgres at 127.0.0.1:6432".
        server: Box<str>,
        /// The reason.
        source: sqlx::Error,
    },
    /// The schema could not be migrated.
    #[error(transparent)]
    Schema(SchemaError),
    /// The server can lose acknowledged writes or does not accept writes, or the schema has another
    /// version.
    #[error("{server} is not configured safely for idempotency records")]
    Unhealthy {
        /// The server in words, such as "Postgres at 127.0.0.1:5432".
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

    /// The error of the first connection.
    pub(crate) fn unreachable(server: String, error: sqlx::Error) -> Self {
        let server = server.into();
        // The application may have enabled TLS in sqlx itself, so the error decides and not the feature.
        if matches!(&error, sqlx::Error::Tls(reason) if reason.to_string().contains("without TLS"))
        {
            return Self::TlsNotCompiled;
        }
        let code = error.as_database_error().and_then(|error| error.code().map(String::from));
        match code.as_deref() {
            // A protocol violation: poolers report unknown parameters in this way.
            Some("08P01") => Self::Pooler { server, source: error },
            _ => Self::Unreachable { server, source: StoreError::not_done(error).into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text is that of sqlx 0.9.
    #[test]
    fn a_build_without_tls_names_the_feature() {
        let reason = "TLS upgrade required by connect options but SQLx was built without TLS support enabled";
        let error = sqlx::Error::Tls(reason.into());
        let error = ConnectError::unreachable("Postgres at 10.0.0.1:5432".to_owned(), error);
        assert!(error.to_string().contains("enable the feature `postgres-tls` of `idem-axum`"));
        let other = sqlx::Error::Tls("the certificate has expired".into());
        let other = ConnectError::unreachable("Postgres at 10.0.0.1:5432".to_owned(), other);
        assert!(matches!(other, ConnectError::Unreachable { .. }), "{other:?}");
    }
}
