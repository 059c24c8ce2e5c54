//! The effect of an `Err` on later calls, by its outcome and the guarantee.

use std::time::Duration;

use idem_core::function::{Disposition, Failure, Rejected};
use idem_core::{Idempotency, Outcome, idempotent};

use crate::support::{OrderError, RunCounter, fresh, refused};

type Body = fn() -> Result<u64, OrderError>;

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn at_most_once(idempotency: &Idempotency, id: u64, body: Body) -> Result<u64, OrderError> {
    body()
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-least-once")]
async fn at_least_once(idempotency: &Idempotency, id: u64, body: Body) -> Result<u64, OrderError> {
    body()
}

fn declined() -> Result<u64, OrderError> {
    Err(OrderError::Declined("no funds".to_owned()))
}

const LATER: Disposition = Disposition::Redeliver { after: Duration::from_secs(1) };

#[tokio::test]
async fn a_final_error_is_stored_and_returned_as_it_was() {
    let (idempotency, ..) = fresh();
    for _ in 0..2 {
        for result in [
            at_most_once(&idempotency, 1, declined).await,
            at_least_once(&idempotency, 1, declined).await,
        ] {
            assert_eq!(Disposition::of(&result), Disposition::Acknowledge);
            assert!(matches!(result, Err(OrderError::Declined(why)) if why == "no funds"));
        }
        // The body does not run again.
        assert!(at_most_once(&idempotency, 1, || Ok(1)).await.is_err());
        assert!(at_least_once(&idempotency, 1, || Ok(1)).await.is_err());
    }
}

#[tokio::test]
async fn an_error_that_was_not_executed_frees_the_key() {
    let (idempotency, ..) = fresh();
    for call in [
        at_most_once(&idempotency, 1, || Err(OrderError::Busy)).await,
        at_least_once(&idempotency, 1, || Err(OrderError::Busy)).await,
    ] {
        assert_eq!(Disposition::of(&call), LATER);
        assert!(matches!(call, Err(OrderError::Busy)));
    }
    assert_eq!(at_most_once(&idempotency, 1, || Ok(2)).await.unwrap(), 2);
    assert_eq!(at_least_once(&idempotency, 1, || Ok(2)).await.unwrap(), 2);
}

#[tokio::test]
async fn an_ambiguous_error_is_unknown_under_at_most_once_and_frees_the_key_under_at_least_once() {
    let (idempotency, ..) = fresh();
    let first = at_most_once(&idempotency, 1, || Err(OrderError::NoAnswer)).await;
    assert!(matches!(first, Err(OrderError::NoAnswer)));
    assert_eq!(Disposition::of(&first), LATER, "the next delivery gets the unknown outcome");
    let next = at_most_once(&idempotency, 1, || Ok(2)).await;
    assert_eq!(refused(&next), "OutcomeUnknown");
    assert_eq!(Disposition::of(&next), Disposition::DeadLetter);

    let first = at_least_once(&idempotency, 1, || Err(OrderError::NoAnswer)).await;
    assert!(matches!(first, Err(OrderError::NoAnswer)));
    assert_eq!(at_least_once(&idempotency, 1, || Ok(2)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_panic_is_an_ambiguous_error() {
    let (idempotency, ..) = fresh();
    let panics: Body = || panic!("injected");
    let first = at_most_once(&idempotency, 1, panics).await;
    assert_eq!(refused(&first), "OutcomeUnknown");
    assert_eq!(Disposition::of(&first), Disposition::DeadLetter);
    assert_eq!(refused(&at_most_once(&idempotency, 1, || Ok(2)).await), "OutcomeUnknown");

    let first = at_least_once(&idempotency, 1, panics).await;
    assert_eq!(refused(&first), "Panicked");
    assert_eq!(Disposition::of(&first), LATER);
    assert_eq!(at_least_once(&idempotency, 1, || Ok(2)).await.unwrap(), 2);
}

/// An error type that implements only the required method.
#[derive(Debug)]
enum Plain {
    Failed,
    Rejected(Rejected),
}

impl From<Rejected> for Plain {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl Failure for Plain {
    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Failed => None,
            Self::Rejected(rejected) => Some(rejected),
        }
    }
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn plain(idempotency: &Idempotency, id: u64, counter: &RunCounter) -> Result<(), Plain> {
    counter.increment();
    Err(Plain::Failed)
}

#[tokio::test]
async fn an_error_is_ambiguous_by_default() {
    let (idempotency, _, counter) = fresh();
    assert!(matches!(plain(&idempotency, 1, &counter).await, Err(Plain::Failed)));
    let next = plain(&idempotency, 1, &counter).await;
    assert!(
        matches!(&next, Err(Plain::Rejected(rejected)) if rejected.rejection().slug() == "outcome-unknown")
    );
    assert_eq!(counter.runs(), 1);
}

/// A final error that is not stored.
#[derive(Debug)]
struct Final(Option<Rejected>);

impl From<Rejected> for Final {
    fn from(rejected: Rejected) -> Self {
        Self(Some(rejected))
    }
}

impl Failure for Final {
    fn outcome(&self) -> Outcome {
        Outcome::Final
    }

    fn rejected(&self) -> Option<&Rejected> {
        self.0.as_ref()
    }
}

#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-least-once")]
async fn ends(idempotency: &Idempotency, id: u64, counter: &RunCounter) -> Result<(), Final> {
    counter.increment();
    Err(Final(None))
}

#[tokio::test]
async fn a_final_error_that_is_not_retained_stays_an_error() {
    let (idempotency, _, counter) = fresh();
    assert!(ends(&idempotency, 1, &counter).await.unwrap_err().0.is_none());
    let next = ends(&idempotency, 1, &counter).await;
    assert_eq!(Disposition::of(&next), Disposition::DeadLetter);
    assert_eq!(next.unwrap_err().0.unwrap().rejection().slug(), "result-unavailable");
    assert_eq!(counter.runs(), 1);
}

/// An error type that panics if its `outcome` is called for a rejection.
#[derive(Debug)]
struct Strict(Rejected);

impl From<Rejected> for Strict {
    fn from(rejected: Rejected) -> Self {
        Self(rejected)
    }
}

impl Failure for Strict {
    fn outcome(&self) -> Outcome {
        unreachable!("`outcome` is documented not to be called for rejections")
    }

    fn rejected(&self) -> Option<&Rejected> {
        Some(&self.0)
    }
}

#[idempotent(ttl = "7d", scope = "global", key = "key", guarantee = "at-least-once")]
async fn strict(idempotency: &Idempotency, key: &str) -> Result<(), Strict> {
    Ok(())
}

#[tokio::test]
async fn a_rejection_is_not_classified_by_the_error_type() {
    let (idempotency, ..) = fresh();
    let rejected = strict(&idempotency, "").await;
    assert_eq!(Disposition::of(&rejected), Disposition::DeadLetter);
}
