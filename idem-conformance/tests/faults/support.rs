//! An engine over a fault store, and calls with one key.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use idem_conformance::{FaultStore, Faults, Pending};
use idem_core::http::{Executed, Scope, Served};
use idem_core::store::{Claim, Completion, Headers, StoredResponse};
use idem_core::{
    Guarantee, Idempotency, IdempotencyKey, MemoryStore, Outcome, Policy, Recovery, Rejection,
};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

pub(crate) const LEASE: Duration = Duration::from_secs(3600);
pub(crate) static AT_MOST_ONCE: Policy =
    Policy::new(LEASE, Guarantee::AtMostOnce).with_lease(LEASE).with_max_run(LEASE);
pub(crate) static AT_LEAST_ONCE: Policy =
    Policy::new(LEASE, Guarantee::AtLeastOnce).with_lease(LEASE).with_max_run(LEASE);

pub(crate) type Result = std::result::Result<Served<&'static str>, Rejection>;

#[derive(Clone)]
pub(crate) struct TestEnv {
    pub(crate) engine: Idempotency,
    pub(crate) faults: Faults,
    /// The store behind the faults.
    pub(crate) memory: MemoryStore,
    /// The number of runs that started in all engines.
    pub(crate) runs: Arc<AtomicU32>,
    hooks: Arc<AtomicU32>,
}

impl TestEnv {
    /// Returns one environment whose store replies immediately and one whose store replies like a remote one.
    /// A busy machine does not reach the store timeout.
    pub(crate) fn each() -> [Self; 2] {
        Self::each_within(LEASE)
    }

    /// Returns the environments for a store that becomes silent, whose timeout the test waits for.
    pub(crate) fn each_impatient() -> [Self; 2] {
        Self::each_within(TIMEOUT)
    }

    fn each_within(timeout: Duration) -> [Self; 2] {
        let (local, remote) = (MemoryStore::new(), MemoryStore::new());
        let one = FaultStore::new(local.clone());
        let two = FaultStore::new(Pending::new(remote.clone()));
        [
            Self::over(Idempotency::builder(one.0).store_timeout(timeout).build(), one.1, local),
            Self::over(Idempotency::builder(two.0).store_timeout(timeout).build(), two.1, remote),
        ]
    }

    fn over(engine: Idempotency, faults: Faults, memory: MemoryStore) -> Self {
        Self { engine, faults, memory, runs: Arc::default(), hooks: Arc::default() }
    }

    /// Returns another process on the same store, without faults.
    pub(crate) fn another(&self) -> Self {
        Self { engine: Idempotency::new(self.memory.clone()), ..self.clone() }
    }

    pub(crate) fn runs(&self) -> u32 {
        self.runs.load(Ordering::SeqCst)
    }

    /// Makes a call whose handler succeeds immediately.
    pub(crate) async fn call(&self, policy: &'static Policy, reply: &'static str) -> Result {
        self.call_with(policy, move |_| async move { success(reply) }).await
    }

    pub(crate) async fn call_with<H, F>(&self, policy: &'static Policy, handler: H) -> Result
    where
        H: FnOnce(Claim) -> F + Send + 'static,
        F: Future<Output = Executed<&'static str>> + Send + 'static,
    {
        let key = IdempotencyKey::new("key").unwrap();
        let call = self.engine.call(policy, &["test"], Scope::of("tenant"), &key)?;
        let runs = Arc::clone(&self.runs);
        let counted = move |claim| {
            runs.fetch_add(1, Ordering::SeqCst);
            handler(claim)
        };
        self.engine
            .run(call, counted, || panic!("no handler here panics"))
            .await
            .map_err(Rejection::from)
    }

    /// Makes a call of a handler with `recover`, whose hook reports `report`.
    pub(crate) async fn call_recoverable(
        &self,
        policy: &'static Policy,
        report: Recovery<&'static str>,
        reply: &'static str,
    ) -> Result {
        self.run_recoverable(policy, report, success(reply)).await
    }

    /// Makes a call of a handler with `recover` that fails and may have had an effect.
    pub(crate) async fn call_ambiguous(
        &self,
        policy: &'static Policy,
        reply: &'static str,
    ) -> Result {
        let failed = with_outcome(reply, Outcome::Ambiguous);
        self.run_recoverable(policy, Recovery::Inconclusive, failed).await
    }

    async fn run_recoverable(
        &self,
        policy: &'static Policy,
        report: Recovery<&'static str>,
        ended: Executed<&'static str>,
    ) -> Result {
        let key = IdempotencyKey::new("key").unwrap();
        let call = self.engine.call(policy, &["test"], Scope::of("tenant"), &key)?;
        let (runs, hooks) = (Arc::clone(&self.runs), Arc::clone(&self.hooks));
        let hook = move |()| async move {
            hooks.fetch_add(1, Ordering::SeqCst);
            ((), report.map(success))
        };
        let handler = move |()| async move {
            runs.fetch_add(1, Ordering::SeqCst);
            ended
        };
        let on_panic = || panic!("no handler here panics");
        self.engine
            .run_recoverable(call, (), hook, handler, on_panic)
            .await
            .map_err(Rejection::from)
    }

    /// The number of times that a hook was asked.
    pub(crate) fn hooks(&self) -> u32 {
        self.hooks.load(Ordering::SeqCst)
    }

    /// Asserts that the key is new, by running a handler under it.
    pub(crate) async fn assert_free(&self) {
        let runs = self.runs();
        let served = self.call_with(&AT_MOST_ONCE, |claim| async move {
            assert_eq!(claim.attempt, 1);
            success("free")
        });
        assert_eq!(executed(served.await), "free");
        assert_eq!(self.runs(), runs + 1);
    }

    /// Asserts that a duplicate gets `reply` without a run.
    pub(crate) async fn assert_replays(&self, reply: &'static str) {
        let runs = self.runs();
        assert_eq!(replayed(self.call(&AT_MOST_ONCE, "a second run").await), response(reply));
        assert_eq!(self.runs(), runs);
    }
}

/// The store timeout of the engines in front of a silent store.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Waits for an event, and fails instead of hanging if it does not happen.
pub(crate) async fn soon<T>(wait: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), wait).await.expect("the event did not happen within 20 s")
}

/// Runs `work` on its own runtime and ends its background tasks afterwards.
pub(crate) fn in_a_process<F: Future<Output = ()>>(work: impl FnOnce() -> F) {
    let runtime: Runtime =
        Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(work());
    runtime.shutdown_background();
}

pub(crate) fn response(body: &'static str) -> StoredResponse {
    StoredResponse::new(200, Headers::default(), Bytes::from_static(body.as_bytes()))
}

pub(crate) fn success(reply: &'static str) -> Executed<&'static str> {
    with_outcome(reply, Outcome::Final)
}

fn with_outcome(reply: &'static str, outcome: Outcome) -> Executed<&'static str> {
    Executed::new(reply, outcome, Completion::Response(response(reply)))
}

/// The result of a handler that ended before any effect.
pub(crate) fn not_executed(reply: &'static str) -> Executed<&'static str> {
    with_outcome(reply, Outcome::NotExecuted)
}

pub(crate) fn executed(served: Result) -> &'static str {
    match served {
        Ok(Served::Executed(reply)) => reply,
        other => panic!("expected the reply of the handler, got {other:?}"),
    }
}

pub(crate) fn replayed(served: Result) -> StoredResponse {
    match served {
        Ok(Served::Replayed(response)) => response,
        other => panic!("expected the stored response, got {other:?}"),
    }
}

macro_rules! assert_rejected {
    ($served:expr, $rejection:pat) => {
        match $served {
            Err($rejection) => {}
            other => panic!("expected Err({}), got {other:?}", stringify!($rejection)),
        }
    };
}
pub(crate) use assert_rejected;
