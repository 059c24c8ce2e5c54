//! A service with handlers that write rows into the table `effect`.

use std::future::Future;
use std::time::Duration;

use idem_core::http::{Executed, Scope, Served};
use idem_core::store::{Completion, Headers, IdempotencyStore, StoredResponse};
use idem_core::{Guarantee, Idempotency, IdempotencyKey, Outcome, Policy, Rejection};
use idem_postgres::sqlx::{self, PgConnection};
use idem_postgres::{PostgresStore, PostgresStoreBuilder, Tx};
use idem_testkit::servers::PostgresServer;

const HOUR: Duration = Duration::from_secs(3600);

/// Longer than a busy server needs.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) static NO_WAIT: Policy = Policy::new(HOUR, Guarantee::AtMostOnce);

/// Duplicates wait for the run.
pub(crate) static WAITING: Policy = Policy::new(HOUR, Guarantee::AtMostOnce).with_wait(TIMEOUT);

pub(crate) type Reply = Result<Served<u16>, Rejection>;

/// A server with an empty table `effect`.
pub(crate) fn server(settings: &[&str]) -> PostgresServer {
    let server = PostgresServer::start(settings);
    server.sql("CREATE TABLE effect (key text NOT NULL)");
    server
}

/// A builder for a store whose limits a busy server keeps.
pub(crate) fn builder() -> PostgresStoreBuilder {
    let builder = PostgresStore::builder().sweep_every(None);
    builder.wait_timeout(TIMEOUT).statement_timeout(TIMEOUT)
}

pub(crate) async fn service(url: &str) -> Idempotency {
    service_on(builder().connect(url).await.unwrap())
}

/// A service on a store, whose limit a busy server keeps too.
pub(crate) fn service_on(store: impl IdempotencyStore) -> Idempotency {
    Idempotency::builder(store).store_timeout(TIMEOUT).build()
}

/// The number of effects, and the number of completed and of all records.
pub(crate) fn counts(server: &PostgresServer) -> (String, String) {
    let effects = server.sql("SELECT count(*) FROM effect");
    let records =
        "SELECT count(*) FILTER (WHERE state = 2) || ' of ' || count(*) FROM idem_records";
    (effects, server.sql(records))
}

pub(crate) fn expected(effects: &str, records: &str) -> (String, String) {
    (effects.to_owned(), records.to_owned())
}

pub(crate) async fn write_effect(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO effect VALUES ('k')").execute(connection).await.map(drop)
}

/// A handler that writes a row and returns `status`.
pub(crate) async fn write_and_return(mut tx: Tx, status: u16) -> u16 {
    write_effect(&mut tx).await.unwrap();
    status
}

/// Calls `handler` with a transaction, under a key.
pub(crate) async fn call<F>(
    idempotency: &Idempotency,
    policy: &'static Policy,
    key: &str,
    handler: impl FnOnce(Tx) -> F + Send + 'static,
) -> Reply
where
    F: Future<Output = u16> + Send + 'static,
{
    call_in(Scope::global(), idempotency, policy, key, handler).await
}

pub(crate) async fn call_in<F>(
    scope: Scope,
    idempotency: &Idempotency,
    policy: &'static Policy,
    key: &str,
    handler: impl FnOnce(Tx) -> F + Send + 'static,
) -> Reply
where
    F: Future<Output = u16> + Send + 'static,
{
    let key = IdempotencyKey::new(key).unwrap();
    let call = idempotency.call(policy, &["transfer"], scope, &key).unwrap();
    let tx = Tx::default();
    let call = call.in_transaction(Some(tx.slot()));
    let run = move |_| async move { executed(handler(tx).await) };
    idempotency.run(call, run, || executed(500)).await.map_err(Rejection::from)
}

fn executed(status: u16) -> Executed<u16> {
    let response = StoredResponse::new(status, Headers::default(), "done".into());
    let outcome = Outcome::of_status(status);
    Executed::new(status, outcome, Completion::Response(response))
}

pub(crate) fn assert_executed(reply: &Reply, status: u16) {
    assert!(matches!(reply, Ok(Served::Executed(found)) if *found == status), "{reply:?}");
}

pub(crate) fn assert_replayed(reply: &Reply, status: u16) {
    let matches = |response: &StoredResponse| response.status == status;
    assert!(matches!(reply, Ok(Served::Replayed(response)) if matches(response)), "{reply:?}");
}

/// The number of connections inside a transaction.
pub(crate) const OPEN_TRANSACTIONS: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE state LIKE 'idle in transaction%' AND backend_type = 'client backend'";

/// The number of transactions that have claimed a key and have not ended.
pub(crate) const CLAIMS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
