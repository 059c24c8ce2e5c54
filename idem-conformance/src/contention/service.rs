//! A service on the store under test.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use idem_core::http::{Executed, Scope, Served};
use idem_core::store::{Completion, Headers, IdempotencyStore, StoredResponse};
use idem_core::{Guarantee, Idempotency, IdempotencyKey, Outcome, Policy, Rejection};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::watchdog::within;

const HOUR: Duration = Duration::from_secs(3600);

/// A policy under which duplicates do not wait.
pub static IMMEDIATE: Policy = Policy::new(HOUR, Guarantee::AtMostOnce);

/// A policy under which duplicates wait up to 60 s for the first request.
pub static WAITING: Policy =
    Policy::new(HOUR, Guarantee::AtMostOnce).with_wait(Duration::from_secs(60));

/// The limit for the gate. It is twice the limit of most events, because thousands of senders claim meanwhile.
const GATE_LIMIT: Duration = Duration::from_secs(60);

/// Longer than a busy server needs.
const STORE_TIMEOUT: Duration = Duration::from_secs(60);

/// The result of a call of a [`Service`].
pub type Reply = Result<Served<()>, Rejection>;

/// A service whose handler counts its runs and waits at a gate. Each run takes one permit.
#[derive(Clone)]
pub struct Service {
    idempotency: Idempotency,
    runs: Arc<AtomicUsize>,
    outcomes: fn(usize) -> Outcome,
    /// The gate. Add one permit for each run that may continue.
    pub gate: Arc<Semaphore>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("runs", &self.runs()).finish_non_exhaustive()
    }
}

impl Service {
    /// Creates an instance of a service whose runs are all final.
    pub fn on(store: impl IdempotencyStore) -> Self {
        Self {
            idempotency: Idempotency::builder(store)
                .store_timeout(STORE_TIMEOUT)
                .max_waiters(5_000, 5_000)
                .max_waiters_per_scope(5_000)
                .build(),
            runs: Arc::default(),
            outcomes: |_| Outcome::Final,
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    /// Sets the outcome of each run by its number, counted from 0.
    #[must_use]
    pub fn with_outcomes(self, outcomes: fn(usize) -> Outcome) -> Self {
        Self { outcomes, ..self }
    }

    /// Creates another instance of the same service, with the same gate and run count.
    #[must_use]
    pub fn sibling(&self, store: impl IdempotencyStore) -> Self {
        Self { idempotency: Self::on(store).idempotency, ..self.clone() }
    }

    /// Calls the service.
    ///
    /// # Errors
    /// The rejection, if the engine rejects the call.
    ///
    /// # Panics
    /// If `key` is not a valid idempotency key. A handler that waits at the gate for 60 s panics too, and its run then
    /// counts as ambiguous.
    pub async fn send(self, policy: &'static Policy, key: &'static str) -> Reply {
        let key = IdempotencyKey::new(key).expect("a key");
        let call = self.idempotency.call(policy, &["pay"], Scope::global(), &key)?;
        let Self { runs, gate, outcomes, .. } = self.clone();
        let handler = move |_| async move {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            let permit = within(GATE_LIMIT, "the permit for a run", gate.acquire()).await;
            permit.expect("the gate is never closed").forget();
            executed(outcomes(run))
        };
        self.idempotency
            .run(call, handler, || executed(Outcome::Ambiguous))
            .await
            .map_err(Rejection::from)
    }

    /// Returns the number of runs that started.
    pub fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

/// Sends `senders` duplicates concurrently, to the instances in turn.
pub fn send_duplicates(
    services: &[Service],
    policy: &'static Policy,
    senders: usize,
) -> JoinSet<Reply> {
    let mut replies = JoinSet::new();
    for n in 0..senders {
        replies.spawn(services[n % services.len()].clone().send(policy, "k"));
    }
    replies
}

fn executed(outcome: Outcome) -> Executed<()> {
    let response = StoredResponse::new(201, Headers::default(), "done".into());
    Executed::new((), outcome, Completion::Response(response))
}
