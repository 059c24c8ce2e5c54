//! A service with one guarded operation. It counts its runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use bytes::Bytes;
use idem_core::http::{Call, Executed, Scope, Served};
use idem_core::store::{Claim, Completion, Headers, IdempotencyStore, StoredResponse};
use idem_core::{Execution, Idempotency, IdempotencyKey, Outcome, Policy, Recovery, Refusal};

use super::HUGE;
use super::watchdog::watched;

/// One process of the service.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) idempotency: Idempotency,
    counter: Arc<RunCounter>,
}

/// Counts the runs of all processes of the service.
#[derive(Default)]
struct RunCounter {
    runs: AtomicUsize,
    last_attempt: AtomicU32,
}

impl Service {
    pub(crate) fn new(store: impl IdempotencyStore) -> Self {
        Self::with(idempotency(store))
    }

    pub(crate) fn with(idempotency: Idempotency) -> Self {
        Self { idempotency, counter: Arc::default() }
    }

    /// Another process of the same service. Both share the counter.
    pub(crate) fn another_process(&self, store: impl IdempotencyStore) -> Self {
        Self { idempotency: idempotency(store), counter: Arc::clone(&self.counter) }
    }

    /// The number of handlers that were polled.
    pub(crate) fn runs(&self) -> usize {
        self.counter.runs.load(Ordering::SeqCst)
    }

    /// The attempt of the last handler that was polled.
    pub(crate) fn attempt(&self) -> u32 {
        self.counter.last_attempt.load(Ordering::SeqCst)
    }

    pub(crate) fn call(&self, policy: &'static Policy, key: &str) -> Call {
        self.call_in(Scope::global(), policy, key)
    }

    /// A request in a scope.
    pub(crate) fn call_in(&self, scope: Scope, policy: &'static Policy, key: &str) -> Call {
        let key = IdempotencyKey::new(key).unwrap();
        self.idempotency.call(policy, &["POST", "/payments"], scope, &key).unwrap()
    }

    /// Sends a request with the key `key`.
    pub(crate) async fn send<H>(&self, policy: &'static Policy, key: &str, handler: H) -> Response
    where
        H: Future<Output = Executed<String>> + Send + 'static,
    {
        self.run(self.call(policy, key), handler).await
    }

    pub(crate) async fn run<H>(&self, call: Call, handler: H) -> Response
    where
        H: Future<Output = Executed<String>> + Send + 'static,
    {
        let counter = Arc::clone(&self.counter);
        let running =
            self.idempotency.run(call, |claim| counted(counter, claim, handler), on_panic);
        watched("the response", running).await.into()
    }

    /// Sends a request with the key `key` to a handler with `recover`.
    pub(crate) async fn send_recoverable<K, H>(
        &self,
        policy: &'static Policy,
        hook: K,
        handler: H,
    ) -> Response
    where
        K: Future<Output = Recovery<Executed<String>>> + Send + 'static,
        H: Future<Output = Executed<String>> + Send + 'static,
    {
        self.run_recoverable(self.call(policy, "key"), hook, handler).await
    }

    pub(crate) async fn run_recoverable<K, H>(&self, call: Call, hook: K, handler: H) -> Response
    where
        K: Future<Output = Recovery<Executed<String>>> + Send + 'static,
        H: Future<Output = Executed<String>> + Send + 'static,
    {
        let counter = Arc::clone(&self.counter);
        let hook = |()| async { ((), hook.await) };
        let handler = |()| async move {
            counter.runs.fetch_add(1, Ordering::SeqCst);
            counter.last_attempt.store(Execution::current().attempt(), Ordering::SeqCst);
            handler.await
        };
        let running = self.idempotency.run_recoverable(call, (), hook, handler, on_panic);
        watched("the response", running).await.into()
    }

    pub(crate) async fn run_local<H>(&self, call: Call, handler: H) -> Response
    where
        H: Future<Output = Executed<String>> + 'static,
    {
        let counter = Arc::clone(&self.counter);
        let running =
            self.idempotency.run_local(call, |claim| counted(counter, claim, handler), on_panic);
        watched("the response", running).await.into()
    }

    /// Sends a request in a separate task.
    pub(crate) fn spawn<H>(
        &self,
        policy: &'static Policy,
        key: &str,
        handler: H,
    ) -> tokio::task::JoinHandle<Response>
    where
        H: Future<Output = Executed<String>> + Send + 'static,
    {
        let (service, call) = (self.clone(), self.call(policy, key));
        tokio::spawn(async move { service.run(call, handler).await })
    }
}

/// A handle with a store timeout that a busy machine does not reach.
fn idempotency(store: impl IdempotencyStore) -> Idempotency {
    Idempotency::builder(store).store_timeout(HUGE).build()
}

async fn counted<H: Future>(counter: Arc<RunCounter>, claim: Claim, handler: H) -> H::Output {
    counter.runs.fetch_add(1, Ordering::SeqCst);
    counter.last_attempt.store(claim.attempt, Ordering::SeqCst);
    handler.await
}

fn on_panic() -> Executed<String> {
    executed("panicked", Outcome::Ambiguous, 500)
}

fn executed(body: &'static str, outcome: Outcome, status: u16) -> Executed<String> {
    Executed::new(body.to_owned(), outcome, Completion::Response(response(status, body)))
}

fn response(status: u16, body: &'static str) -> StoredResponse {
    StoredResponse::new(status, Headers::default(), Bytes::from_static(body.as_bytes()))
}

/// A handler that responds with status 200 and `body`.
pub(crate) async fn done(body: &'static str) -> Executed<String> {
    executed(body, Outcome::Final, 200)
}

/// A handler that refuses the request before it has an effect.
pub(crate) async fn not_executed(body: &'static str) -> Executed<String> {
    executed(body, Outcome::NotExecuted, 429)
}

/// A handler that fails and may have had an effect.
pub(crate) async fn ambiguous(body: &'static str) -> Executed<String> {
    executed(body, Outcome::Ambiguous, 502)
}

/// A handler that panics after its first await.
pub(crate) async fn panicking() -> Executed<String> {
    tokio::task::yield_now().await;
    panic!("injected")
}

/// The response that a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    Ran(String),
    Replayed(u16, String),
    Rejected(String),
}

impl From<Result<Served<String>, Refusal>> for Response {
    fn from(served: Result<Served<String>, Refusal>) -> Self {
        match served {
            Ok(Served::Executed(reply)) => Self::Ran(reply),
            Ok(Served::Replayed(response)) => Self::Replayed(
                response.status,
                String::from_utf8_lossy(&response.body).into_owned(),
            ),
            Err(refusal) => Self::Rejected(format!("{:?}", refusal.rejection)),
        }
    }
}

pub(crate) fn ran(body: &str) -> Response {
    Response::Ran(body.to_owned())
}

pub(crate) fn replayed(body: &str) -> Response {
    Response::Replayed(200, body.to_owned())
}

/// A refusal. `rejection` is the `Debug` form of the [`Rejection`].
pub(crate) fn refused(rejection: &str) -> Response {
    Response::Rejected(rejection.to_owned())
}
