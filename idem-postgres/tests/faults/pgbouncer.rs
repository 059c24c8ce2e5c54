//! PgBouncer in transaction mode.

use std::time::Duration;

use idem_core::store::{ClaimOutcome, IdempotencyStore, StoreErrorKind, Update};
use idem_postgres::ConnectError;
use idem_postgres::sqlx::{self, Connection, PgConnection};
use idem_testkit::servers::{PgBouncer, PostgresServer, Proxy};
use tokio::task::JoinSet;

use crate::support::{
    HOUR, builder, claim_new, completed, completion, connect, error_kind, new_id, request,
    until_rejected,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_behind_pgbouncer_with_pooled_mode() {
    let server = PostgresServer::start(&[]);
    let pooler = PgBouncer::before(&server, 3);
    let store = builder().pgbouncer().connect(&pooler.url()).await.unwrap();
    let mut workers = JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        workers.spawn(async move {
            for _ in 0..25 {
                let (id, request) = (new_id(), request());
                let ClaimOutcome::Acquired(claim) = store.claim(id, request.clone()).await.unwrap()
                else {
                    panic!("the key is not free")
                };
                assert_eq!(store.renew(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
                let update = store.complete(claim, completion("kept"), HOUR).await.unwrap();
                assert_eq!(update, Update::Applied);
                assert_eq!(store.claim(id, request.clone()).await.unwrap(), completed("kept"));
            }
        });
    }
    workers.join_all().await;
}

/// A rejected statement leaves no transaction open. It would occupy a connection of the pooler.
#[tokio::test]
async fn fault_postgres_behind_pgbouncer_holds_no_connection_after_refusal() {
    let server = PostgresServer::start(&[]);
    let pooler = PgBouncer::before(&server, 1);
    let store = builder().pgbouncer().connect(&pooler.url()).await.unwrap();
    server.sql("ALTER TABLE idem_records RENAME TO away");
    assert_eq!(error_kind(store.claim(new_id(), request()).await), StoreErrorKind::NotDone);
    let open = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    assert_eq!(server.sql(open), "0");
    server.sql("ALTER TABLE away RENAME TO idem_records");
    claim_new(&store).await;
}

#[tokio::test]
async fn fault_postgres_behind_pgbouncer_without_flag() {
    let server = PostgresServer::start(&[]);
    let pooler = PgBouncer::before(&server, 3);
    let refused = builder().connect(&pooler.url()).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Pooler { .. }), "{refused:?}");
    assert!(refused.to_string().contains("pgbouncer()"));
}

/// PgBouncer reports the loss of a server with an error of its own. It is unknown whether the commit took
/// effect, so the claim can be sent again and abandoned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_behind_pgbouncer_server_lost_at_commit() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let pooler = PgBouncer::before_port(proxy.port(), 1);
    let store = builder().pgbouncer().connect(&pooler.url()).await.unwrap();
    claim_new(&store).await;
    let (id, request) = (new_id(), request());
    proxy.cut_after("COMMIT\0");
    assert_eq!(error_kind(store.claim(id, request.clone()).await), StoreErrorKind::Unknown);
    assert!(matches!(store.claim(id, request.clone()).await.unwrap(), ClaimOutcome::Acquired(_)));
    assert_eq!(store.abandon(id, request.nonce).await.unwrap(), Update::Applied);
}

/// The server ends a statement that waits too long, although the session has no timeout.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_behind_pgbouncer_statement_timeout() {
    let server = PostgresServer::start(&[]);
    let pooler = PgBouncer::before(&server, 2);
    let builder = builder().pgbouncer();
    let store = builder.clone().connect(&pooler.url()).await.unwrap();
    let impatient = builder.statement_timeout(Duration::from_secs(2));
    let impatient = connect(&impatient, &pooler.url()).await;
    let claim = claim_new(&store).await;
    let mut other = PgConnection::connect(&server.url()).await.unwrap();
    let mut open = other.begin().await.unwrap();
    sqlx::query("SELECT FROM idem_records FOR UPDATE").execute(&mut *open).await.unwrap();
    until_rejected(async || impatient.release(claim).await).await;
    open.rollback().await.unwrap();
    assert_eq!(store.release(claim).await.unwrap(), Update::Applied);
}

/// Before the commit, even an error that proves nothing by itself means "not done".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_behind_pgbouncer_server_lost_before_commit() {
    let server = PostgresServer::start(&[]);
    let proxy = Proxy::before(server.port()).await;
    let pooler = PgBouncer::before_port(proxy.port(), 1);
    let store = builder().pgbouncer().connect(&pooler.url()).await.unwrap();
    claim_new(&store).await;
    let id = new_id();
    for lost in [b"BEGIN".to_vec(), id.as_bytes().to_vec()] {
        proxy.cut_after(lost);
        assert_eq!(error_kind(store.claim(id, request()).await), StoreErrorKind::NotDone);
    }
    assert!(matches!(store.claim(id, request()).await.unwrap(), ClaimOutcome::Acquired(_)));
}
