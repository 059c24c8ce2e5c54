//! The number of statements that a record adds to a transaction, counted by the server.

use idem_testkit::servers::PostgresServer;

use crate::support::{NO_WAIT, assert_executed, assert_replayed, call, service, write_and_return};

#[tokio::test]
async fn run_sends_two_more_statements_than_its_transaction() {
    let server = PostgresServer::start(&["shared_preload_libraries=pg_stat_statements"]);
    server.sql("CREATE TABLE effect (key text NOT NULL); CREATE EXTENSION pg_stat_statements");
    let service = service(&server.url()).await;
    assert_executed(&call(&service, &NO_WAIT, "warm", |tx| write_and_return(tx, 201)).await, 201);
    let sent = || {
        let calls = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
                     WHERE query NOT LIKE '%pg_stat%'";
        server.sql(calls).parse::<u64>().unwrap()
    };
    let reset = || drop(server.sql("SELECT pg_stat_statements_reset()"));

    reset();
    assert_executed(&call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await, 201);
    assert_eq!(sent(), 5, "BEGIN, the claim, the statement of the handler, the completion, COMMIT");
    reset();
    assert_replayed(&call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await, 201);
    assert_eq!(sent(), 3, "BEGIN, the claim, ROLLBACK");
}
