//! A service with one guarded operation, which counts its runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use bytes::Bytes;
use idem_core::http::{Call, Executed, Scope, Served};
use idem_core::store::{Claim, Completion, Headers, IdempotencyStore, StoredResponse};
use idem_core::{Idempotency, IdempotencyKey, Outcome, Policy, Rejection};

/// One process of the service.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) idempotency: Idempotency,
    ledger: Arc<Ledger>,
}

/// What happened outside the store, over all processes.
#[derive(Default)]
struct Ledger {
    runs: AtomicUsize,
    attempt: AtomicU32,
}

impl Service {
    pub(crate) fn new(store: impl IdempotencyStore) -> Self {
        Self::of(Idempotency::new(store))
    }

    pub(crate) fn of(idempotency: Idempotency) -> Self {
        Self { idempotency, ledger: Arc::default() }
    }

    /// Another process of the same service; runs are counted together.
    pub(crate) fn another(&self, store: impl IdempotencyStore) -> Self {
        Self { idempotency: Idempotency::new(store), ledger: Arc::clone(&self.ledger) }
    }

    /// How many handlers were polled.
    pub(crate) fn runs(&self) -> usize {
        self.ledger.runs.load(Ordering::SeqCst)
    }

    /// Which attempt the last handler was told it is.
    pub(crate) fn attempt(&self) -> u32 {
        self.ledger.attempt.load(Ordering::SeqCst)
    }

    pub(crate) fn call(&self, policy: &'static Policy, key: &str) -> Call {
        let key = IdempotencyKey::new(key).unwrap();
        self.idempotency.call(policy, &["POST", "/payments"], Scope::global(), &key).unwrap()
    }

    /// Sends a request with the key `key`.
    pub(crate) async fn send<H>(&self, policy: &'static Policy, key: &str, handler: H) -> Seen
    where
        H: Future<Output = Executed<String>> + Send + 'static,
    {
        self.answer(self.call(policy, key), handler).await
    }

    pub(crate) async fn answer<H>(&self, call: Call, handler: H) -> Seen
    where
        H: Future<Output = Executed<String>> + Send + 'static,
    {
        let ledger = Arc::clone(&self.ledger);
        self.idempotency.run(call, |claim| counted(ledger, claim, handler), on_panic).await.into()
    }

    pub(crate) async fn answer_local<H>(&self, call: Call, handler: H) -> Seen
    where
        H: Future<Output = Executed<String>> + 'static,
    {
        let ledger = Arc::clone(&self.ledger);
        self.idempotency
            .run_local(call, |claim| counted(ledger, claim, handler), on_panic)
            .await
            .into()
    }

    /// Sends a request on a task of its own.
    pub(crate) fn spawn<H>(
        &self,
        policy: &'static Policy,
        key: &str,
        handler: H,
    ) -> tokio::task::JoinHandle<Seen>
    where
        H: Future<Output = Executed<String>> + Send + 'static,
    {
        let (service, call) = (self.clone(), self.call(policy, key));
        tokio::spawn(async move { service.answer(call, handler).await })
    }
}

async fn counted<H: Future>(ledger: Arc<Ledger>, claim: Claim, handler: H) -> H::Output {
    ledger.runs.fetch_add(1, Ordering::SeqCst);
    ledger.attempt.store(claim.attempt, Ordering::SeqCst);
    handler.await
}

fn on_panic() -> Executed<String> {
    executed("panicked", Outcome::Ambiguous, 500)
}

fn executed(body: &'static str, outcome: Outcome, status: u16) -> Executed<String> {
    Executed {
        reply: body.to_owned(),
        outcome,
        completion: Completion::Response(answer(status, body)),
    }
}

fn answer(status: u16, body: &'static str) -> StoredResponse {
    StoredResponse {
        status,
        headers: Headers::default(),
        body: Bytes::from_static(body.as_bytes()),
    }
}

/// A handler that answers 200 with `body`.
pub(crate) async fn done(body: &'static str) -> Executed<String> {
    executed(body, Outcome::Final, 200)
}

/// A handler that refuses before it does anything.
pub(crate) async fn not_executed(body: &'static str) -> Executed<String> {
    executed(body, Outcome::NotExecuted, 429)
}

/// A handler that fails half-way.
pub(crate) async fn ambiguous(body: &'static str) -> Executed<String> {
    executed(body, Outcome::Ambiguous, 502)
}

/// A handler that dies after it began to wait.
pub(crate) async fn panicking() -> Executed<String> {
    tokio::task::yield_now().await;
    panic!("planted")
}

/// What a client saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Ran(String),
    Replayed(u16, String),
    Rejected(String),
}

impl From<Result<Served<String>, Rejection>> for Seen {
    fn from(served: Result<Served<String>, Rejection>) -> Self {
        match served {
            Ok(Served::Executed(reply)) => Self::Ran(reply),
            Ok(Served::Replayed(answer)) => {
                Self::Replayed(answer.status, String::from_utf8_lossy(&answer.body).into_owned())
            }
            Err(rejection) => Self::Rejected(format!("{rejection:?}")),
        }
    }
}

pub(crate) fn ran(body: &str) -> Seen {
    Seen::Ran(body.to_owned())
}

pub(crate) fn replayed(body: &str) -> Seen {
    Seen::Replayed(200, body.to_owned())
}

/// `rejection` is the name of the variant, as its `Debug` shows it.
pub(crate) fn refused(rejection: &str) -> Seen {
    Seen::Rejected(rejection.to_owned())
}
