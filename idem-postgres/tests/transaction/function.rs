//! Plain functions that take a `Tx`.

use idem_core::function::{Disposition, Failure, Rejected};
use idem_core::{Idempotency, MemoryStore, Outcome, Rejection, idempotent};
use idem_postgres::Tx;

use crate::support::{counts, expected, server, service, write_effect};

/// What the body does after it has written a row.
#[derive(Clone, Copy, Debug)]
enum End {
    Returns(u64),
    Fails(Outcome),
    Panics,
}

#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("{0:?}")]
    Failed(Outcome),
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

impl Failure for OrderError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Failed(outcome) => *outcome,
            Self::Rejected(_) => Outcome::Ambiguous,
        }
    }

    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            Self::Failed(_) => None,
        }
    }
}

#[idempotent(ttl = "1h", scope = "global", key = "key")]
async fn place(
    idempotency: &Idempotency,
    mut tx: Tx,
    key: &str,
    end: End,
) -> Result<u64, OrderError> {
    write_effect(&mut tx).await.unwrap();
    match end {
        End::Returns(value) => Ok(value),
        End::Fails(outcome) => Err(OrderError::Failed(outcome)),
        End::Panics => panic!("during the run"),
    }
}

async fn call(idempotency: &Idempotency, key: &str, end: End) -> Result<u64, OrderError> {
    place(idempotency, Tx::default(), key, end).await
}

#[tokio::test]
async fn a_function_commits_its_writes_with_its_result() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    for _ in 0..2 {
        assert_eq!(call(&service, "k", End::Returns(7)).await.unwrap(), 7);
        assert_eq!(counts(&server), expected("1", "1 of 1"));
    }
}

#[tokio::test]
async fn a_function_that_fails_leaves_nothing_and_is_redelivered() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    for end in [End::Fails(Outcome::Ambiguous), End::Fails(Outcome::NotExecuted), End::Panics] {
        let failed = call(&service, "k", end).await;
        assert!(failed.is_err(), "{failed:?}");
        assert_eq!(counts(&server), expected("0", "0 of 0"), "{end:?}");
    }
    let panicked = call(&service, "k", End::Panics).await;
    let Err(OrderError::Rejected(rejected)) = &panicked else { panic!("{panicked:?}") };
    assert!(matches!(rejected.rejection(), Rejection::Panicked), "the key is free");
    assert_eq!(call(&service, "k", End::Returns(7)).await.unwrap(), 7);
    assert_eq!(counts(&server), expected("1", "1 of 1"));
}

#[tokio::test]
async fn a_final_error_is_recorded_without_the_writes() {
    let server = server(&[]);
    let service = service(&server.url()).await;
    let failed = call(&service, "k", End::Fails(Outcome::Final)).await;
    assert!(matches!(failed, Err(OrderError::Failed(Outcome::Final))), "{failed:?}");
    assert_eq!(counts(&server), expected("0", "0 of 1"), "recorded, but not retained");
    let again = call(&service, "k", End::Returns(7)).await;
    let Err(OrderError::Rejected(rejected)) = &again else { panic!("{again:?}") };
    assert!(matches!(rejected.rejection(), Rejection::ResultUnavailable { .. }));
}

#[tokio::test]
async fn a_store_without_transactions_is_a_dead_letter() {
    let service = Idempotency::new(MemoryStore::new());
    let refused = call(&service, "k", End::Returns(7)).await;
    let Err(OrderError::Rejected(rejected)) = &refused else { panic!("{refused:?}") };
    assert!(matches!(rejected.rejection(), Rejection::NoTransactions));
    assert!(matches!(rejected.disposition(), Disposition::DeadLetter));
}
