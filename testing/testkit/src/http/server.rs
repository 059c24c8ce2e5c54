//! A scenario app that serves, and what a scenario needs around it.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use idem_core::store::Changed;
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, IdempotencyStore, RecordId,
    StoreFuture, Update,
};
use idem_core::{Drained, Idempotency, IdempotencyBuilder, MemoryStore};
use reqwest::redirect;
use tokio::sync::oneshot;

use super::app::{MAX_RESPONSE, Payments, Tally};
use super::client::{Closing, Request, Response};
use idem_conformance::{FaultStore, Faults, Pending};

/// What an adapter's start function gives back: its app serves on a port of this machine.
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    /// Shuts down as the adapter's documentation says, awaiting the drain when that is due.
    pub shut_down: ShutDown,
    /// Which ways for a client to leave make this framework drop its handler.
    pub drops_on: &'static [Closing],
}

/// See [`Listening::shut_down`]. It is given the drain of the app's runs.
pub type ShutDown = Box<dyn FnOnce(BoxFuture<'static, ()>) -> BoxFuture<'static, ()> + Send>;

type Start = Arc<dyn Fn(Idempotency, Payments) -> BoxFuture<'static, Listening> + Send + Sync>;

/// How the store of a server answers.
#[derive(Clone, Copy, Debug)]
pub enum Store {
    /// At once, as in the same process.
    Local,
    /// After a while, as over a network.
    Remote,
    /// As a store of the test's own does.
    Outside(fn() -> BoxFuture<'static, Records>),
}

/// The records that processes of one service share.
#[derive(Clone)]
pub struct Records {
    store: Arc<dyn IdempotencyStore>,
    advance_clock: Arc<dyn Fn(Duration) + Send + Sync>,
}

impl Records {
    /// Those in `store`, whose clock `advance_clock` moves forward.
    pub fn new(
        store: impl IdempotencyStore,
        advance_clock: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        Self { store: Arc::new(store), advance_clock: Arc::new(advance_clock) }
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

/// A running scenario app with a fresh state.
pub struct Server {
    listening: Listening,
    start: Start,
    client: reqwest::Client,
    store: Store,
    records: Records,
    /// What goes wrong in the store, and what was asked of it.
    pub faults: Faults,
    /// The handle that the app's handlers use.
    pub idempotency: Idempotency,
    /// The service behind the handlers.
    pub payments: Payments,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address()).finish_non_exhaustive()
    }
}

impl Server {
    pub(super) async fn new<S, F>(start: S, store: Store) -> Self
    where
        S: Fn(Idempotency, Payments) -> F + Send + Sync + 'static,
        F: Future<Output = Listening> + Send + 'static,
    {
        let start: Start =
            Arc::new(move |idempotency, payments| start(idempotency, payments).boxed());
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
            Store::Local | Store::Outside(_) => faulty(Shared(Arc::clone(&records.store))),
            Store::Remote => faulty(Pending::new(Shared(Arc::clone(&records.store)))),
        };
        let builder = builder.max_response(MAX_RESPONSE).problem_base("https://problems.test/");
        let idempotency = build(builder).build();
        let payments = Payments::default();
        let listening = start(idempotency.clone(), payments.clone()).await;
        let client = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none());
        let client = client.build().expect("no TLS, nothing to fail");
        Self { listening, start, client, store, records, faults, idempotency, payments }
    }

    /// Another server of the same app, over records in memory, that differs by `build`.
    pub async fn another(
        &self,
        records: MemoryStore,
        build: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
    ) -> Self {
        Self::start(Arc::clone(&self.start), self.store, Records::in_memory(records), build).await
    }

    /// Another server that differs by `build`, over records of its own.
    pub async fn with(&self, build: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder) -> Self {
        Self::start(Arc::clone(&self.start), self.store, fresh(self.store).await, build).await
    }

    /// Another process of the service: another server over the same records.
    pub async fn sibling(&self) -> Self {
        let records = self.records.clone();
        Self::start(Arc::clone(&self.start), self.store, records, |builder| builder).await
    }

    /// Ends the server as its process would end, waiting no longer than `deadline` for its runs.
    pub async fn shut_down(self, deadline: Duration) -> Drained {
        let (drained, result) = oneshot::channel();
        let drain = async move {
            let result = self.idempotency.drain(deadline).await;
            drained.send(result).expect("whoever asked waits for it");
        };
        (self.listening.shut_down)(drain.boxed()).await;
        result.await.expect("the adapter drains")
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.listening.address
    }

    /// Whether the framework drops its handler when a client leaves so.
    pub fn drops_on(&self, closing: Closing) -> bool {
        self.listening.drops_on.contains(&closing)
    }

    /// A request by alice, who may pay, without a key.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self.client.clone(), self.address(), method, path)
    }

    /// A POST by alice of a plain order.
    pub fn order(&self, path: &str, note: &str) -> Request {
        self.request("POST", path).order(note)
    }

    /// Moves the clock of the store forward.
    pub fn advance_clock(&self, by: Duration) {
        (self.records.advance_clock)(by);
    }

    /// Asserts that handlers ran so often under `note`, each to its effect.
    #[track_caller]
    pub fn assert_runs(&self, note: &str, runs: u64) {
        assert_eq!(self.payments.tally_of(note), Tally { attempts: runs, effects: runs }, "{note}");
    }

    /// Sends a request that must be refused before the store is asked.
    pub async fn untouched(&self, request: &Request) -> Response {
        let before = self.faults.calls();
        let answer = request.send().await;
        assert_eq!(self.faults.calls(), before, "the store was asked for {request:?}");
        answer
    }
}

fn faulty(store: impl IdempotencyStore) -> (IdempotencyBuilder, Faults) {
    let (store, faults) = FaultStore::new(store);
    (Idempotency::builder(store), faults)
}

async fn fresh(store: Store) -> Records {
    match store {
        Store::Local | Store::Remote => Records::in_memory(MemoryStore::new()),
        Store::Outside(records) => records().await,
    }
}

/// A store of any kind, as one kind.
#[derive(Debug)]
struct Shared(Arc<dyn IdempotencyStore>);

impl IdempotencyStore for Shared {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        self.0.claim(id, request)
    }

    fn renew(&self, claim: Claim, lease: Duration, ttl: Duration) -> StoreFuture<Update> {
        self.0.renew(claim, lease, ttl)
    }

    fn complete(&self, claim: Claim, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        self.0.complete(claim, completion, ttl)
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        self.0.release(claim)
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        self.0.abandon(id, nonce)
    }

    fn changed(&self, id: RecordId) -> Changed {
        self.0.changed(id)
    }
}
