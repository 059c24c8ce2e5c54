//! Errors in handlers. None of them leaves a part of an effect.

use std::error::Error;

use idem_core::{Idempotency, MemoryStore, Rejection};
use idem_postgres::Tx;
use idem_postgres::sqlx;

use crate::support::{
    NO_WAIT, OPEN_TRANSACTIONS, Reply, assert_executed, call, counts, expected, server, service,
    write_and_return, write_effect,
};

/// The messages of an error and of all its sources.
fn messages(reply: &Reply) -> String {
    let Err(rejection) = reply else { panic!("{reply:?}") };
    let mut messages = String::new();
    let mut error: Option<&dyn Error> = Some(rejection);
    while let Some(cause) = error {
        messages += &cause.to_string();
        error = cause.source();
    }
    messages
}

#[tokio::test]
async fn store_without_transactions_is_rejected_before_the_run() {
    let service = Idempotency::new(MemoryStore::new());
    let reply =
        call(&service, &NO_WAIT, "k", |_| async { unreachable!("the handler must not run") }).await;
    assert!(matches!(reply, Err(Rejection::NoTransactions)), "{reply:?}");
    assert!(messages(&reply).contains("PostgresStore"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_transaction_is_never_committed() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let (keep, kept) = tokio::sync::oneshot::channel();
    let keeping = |mut tx: Tx| async move {
        write_effect(&mut tx).await.unwrap();
        keep.send(tx).unwrap();
        201
    };
    let reply = call(&service, &NO_WAIT, "k", keeping).await;
    assert!(matches!(reply, Err(Rejection::NotCommitted(_))), "{reply:?}");
    assert!(messages(&reply).contains("kept its `Tx`"));
    drop(kept.await.unwrap());
    server.until(OPEN_TRANSACTIONS, |open| open == "0");
    assert_eq!(counts(&server), expected("0", "0 of 0"));
    assert_executed(&call(&service, &NO_WAIT, "k", |tx| write_and_return(tx, 201)).await, 201);
}

#[tokio::test]
async fn handler_that_rolls_back_cannot_succeed() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let ending = |mut tx: Tx| async move {
        write_effect(&mut tx).await.unwrap();
        sqlx::raw_sql("ROLLBACK").execute(&mut *tx).await.unwrap();
        201
    };
    let reply = call(&service, &NO_WAIT, "k", ending).await;
    assert!(messages(&reply).contains("ended its transaction"));
    assert_eq!(counts(&server), expected("0", "0 of 0"));
}

/// A handler that runs `COMMIT` commits its claim too. The record is completed after that.
#[tokio::test]
async fn handler_that_commits_is_recorded() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let ending = |mut tx: Tx| async move {
        write_effect(&mut tx).await.unwrap();
        sqlx::raw_sql("COMMIT").execute(&mut *tx).await.unwrap();
        201
    };
    assert_executed(&call(&service, &NO_WAIT, "k", ending).await, 201);
    assert_eq!(counts(&server), expected("1", "1 of 1"));
}

/// A failed statement aborts the transaction, even if the handler ignores the error.
#[tokio::test]
async fn ignored_statement_error_prevents_success() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let ignoring = |mut tx: Tx| async move {
        write_effect(&mut tx).await.unwrap();
        sqlx::query("SELECT 1 / 0").execute(&mut *tx).await.unwrap_err();
        201
    };
    let reply = call(&service, &NO_WAIT, "k", ignoring).await;
    assert!(matches!(reply, Err(Rejection::NotCommitted(_))), "{reply:?}");
    assert_eq!(counts(&server), expected("0", "0 of 0"));
}

#[tokio::test]
async fn use_without_guard_panics_with_a_hint() {
    let used = tokio::spawn(async { write_effect(&mut Tx::default()).await });
    let panic = used.await.unwrap_err().into_panic();
    let message = panic.downcast_ref::<String>().map(String::as_str).unwrap_or_default();
    assert!(message.contains("#[idempotent"), "{message}");
}
