//! A running app, and the tools that a scenario uses on it.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use idem_core::store::Changed;
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, HealthIssue, IdempotencyStore,
    RecordId, StoreFuture, Update,
};
use idem_core::{Drained, Idempotency, IdempotencyBuilder, MemoryStore};
use reqwest::redirect;
use tokio::sync::oneshot;

use super::client::{Closing, Request, Response, client};
use super::ends::Ends;
use crate::app::{Counts, MAX_RESPONSE, MemoryLedger, Service};
use idem_conformance::{FaultStore, Faults, Pending};

/// The time limit of store calls. Longer than a busy server needs.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(60);

/// A serving app, as returned by the start function of an adapter.
pub struct Listening {
    /// The address of the app.
    pub address: SocketAddr,
    /// Shuts the app down as the documentation of the adapter describes, and awaits the drain.
    pub shut_down: ShutDown,
    /// The ways of disconnecting that make this framework drop its handler.
    pub drops_on: &'static [Closing],
}

/// The type of [`Listening::shut_down`]. The argument is the drain of the active runs.
pub type ShutDown = Box<dyn FnOnce(BoxFuture<'static, ()>) -> BoxFuture<'static, ()> + Send>;

type Start = Arc<dyn Fn(Idempotency, Service) -> BoxFuture<'static, Listening> + Send + Sync>;

/// The store of a server.
#[derive(Clone, Copy, Debug)]
pub enum Store {
    /// The memory store. Its replies are ready immediately.
    Local,
    /// The memory store behind [`Pending`]. Its replies arrive later, as over a network.
    Remote,
    /// A store of the test.
    External(fn() -> BoxFuture<'static, Records>),
}

/// The records that all processes of one service share, and their clock.
#[derive(Clone)]
pub struct Records {
    store: Arc<dyn IdempotencyStore>,
    advance_clock: Arc<dyn Fn(Duration) + Send + Sync>,
    ends: Ends,
}

impl Records {
    /// The records in `store`. `advance_clock` moves its clock forward.
    pub fn new(
        store: impl IdempotencyStore,
        advance_clock: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        Self {
            store: Arc::new(store),
            advance_clock: Arc::new(advance_clock),
            ends: Ends::default(),
        }
    }

    fn in_memory(records: MemoryStore) -> Self {
        Self::new(records.clone(), move |by| records.advance_clock(by))
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Records").field(&self.store).finish()
    }
}

/// A running app with fresh state.
pub struct Server {
    listening: Listening,
    start: Start,
    client: reqwest::Client,
    store: Store,
    records: Records,
    /// Injects faults into the store and counts its calls.
    pub faults: Faults,
    /// The handle that the handlers use.
    pub idempotency: Idempotency,
    /// The service behind the handlers.
    pub service: Service,
    /// The handler entries and effects.
    pub ledger: MemoryLedger,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address()).finish_non_exhaustive()
    }
}

impl Server {
    pub(super) async fn new<S, F>(start: S, store: Store) -> Self
    where
        S: Fn(Idempotency, Service) -> F + Send + Sync + 'static,
        F: Future<Output = Listening> + Send + 'static,
    {
        let start: Start =
            Arc::new(move |idempotency, service| start(idempotency, service).boxed());
        let records = fresh(store).await;
        Self::start(start, store, records, |builder| builder).await
    }

    async fn start(
        start: Start,
        store: Store,
        records: Records,
        build: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
    ) -> Self {
        let (builder, faults) = match store {
            Store::Local | Store::External(_) => faulty(Shared(records.clone())),
            Store::Remote => faulty(Pending::new(Shared(records.clone()))),
        };
        let builder = builder.max_response(MAX_RESPONSE).problem_base("https://problems.test/");
        let builder = builder.store_timeout(STORE_TIMEOUT);
        let idempotency = build(builder).build();
        let ledger = MemoryLedger::default();
        let service = Service::new(ledger.clone());
        let listening = start(idempotency.clone(), service.clone()).await;
        let client = client().redirect(redirect::Policy::none());
        let client = client.build().expect("a client without TLS");
        Self { listening, start, client, store, records, faults, idempotency, service, ledger }
    }

    /// Starts another server of the same app with a changed configuration, over `records`.
    pub async fn another(
        &self,
        records: MemoryStore,
        build: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
    ) -> Self {
        Self::start(Arc::clone(&self.start), self.store, Records::in_memory(records), build).await
    }

    /// Starts another server with a changed configuration, over its own records.
    pub async fn with(&self, build: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder) -> Self {
        Self::start(Arc::clone(&self.start), self.store, fresh(self.store).await, build).await
    }

    /// Starts another process of the service, over the same records.
    pub async fn sibling(&self) -> Self {
        let records = self.records.clone();
        Self::start(Arc::clone(&self.start), self.store, records, |builder| builder).await
    }

    /// Shuts the server down gracefully, and waits up to `deadline` for its runs.
    pub async fn shut_down(self, deadline: Duration) -> Drained {
        let (drained, result) = oneshot::channel();
        let drain = async move {
            let result = self.idempotency.drain(deadline).await;
            drained.send(result).expect("the receiver is awaited below");
        };
        (self.listening.shut_down)(drain.boxed()).await;
        result.await.expect("the adapter drains")
    }

    /// Returns the address of the server.
    pub fn address(&self) -> SocketAddr {
        self.listening.address
    }

    /// Returns whether the framework drops its handler when a client disconnects in this way.
    pub fn drops_on(&self, closing: Closing) -> bool {
        self.listening.drops_on.contains(&closing)
    }

    /// Returns a request by `alice`, who may pay, without a key.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let request = Request::new(self.client.clone(), self.address(), method, path);
        request.after(self.records.ends.clone())
    }

    /// Returns a POST request by `alice` with a plain order.
    pub fn order(&self, path: &str, note: &str) -> Request {
        self.request("POST", path).order(note)
    }

    /// Moves the clock of the store forward.
    pub fn advance_clock(&self, by: Duration) {
        (self.records.advance_clock)(by);
    }

    /// Asserts the number of runs under `note`, each of which reached its effect.
    #[track_caller]
    pub fn assert_runs(&self, note: &str, runs: u64) {
        self.assert_counts(note, Counts { attempts: runs, effects: runs, hooks: 0 });
    }

    /// Asserts the counts of `note`.
    #[track_caller]
    pub fn assert_counts(&self, note: &str, expected: Counts) {
        assert_eq!(self.ledger.counts(note), expected, "{note}");
    }

    /// Sends a request and asserts that it makes no store call.
    pub async fn untouched(&self, request: &Request) -> Response {
        let before = self.faults.calls();
        let response = request.send().await;
        assert_eq!(self.faults.calls(), before, "{request:?} made a store call");
        response
    }
}

fn faulty(store: impl IdempotencyStore) -> (IdempotencyBuilder, Faults) {
    let (store, faults) = FaultStore::new(store);
    (Idempotency::builder(store), faults)
}

async fn fresh(store: Store) -> Records {
    match store {
        Store::Local | Store::Remote => Records::in_memory(MemoryStore::new()),
        Store::External(records) => records().await,
    }
}

/// Passes the calls on, without transactions.
#[derive(Debug)]
struct Shared(Records);

impl IdempotencyStore for Shared {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        self.0.store.claim(id, request)
    }

    fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.0.store.renew(claim, lease, hold)
    }

    fn resume_run(&self, claim: Claim, lease: Duration, hold: Duration) -> StoreFuture<Update> {
        self.0.store.resume_run(claim, lease, hold)
    }

    fn complete(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> StoreFuture<Update> {
        self.0.ends.track(self.0.store.complete(claim, completion, retention))
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.0.ends.track(self.0.store.release(claim))
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.0.store.abandon(id, nonce)
    }

    fn changed(&self, id: RecordId) -> Changed {
        self.0.store.changed(id)
    }

    fn check(&self) -> StoreFuture<Vec<HealthIssue>> {
        self.0.store.check()
    }

    fn name(&self) -> &'static str {
        self.0.store.name()
    }
}
