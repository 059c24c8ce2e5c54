//! PgBouncer in transaction mode. The handler's own queries are not prepared either.

use idem_postgres::{Tx, sqlx};
use idem_testkit::servers::{PgBouncer, Proxy};
use tokio::task::JoinSet;

use crate::support::{
    NO_WAIT, assert_executed, assert_replayed, builder, call, counts, expected, server, service_on,
};

async fn write_and_return_201(mut tx: Tx) -> u16 {
    let insert = sqlx::query("INSERT INTO effect VALUES ($1)").bind("k").persistent(false);
    insert.execute(&mut *tx).await.unwrap();
    201
}

async fn write_and_return_422(mut tx: Tx) -> u16 {
    let insert = sqlx::query("INSERT INTO effect VALUES ($1)").bind("k").persistent(false);
    insert.execute(&mut *tx).await.unwrap();
    422
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_behind_pgbouncer_transactions() {
    let server = server(&[]);
    // One connection for each handler, because a transaction holds its connection.
    let pooler = PgBouncer::before(&server, 8);
    let store = builder().pgbouncer().connect(&pooler.url()).await.unwrap();
    let service = service_on(store);
    let mut workers = JoinSet::new();
    for worker in 0..8 {
        let service = service.clone();
        workers.spawn(async move {
            for n in 0..10 {
                let key = format!("{worker}-{n}");
                assert_executed(&call(&service, &NO_WAIT, &key, write_and_return_201).await, 201);
                assert_replayed(&call(&service, &NO_WAIT, &key, write_and_return_201).await, 201);
            }
            let key = format!("{worker}-refused");
            assert_executed(&call(&service, &NO_WAIT, &key, write_and_return_422).await, 422);
            assert_replayed(&call(&service, &NO_WAIT, &key, write_and_return_422).await, 422);
        });
    }
    workers.join_all().await;
    assert_eq!(counts(&server), expected("80", "88 of 88"));
}

/// PgBouncer reports the loss of a server with an error of its own, also after the commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_commit_reply_lost_behind_pgbouncer() {
    let server = server(&[]);
    let proxy = Proxy::before(server.port()).await;
    let pooler = PgBouncer::before_port(proxy.port(), 2);
    let store = builder().pgbouncer().connect(&pooler.url()).await.unwrap();
    let service = service_on(store);
    proxy.cut_after("COMMIT\0");
    assert_executed(&call(&service, &NO_WAIT, "k", write_and_return_201).await, 201);
    assert_replayed(&call(&service, &NO_WAIT, "k", write_and_return_201).await, 201);
    assert_eq!(counts(&server), expected("1", "1 of 1"));
}
