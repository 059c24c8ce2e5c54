//! Clients that pay continuously and disconnect at random times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::fleet::Current;
use crate::support::{Problem, Request, Response, Server, Store};

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
    servers: Arc<Current>,
    routes: &'static [&'static str],
}

impl Load {
    pub(super) fn start(seed: u64, store: Store, servers: Arc<Current>) -> Self {
        let shared = Arc::new(Shared {
            stopped: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
            servers,
            routes: match store {
                Store::Postgres => &["hold", "takeover", TRANSACTIONS],
                _ => &["hold", "takeover"],
            },
        });
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let rng = StdRng::seed_from_u64(seed.wrapping_add(1 + client as u64));
            clients.spawn(pays(client, rng, Arc::clone(&shared)));
        }
        Self { clients, shared }
    }

    /// Stops the clients. Returns their payments and the number of requests.
    pub(super) async fn stop(self) -> (Vec<Request>, usize) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let keys = self.clients.join_all().await.into_iter().flatten().collect();
        (keys, self.shared.requests.load(Ordering::SeqCst))
    }
}

/// Sends each payment until it is settled.
async fn pays(client: usize, mut rng: StdRng, shared: Arc<Shared>) -> Vec<Request> {
    let mut keys = Vec::new();
    while !shared.stopped.load(Ordering::SeqCst) {
        let route = shared.routes.choose(&mut rng).expect("the list is not empty");
        let key = format!("{route}-{client}-{}", keys.len());
        let script = json!({ "delay_ms": rng.random_range(0..100) });
        let pay = shared.pick(&mut rng).pay_with(&format!("/{route}"), &key, &script);
        keys.push(pay.clone());
        while !shared.stopped.load(Ordering::SeqCst) {
            shared.requests.fetch_add(1, Ordering::SeqCst);
            let server = shared.pick(&mut rng);
            let response = pay.to(&server).send_within(response_limit(&mut rng)).await;
            sleep(Duration::from_millis(rng.random_range(0..40))).await;
            if response.is_some_and(|response| settled(&response)) {
                break;
            }
        }
    }
    keys
}

/// One client in eight disconnects soon. All others disconnect after 5 s, because a paused server does not reply.
fn response_limit(rng: &mut StdRng) -> Duration {
    let soon = rng.random_range(0..8) == 0;
    Duration::from_millis(if soon { rng.random_range(0..100) } else { 5000 })
}

pub(super) fn settled(response: &Response) -> bool {
    response.status == 201 || response.is(Problem::OutcomeUnknown)
}

impl Shared {
    fn pick(&self, rng: &mut StdRng) -> Arc<Server> {
        let servers = self.servers.borrow();
        Arc::clone(servers.choose(rng).expect("the list is not empty"))
    }
}
