//! A service whose handler writes one row per run.

use std::future::Future;
use std::time::Duration;

use idem_core::http::{Executed, Scope, Served};
use idem_core::store::{Completion, Headers, StoredResponse};
use idem_core::{Guarantee, Idempotency, IdempotencyKey, Outcome, Policy, Rejection};
use idem_postgres::sqlx::{self, PgConnection};
use idem_postgres::{PostgresStore, PostgresStoreBuilder, Tx};
use idem_testkit::servers::PostgresServer;

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) static AT_ONCE: Policy = Policy::new(HOUR, Guarantee::AtMostOnce);

pub(crate) type Reply = Result<Served<u16>, Rejection>;

/// A server with a table that shows what was done.
pub(crate) fn server(settings: &[&str]) -> PostgresServer {
    let server = PostgresServer::start(settings);
    server.sql("CREATE TABLE effect (key text NOT NULL)");
    server
}

pub(crate) fn builder() -> PostgresStoreBuilder {
    PostgresStore::builder().sweep_every(None)
}

pub(crate) async fn service(url: &str) -> Idempotency {
    Idempotency::new(builder().connect(url).await.unwrap())
}

/// The rows written, and the records that are completed.
pub(crate) fn effects(server: &PostgresServer) -> (String, String) {
    let effects = server.sql("SELECT count(*) FROM effect");
    let records =
        "SELECT count(*) FILTER (WHERE state = 2) || ' of ' || count(*) FROM idem_records";
    (effects, server.sql(records))
}

pub(crate) fn found(effects: &str, records: &str) -> (String, String) {
    (effects.to_owned(), records.to_owned())
}

pub(crate) async fn write(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO effect VALUES ('k')").execute(connection).await.map(drop)
}

/// A handler that writes and then answers with `status`.
pub(crate) async fn answering(mut tx: Tx, status: u16) -> u16 {
    write(&mut tx).await.unwrap();
    status
}

/// Calls `handler`, which is a function that is given a transaction, under a key.
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
    idempotency.run(call, run, || executed(500)).await
}

fn executed(status: u16) -> Executed<u16> {
    let answer = StoredResponse { status, headers: Headers::default(), body: "done".into() };
    let outcome = Outcome::of_status(status);
    Executed { reply: status, outcome, completion: Completion::Response(answer) }
}

pub(crate) fn executed_with(reply: &Reply, status: u16) {
    assert!(matches!(reply, Ok(Served::Executed(found)) if *found == status), "{reply:?}");
}

pub(crate) fn replayed_with(reply: &Reply, status: u16) {
    let is_it = |answer: &StoredResponse| answer.status == status;
    assert!(matches!(reply, Ok(Served::Replayed(answer)) if is_it(answer)), "{reply:?}");
}

/// Connections that are in a transaction.
pub(crate) const OPEN: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE state LIKE 'idle in transaction%' AND backend_type = 'client backend'";
