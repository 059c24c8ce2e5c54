//! A service on a store under test, for storms of duplicates.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use idem_core::http::{Executed, Scope, Served};
use idem_core::store::StoredResponse;
use idem_core::store::{Completion, Headers, IdempotencyStore};
use idem_core::{Guarantee, Idempotency, IdempotencyKey, Outcome, Policy, Rejection};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const HOUR: Duration = Duration::from_secs(3600);

/// Duplicates are answered at once.
pub static IMMEDIATE: Policy = Policy::new(HOUR, Guarantee::AtMostOnce);

/// Duplicates wait for the first.
pub static WAITING: Policy =
    Policy::new(HOUR, Guarantee::AtMostOnce).with_wait(Duration::from_secs(60));

/// What a call of a [`Service`] came to.
pub type Reply = Result<Served<()>, Rejection>;

/// A service whose handler counts its runs and waits at a gate, one permit a run.
#[derive(Clone)]
pub struct Service {
    idempotency: Idempotency,
    runs: Arc<AtomicUsize>,
    outcomes: fn(usize) -> Outcome,
    /// What runs wait for.
    pub gate: Arc<Semaphore>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("runs", &self.runs()).finish_non_exhaustive()
    }
}

impl Service {
    /// A process of a service, whose runs all count.
    pub fn on(store: impl IdempotencyStore) -> Self {
        Self {
            idempotency: Idempotency::builder(store).max_waiters(5_000, 5_000).build(),
            runs: Arc::default(),
            outcomes: |_| Outcome::Final,
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    /// The outcome of the n-th run, from 0.
    #[must_use]
    pub fn with_outcomes(self, outcomes: fn(usize) -> Outcome) -> Self {
        Self { outcomes, ..self }
    }

    /// Another process of the same service.
    #[must_use]
    pub fn sibling(&self, store: impl IdempotencyStore) -> Self {
        Self { idempotency: Self::on(store).idempotency, ..self.clone() }
    }

    /// Calls it.
    ///
    /// # Errors
    /// What a caller is refused with.
    ///
    /// # Panics
    /// If `key` is not one.
    pub async fn send(self, policy: &'static Policy, key: &'static str) -> Reply {
        let key = IdempotencyKey::new(key).expect("a key");
        let call = self.idempotency.call(policy, &["pay"], Scope::global(), &key)?;
        let Self { runs, gate, outcomes, .. } = self.clone();
        let handler = move |_| async move {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await.expect("the gate stays").forget();
            executed(outcomes(run))
        };
        self.idempotency.run(call, handler, || executed(Outcome::Ambiguous)).await
    }

    /// How many runs began.
    pub fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

/// Sends so many duplicates at once, to the processes in turn.
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
    let answer = StoredResponse { status: 201, headers: Headers::default(), body: "done".into() };
    Executed { reply: (), outcome, completion: Completion::Response(answer) }
}
