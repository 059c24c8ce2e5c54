//! Shared test types: an order, its receipt and errors, and a counter of runs.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use idem_core::function::{ErrorStorage, Failure, Rejected};
use idem_core::{Idempotency, MemoryStore, Outcome};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::watchdog::watched;

#[derive(Clone, Serialize)]
pub(crate) struct Order {
    pub(crate) tenant: &'static str,
    pub(crate) id: u64,
    pub(crate) amount: u64,
}

pub(crate) const ORDER: Order = Order { tenant: "acme", id: 1001, amount: 42 };

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) order: u64,
    pub(crate) run: usize,
}

/// An error type with one variant per outcome.
#[derive(Debug, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum OrderError {
    #[error("declined: {0}")]
    Declined(String),
    #[error("slow down")]
    Busy,
    #[error("no answer")]
    NoAnswer,
    #[error(transparent)]
    #[serde(skip)]
    Rejected(#[from] Rejected),
}

impl Failure for OrderError {
    const STORAGE: ErrorStorage<Self> = ErrorStorage::JSON;

    fn outcome(&self) -> Outcome {
        match self {
            Self::Declined(_) => Outcome::Final,
            Self::Busy => Outcome::NotExecuted,
            Self::NoAnswer | Self::Rejected(_) => Outcome::Ambiguous,
        }
    }

    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            _ => None,
        }
    }
}

pub(crate) type Placed = Result<Receipt, OrderError>;

/// The name of the rejection in a result, without its fields.
pub(crate) fn refused<T: std::fmt::Debug>(result: &Result<T, OrderError>) -> String {
    match result {
        Err(OrderError::Rejected(rejected)) => {
            let shown = format!("{:?}", rejected.rejection());
            shown.split(['(', ' ']).next().unwrap_or_default().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

/// Waits until the test opens the gate.
pub(crate) async fn pass(gate: &Notify) {
    watched("the opening of the gate", gate.notified()).await;
}

/// Polls a call once. It must be pending after that.
pub(crate) async fn begin<F: Future>(call: &mut Pin<Box<F>>) {
    poll_fn(|cx| {
        assert!(call.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

/// Counts runs.
#[derive(Default)]
pub(crate) struct RunCounter(AtomicUsize);

impl RunCounter {
    /// Counts a run and returns its number.
    pub(crate) fn increment(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn runs(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A handle with an empty store, the store, and a counter at zero.
pub(crate) fn fresh() -> (Idempotency, MemoryStore, RunCounter) {
    let store = MemoryStore::new();
    (Idempotency::new(store.clone()), store, RunCounter::default())
}
