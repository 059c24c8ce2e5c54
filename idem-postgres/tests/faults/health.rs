//! Health checks of the server.

use idem_core::store::StoreErrorKind;
use idem_postgres::sqlx::PgPool;
use idem_postgres::{ConnectError, HealthIssue};
use idem_testkit::servers::{PostgresServer, eventually};

use crate::support::{builder, store};

#[tokio::test]
async fn fault_postgres_asynchronous_commit_at_startup() {
    for (setting, expected) in [
        ("synchronous_commit=off", HealthIssue::AsynchronousCommit),
        ("fsync=off", HealthIssue::FsyncOff),
    ] {
        let server = PostgresServer::start(&[setting]);
        match builder().connect(&server.url()).await {
            Err(ConnectError::Unhealthy { issue, .. }) => assert_eq!(issue, expected),
            other => panic!("{other:?}"),
        }
        assert_eq!(
            server.sql("SELECT to_regclass('idem_records') IS NULL"),
            "t",
            "nothing was written"
        );
        server.sql(&builder().migration_sql().unwrap());
        let store = builder().allow_unsafe_server().connect(&server.url()).await.unwrap();
        assert_eq!(store.check().await.unwrap(), [expected]);
    }
}

/// A setting that changes after the start is reported.
#[tokio::test]
async fn fault_postgres_asynchronous_commit_at_run_time() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    assert_eq!(store.check().await.unwrap(), []);
    server.sql("ALTER SYSTEM SET synchronous_commit = off");
    server.sql("SELECT pg_reload_conf()");
    eventually("report of the setting", async || {
        let issues = store.check().await.unwrap();
        (issues == [HealthIssue::AsynchronousCommit]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn fault_postgres_server_unusable_standby() {
    let server = PostgresServer::start_standby();
    let result = builder().connect(&server.url()).await;
    assert!(
        matches!(result, Err(ConnectError::Unhealthy { issue: HealthIssue::Standby, .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn error_of_unreachable_server_has_its_source() {
    let mut server = PostgresServer::start(&[]);
    server.kill();
    let error = builder().connect(&server.url()).await.unwrap_err();
    let ConnectError::Unreachable { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "Connection refused (os error 111)");
    assert_eq!(source.error().kind(), StoreErrorKind::NotDone);

    // Also on a pool, which would try again for 30 s and report only that it timed out.
    let pool = PgPool::connect_lazy(&server.url()).unwrap();
    let error = builder().on_pool(pool).await.unwrap_err();
    let ConnectError::Unreachable { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "Connection refused (os error 111)");
}
