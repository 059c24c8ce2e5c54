//! What handlers must not do, and what comes of it: never half of an effect.

use std::error::Error;

use idem_core::{Idempotency, MemoryStore, Rejection};
use idem_postgres::Tx;
use idem_postgres::sqlx;

use crate::support::{
    AT_ONCE, OPEN, Reply, answering, call, effects, executed_with, found, server, service, write,
};

/// The words of an error and of all its sources.
fn words(reply: &Reply) -> String {
    let Err(rejection) = reply else { panic!("{reply:?}") };
    let mut words = String::new();
    let mut error: Option<&dyn Error> = Some(rejection);
    while let Some(cause) = error {
        words += &cause.to_string();
        error = cause.source();
    }
    words
}

#[tokio::test]
async fn other_store_is_an_error_before_anything_runs() {
    let service = Idempotency::new(MemoryStore::new());
    let reply = call(&service, &AT_ONCE, "k", |_| async { unreachable!("it must not run") }).await;
    assert!(matches!(reply, Err(Rejection::NoTransactions)), "{reply:?}");
    assert!(words(&reply).contains("PostgresStore"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transaction_that_is_kept_is_never_committed() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let (keep, kept) = tokio::sync::oneshot::channel();
    let keeping = |mut tx: Tx| async move {
        write(&mut tx).await.unwrap();
        keep.send(tx).unwrap();
        201
    };
    let reply = call(&service, &AT_ONCE, "k", keeping).await;
    assert!(matches!(reply, Err(Rejection::NotCommitted(_))), "{reply:?}");
    assert!(words(&reply).contains("kept its `Tx`"));
    drop(kept.await.unwrap());
    server.until(OPEN, |open| open == "0");
    assert_eq!(effects(&server), found("0", "0 of 0"));
    executed_with(&call(&service, &AT_ONCE, "k", |tx| answering(tx, 201)).await, 201);
}

#[tokio::test]
async fn handler_that_rolls_back_has_no_success() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let ending = |mut tx: Tx| async move {
        write(&mut tx).await.unwrap();
        sqlx::raw_sql("ROLLBACK").execute(&mut *tx).await.unwrap();
        201
    };
    let reply = call(&service, &AT_ONCE, "k", ending).await;
    assert!(words(&reply).contains("ended its transaction"));
    assert_eq!(effects(&server), found("0", "0 of 0"));
}

/// One that commits by itself has committed its claim too; the record is completed right behind it.
#[tokio::test]
async fn handler_that_commits_is_recorded() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let ending = |mut tx: Tx| async move {
        write(&mut tx).await.unwrap();
        sqlx::raw_sql("COMMIT").execute(&mut *tx).await.unwrap();
        201
    };
    executed_with(&call(&service, &AT_ONCE, "k", ending).await, 201);
    assert_eq!(effects(&server), found("1", "1 of 1"));
}

/// A failed statement that the handler ignores spoils the transaction: it cannot be a success.
#[tokio::test]
async fn ignored_failure_is_no_success() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let ignoring = |mut tx: Tx| async move {
        write(&mut tx).await.unwrap();
        sqlx::query("SELECT 1 / 0").execute(&mut *tx).await.unwrap_err();
        201
    };
    let reply = call(&service, &AT_ONCE, "k", ignoring).await;
    assert!(matches!(reply, Err(Rejection::NotCommitted(_))), "{reply:?}");
    assert_eq!(effects(&server), found("0", "0 of 0"));
}

#[tokio::test]
async fn unguarded_use_panics_with_what_to_do() {
    let used = tokio::spawn(async { write(&mut Tx::default()).await });
    let panic = used.await.unwrap_err().into_panic();
    let said = panic.downcast_ref::<String>().map(String::as_str).unwrap_or_default();
    assert!(said.contains("#[idempotent"), "{said}");
}
