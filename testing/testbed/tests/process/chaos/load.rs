//! Clients that pay continuously and disconnect at random times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::fleet::Current;
use crate::support::{Problem, Program, Request, Response, Server};

const CLIENTS: usize = 8;

/// The prefix of the notes of transactions.
pub(super) const TRANSACTIONS: &str = "tx-payments";

/// The running clients.
pub(super) struct Load {
    clients: JoinSet<Vec<Request>>,
    shared: Arc<Shared>,
}

struct Shared {
    stopped: AtomicBool,
    requests: AtomicUsize,
    /// The number of responses of this build's processes with an internal error of idem.
    errors: AtomicUsize,
    servers: Arc<Current>,
    routes: &'static [&'static str],
}

impl Load {
    pub(super) fn start(seed: u64, routes: &'static [&'static str], servers: Arc<Current>) -> Self {
        let shared = Arc::new(Shared {
            stopped: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
            errors: AtomicUsize::new(0),
            servers,
            routes,
        });
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let rng = StdRng::seed_from_u64(seed.wrapping_add(1 + client as u64));
            clients.spawn(pays(client, rng, Arc::clone(&shared)));
        }
        Self { clients, shared }
    }

    /// Stops the clients. Returns their payments, the number of requests, and of internal errors.
    pub(super) async fn stop(self) -> (Vec<Request>, usize, usize) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let keys = self.clients.join_all().await.into_iter().flatten().collect();
        let count = |of: &AtomicUsize| of.load(Ordering::SeqCst);
        (keys, count(&self.shared.requests), count(&self.shared.errors))
    }
}

/// The time after which a client turns to its next payment. A killed run of `/acted` blocks its key for 30 s.
const PAYMENT_TIMEOUT: Duration = Duration::from_secs(3);

/// Sends each payment until it is settled, or for `PAYMENT_TIMEOUT`.
async fn pays(client: usize, mut rng: StdRng, shared: Arc<Shared>) -> Vec<Request> {
    let mut keys = Vec::new();
    while !shared.stopped.load(Ordering::SeqCst) {
        let route = shared.routes.choose(&mut rng).expect("the list is not empty");
        let key = format!("{route}-{client}-{}", keys.len());
        let script = script(route, &mut rng);
        let pay = shared.pick(&mut rng).pay_with(&format!("/{route}"), &key, &script);
        keys.push(pay.clone());
        let started = Instant::now();
        while !shared.stopped.load(Ordering::SeqCst) && started.elapsed() < PAYMENT_TIMEOUT {
            shared.requests.fetch_add(1, Ordering::SeqCst);
            let server = shared.pick(&mut rng);
            let response = pay.to(&server).send_within(response_limit(&mut rng)).await;
            sleep(Duration::from_millis(rng.random_range(0..40))).await;
            let Some(response) = response else { continue };
            let is_current = matches!(server.program, Program::Current(_));
            if is_current && response.is(Problem::InternalError) {
                shared.errors.fetch_add(1, Ordering::SeqCst);
            }
            if settled(&response) {
                break;
            }
        }
    }
    keys
}

/// A handler of `/acted` takes a downstream key or confirms its claim, and half of the time it fails after its effect.
fn script(route: &str, rng: &mut StdRng) -> Value {
    let mut script = json!({ "delay_ms": rng.random_range(0..100) });
    if route == "acted" {
        script["act"] = if rng.random() { "downstream" } else { "confirm" }.into();
        script["status"] = if rng.random() { 503 } else { 201 }.into();
    }
    script
}

/// One client in eight disconnects soon. All others disconnect after 5 s, because a paused server does not reply.
fn response_limit(rng: &mut StdRng) -> Duration {
    let soon = rng.random_range(0..8) == 0;
    Duration::from_millis(if soon { rng.random_range(0..100) } else { 5000 })
}

pub(super) fn settled(response: &Response) -> bool {
    accepted(response) || response.is_unknown_for_good()
}

/// Whether the response is the accepted result of a handler. A stored failure of `/acted` is one too.
pub(super) fn accepted(response: &Response) -> bool {
    response.status == 201 || (response.status == 503 && response.is_replay())
}

impl Shared {
    fn pick(&self, rng: &mut StdRng) -> Arc<Server> {
        let servers = self.servers.borrow();
        Arc::clone(servers.choose(rng).expect("the list is not empty"))
    }
}
