//! A store beside the tables of the application.

use idem_core::store::{IdempotencyStore, Update};
use idem_sqlite::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use idem_sqlite::sqlx::{query, query_scalar};
use idem_testkit::servers::SqliteFile;

use crate::support::{HOUR, builder, claim_new, completed, completion, request};

/// The store holds no connection of the pool, so the smallest one is enough.
#[tokio::test]
async fn store_works_beside_the_tables_of_a_pool() {
    let file = SqliteFile::new();
    let options = SqliteConnectOptions::new().filename(file.path()).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    query("CREATE TABLE account (cents INTEGER NOT NULL)").execute(&pool).await.unwrap();
    let store = builder().on_pool(pool.clone()).await.unwrap();
    let claim = claim_new(&store).await;
    query("INSERT INTO account VALUES (4200)").execute(&pool).await.unwrap();
    let done = store.complete(claim, completion("paid"), HOUR).await.unwrap();
    assert_eq!(done, Update::Applied);
    assert_eq!(store.claim(claim.id, request()).await.unwrap(), completed("paid"));
    let cents: i64 = query_scalar("SELECT cents FROM account").fetch_one(&pool).await.unwrap();
    assert_eq!(cents, 4200);
    assert_eq!(store.check().await.unwrap(), []);
}

/// The store has a thread of its own, so it does not need the runtime that opened it.
#[test]
fn store_outlives_the_runtime_that_opened_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let file = SqliteFile::new();
    let first = runtime();
    let store = first.block_on(crate::support::store(&file));
    let claim = first.block_on(claim_new(&store));
    drop(first);
    let second = runtime();
    let done = second.block_on(store.complete(claim, completion("done"), HOUR)).unwrap();
    assert_eq!(done, Update::Applied);
    assert_eq!(second.block_on(store.claim(claim.id, request())).unwrap(), completed("done"));
}
