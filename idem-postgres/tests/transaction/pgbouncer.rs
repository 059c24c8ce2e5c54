//! Through PgBouncer in transaction mode: the handler's own queries are not prepared either.

use idem_core::Idempotency;
use idem_postgres::{Tx, sqlx};
use idem_testkit::servers::PgBouncer;
use tokio::task::JoinSet;

use crate::support::{
    AT_ONCE, builder, call, effects, executed_with, found, replayed_with, server,
};

async fn writes_unprepared(mut tx: Tx) -> u16 {
    let insert = sqlx::query("INSERT INTO effect VALUES ($1)").bind("k").persistent(false);
    insert.execute(&mut *tx).await.unwrap();
    201
}

async fn refuses(mut tx: Tx) -> u16 {
    let insert = sqlx::query("INSERT INTO effect VALUES ($1)").bind("k").persistent(false);
    insert.execute(&mut *tx).await.unwrap();
    422
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_postgres_behind_pgbouncer_transactions() {
    let server = server(&[]);
    // As many as there are handlers: a transaction holds its connection.
    let pooler = PgBouncer::before(&server, 8);
    let store = builder().pgbouncer().connect(&pooler.url()).await.unwrap();
    let service = Idempotency::new(store);
    let mut workers = JoinSet::new();
    for worker in 0..8 {
        let service = service.clone();
        workers.spawn(async move {
            for n in 0..10 {
                let key = format!("{worker}-{n}");
                executed_with(&call(&service, &AT_ONCE, &key, writes_unprepared).await, 201);
                replayed_with(&call(&service, &AT_ONCE, &key, writes_unprepared).await, 201);
            }
            let key = format!("{worker}-refused");
            executed_with(&call(&service, &AT_ONCE, &key, refuses).await, 422);
            replayed_with(&call(&service, &AT_ONCE, &key, refuses).await, 422);
        });
    }
    workers.join_all().await;
    assert_eq!(effects(&server), found("80", "88 of 88"));
}
