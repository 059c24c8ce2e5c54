//! The store looks at its server, and says what is wrong with it.

use idem_postgres::{ConnectError, HealthIssue, PostgresStore};
use idem_testkit::servers::PostgresServer;

use crate::support::{builder, store};

#[tokio::test]
async fn fault_postgres_asynchronous_commit_at_startup() {
    for (setting, alarm) in [
        ("synchronous_commit=off", HealthIssue::AsynchronousCommit),
        ("fsync=off", HealthIssue::FsyncOff),
    ] {
        let server = PostgresServer::start(&[setting]);
        match PostgresStore::connect(&server.url()).await {
            Err(ConnectError::Unhealthy { issue, .. }) => assert_eq!(issue, alarm),
            other => panic!("{other:?}"),
        }
        assert_eq!(server.sql("SELECT to_regclass('idem_records') IS NULL"), "t", "untouched");
        server.sql(&builder().migration_sql().unwrap());
        let store = builder().allow_unsafe_server().connect(&server.url()).await.unwrap();
        assert_eq!(store.check().await.unwrap(), [alarm]);
    }
}

/// Also when only the store's own database is set so, and at run time.
#[tokio::test]
async fn fault_postgres_asynchronous_commit_at_run_time() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    assert_eq!(store.check().await.unwrap(), []);
    server.sql("ALTER SYSTEM SET synchronous_commit = off");
    server.sql("SELECT pg_reload_conf()");
    while store.check().await.unwrap() != [HealthIssue::AsynchronousCommit] {}
}

#[tokio::test]
async fn fault_postgres_server_unusable_standby() {
    let server = PostgresServer::start_standby();
    let refused = PostgresStore::connect(&server.url()).await;
    assert!(
        matches!(refused, Err(ConnectError::Unhealthy { issue: HealthIssue::Standby, .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn unreachable_server_is_an_error_that_keeps_its_source() {
    let mut server = PostgresServer::start(&[]);
    server.kill();
    let error = PostgresStore::connect(&server.url()).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("no change was made"));
}
