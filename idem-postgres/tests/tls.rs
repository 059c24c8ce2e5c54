//! A server with TLS, whose certificate is signed by an authority of the test.

#![cfg(feature = "tls")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use idem_postgres::{ConnectError, PostgresStore};
use idem_testkit::servers::{Certificates, PostgresServer};

#[tokio::test]
async fn the_certificate_of_the_server_is_checked() {
    let (certificates, others) = (Certificates::create(), Certificates::create());
    let server = PostgresServer::start_tls(&certificates);
    // A busy server needs longer than the defaults.
    let timeout = Duration::from_secs(60);
    let builder = PostgresStore::builder().wait_timeout(timeout).statement_timeout(timeout);
    let store = builder.clone().connect(&url(&server, &certificates.authority())).await.unwrap();
    store.check().await.unwrap();
    let encrypted = server.sql("SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_port > 0");
    assert_eq!(encrypted.trim(), "t");

    let refused = builder.connect(&url(&server, &others.authority())).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Unreachable { .. }), "{refused:?}");
    let server_name = format!("Postgres at 127.0.0.1:{}", server.port());
    assert!(refused.to_string().contains(&server_name), "{refused}");
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(cause.starts_with("invalid peer certificate"), "{cause}");
}

fn url(server: &PostgresServer, authority: &Path) -> String {
    format!("{}?sslmode=verify-full&sslrootcert={}", server.url(), authority.display())
}
