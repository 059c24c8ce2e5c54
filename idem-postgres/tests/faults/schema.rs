//! Migrations, names and versions of the schema.

use idem_core::store::{
    AuditAction, AuditEntry, DeleteExpired, IdempotencyStore, StoreErrorKind, Timestamp, Update,
};
use idem_postgres::sqlx::{self, PgPool};
use idem_postgres::{ConnectError, HealthIssue};
use idem_testkit::servers::PostgresServer;
use tokio::task::JoinSet;

use crate::support::{HOUR, builder, claim_new, completed, completion, error_kind, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_migrate_concurrently() {
    let server = PostgresServer::start(&[]);
    let mut starts = JoinSet::new();
    for _ in 0..20 {
        let url = server.url();
        starts.spawn(async move { claim_new(&builder().connect(&url).await.unwrap()).await });
    }
    assert_eq!(starts.join_all().await.len(), 20);
    assert_eq!(server.sql("SELECT max(version) FROM idem_records_schema"), "3");
}

#[tokio::test]
async fn names_with_special_characters_work() {
    let server = PostgresServer::start(&[]);
    let builder_with_names =
        builder().schema("Müller's \"pay\" {records} $body$").table("rec'or\"ds $1");
    claim_new(&builder_with_names.clone().connect(&server.url()).await.unwrap()).await;
    let again = builder_with_names.verify_only().connect(&server.url()).await.unwrap();
    assert_eq!(again.check().await.unwrap(), []);
    let refused = builder().table("x".repeat(64)).connect(&server.url()).await;
    assert!(matches!(refused, Err(ConnectError::Config(_))), "{refused:?}");
}

/// A role that may only use the records works after another role has applied the migrations.
#[tokio::test]
async fn role_without_create_can_only_verify() {
    let server = PostgresServer::start(&[]);
    // Postgres 14 lets every role create tables in this schema.
    server.sql("CREATE ROLE app LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let url = server.url().replace("postgres@", "app@");
    let needed = builder().verify_only().connect(&url).await.unwrap_err();
    let missing = HealthIssue::Schema { found: 0, needed: 3 };
    assert!(
        matches!(&needed, ConnectError::Unhealthy { issue, .. } if *issue == missing),
        "{needed:?}"
    );
    let refused = builder().connect(&url).await;
    assert!(matches!(refused, Err(ConnectError::Schema(_))), "{refused:?}");

    server.sql(&builder().migration_sql().unwrap());
    server.sql(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON idem_records TO app;
         GRANT SELECT ON idem_records_scopes, idem_records_schema TO app;
         GRANT SELECT, INSERT ON idem_records_audit TO app",
    );
    let store = builder().verify_only().connect(&url).await.unwrap();
    let claim = claim_new(&store).await;
    let entry = AuditEntry::new(claim.id, AuditAction::View, "ada", "", claim.token, "running");
    store.records().unwrap().append_audit(entry).await.unwrap();
    // The service can add to the audit log, and cannot rewrite it.
    let pool = PgPool::connect(&url).await.unwrap();
    for statement in [
        "DELETE FROM idem_records_audit",
        "UPDATE idem_records_audit SET actor = 'bob'",
        "TRUNCATE idem_records_audit",
    ] {
        let refused = sqlx::query(statement).execute(&pool).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{refused}");
    }
    let pruned = store.records().unwrap().prune_audit(Timestamp(u64::MAX)).await;
    assert_eq!(error_kind(pruned), StoreErrorKind::NotDone);
    server.sql("GRANT DELETE ON idem_records_audit TO app");
    assert_eq!(store.records().unwrap().prune_audit(Timestamp(u64::MAX)).await.unwrap(), 1);
    claim_new(&builder().connect(&url).await.unwrap()).await;
}

/// The start check names the privileges that are missing, and the store works once they are granted.
#[tokio::test]
async fn missing_privileges_are_named_at_start() {
    let server = PostgresServer::start(&[]);
    let builder = builder().schema("Pay").verify_only();
    server.sql("CREATE ROLE app LOGIN");
    server.sql(&builder.migration_sql().unwrap());
    server.sql("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA \"Pay\" FROM PUBLIC");
    let url = server.url().replace("postgres@", "app@");
    let refused = builder.clone().connect(&url).await.unwrap_err();
    let ConnectError::Unhealthy { issue: HealthIssue::Privileges { grants }, .. } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(grants.split("; ").count(), 15, "{grants}");
    server.sql(&grants);
    let store = builder.connect(&url).await.unwrap();
    let claim = claim_new(&store).await;
    assert_eq!(store.renew(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
    assert_eq!(store.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
    server.sql("REVOKE EXECUTE ON FUNCTION \"Pay\".idem_records_claim_3 FROM app");
    let grants = "GRANT EXECUTE ON FUNCTION \"Pay\".idem_records_claim_3 TO app".into();
    assert_eq!(store.check().await.unwrap(), [HealthIssue::Privileges { grants }]);
}

#[tokio::test]
async fn fault_postgres_server_unusable_schema_version() {
    let server = PostgresServer::start(&[]);
    let pool = PgPool::connect(&server.url()).await.unwrap();
    builder().migrate(&pool).await.unwrap();
    builder().migrate(&pool).await.unwrap();
    server.sql("INSERT INTO idem_records_schema VALUES (4)");
    let newer = HealthIssue::Schema { found: 4, needed: 3 };
    let refused = builder().connect(&server.url()).await.unwrap_err();
    assert!(
        matches!(&refused, ConnectError::Unhealthy { issue, .. } if *issue == newer),
        "{refused:?}"
    );
    claim_new(&builder().allow_unsafe_server().connect(&server.url()).await.unwrap()).await;
}

/// The migrations with `PARTITION BY HASH (id)`, as the crate documentation describes.
#[tokio::test]
async fn partitioned_table_works() {
    let server = PostgresServer::start(&[]);
    let text = builder().migration_sql().unwrap();
    let (table, rest) = text.split_once(") WITH (fillfactor").unwrap();
    let (_, rest) = rest.split_once(';').unwrap();
    server.sql(&format!("{table}) PARTITION BY HASH (id);"));
    for n in 0..4 {
        server.sql(&format!(
            "CREATE TABLE records_{n} PARTITION OF idem_records
             FOR VALUES WITH (MODULUS 4, REMAINDER {n}) WITH (fillfactor = 50)"
        ));
    }
    server.sql(rest);
    let store = builder().verify_only().connect(&server.url()).await.unwrap();
    for _ in 0..40 {
        let claim = claim_new(&store).await;
        assert_eq!(store.renew(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
        assert_eq!(store.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
        assert_eq!(store.claim(claim.id, request()).await.unwrap(), completed("kept"));
    }
    let used = "SELECT count(DISTINCT tableoid) FROM idem_records";
    assert_eq!(server.sql(used), "4");
    server.sql("UPDATE idem_records SET expires_at = now(), sweep_at = now()");
    assert_eq!(store.delete_expired().await.unwrap(), 40);
}
