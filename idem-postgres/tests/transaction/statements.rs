//! What the record costs a business transaction, counted by the server.

use idem_testkit::servers::PostgresServer;

use crate::support::{AT_ONCE, answering, call, executed_with, replayed_with, service};

#[tokio::test]
async fn run_sends_two_statements_more_than_its_transaction() {
    let server = PostgresServer::start(&["shared_preload_libraries=pg_stat_statements"]);
    server.sql("CREATE TABLE effect (key text NOT NULL); CREATE EXTENSION pg_stat_statements");
    let service = service(&server.url()).await;
    executed_with(&call(&service, &AT_ONCE, "warm", |tx| answering(tx, 201)).await, 201);
    let sent = || {
        let calls = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
                     WHERE query NOT LIKE '%pg_stat%'";
        server.sql(calls).parse::<u64>().unwrap()
    };
    let reset = || drop(server.sql("SELECT pg_stat_statements_reset()"));

    reset();
    executed_with(&call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await, 201);
    assert_eq!(sent(), 5, "BEGIN, the handler's one, COMMIT; and the claim, the completion");
    reset();
    replayed_with(&call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await, 201);
    assert_eq!(sent(), 3, "BEGIN, the claim, ROLLBACK");
}
