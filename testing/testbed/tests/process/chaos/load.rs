//! Clients that pay again and again, and leave when they please.

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

/// What the notes of transactions begin with.
pub(super) const TRANSACTIONS: &str = "tx-payments";

/// Under way until it is stopped.
pub(super) struct Load {
    clients: JoinSet<Vec<Request>>,
    shared: Arc<Shared>,
}

struct Shared {
    over: AtomicBool,
    requests: AtomicUsize,
    servers: Arc<Current>,
    routes: &'static [&'static str],
}

impl Load {
    pub(super) fn start(seed: u64, store: Store, servers: Arc<Current>) -> Self {
        let shared = Arc::new(Shared {
            over: AtomicBool::new(false),
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

    /// Gives all that was paid, and how many requests that took.
    pub(super) async fn stop(self) -> (Vec<Request>, usize) {
        self.shared.over.store(true, Ordering::SeqCst);
        let keys = self.clients.join_all().await.into_iter().flatten().collect();
        (keys, self.shared.requests.load(Ordering::SeqCst))
    }
}

/// Sends each payment until it is settled.
async fn pays(client: usize, mut rng: StdRng, shared: Arc<Shared>) -> Vec<Request> {
    let mut keys = Vec::new();
    while !shared.over.load(Ordering::SeqCst) {
        let route = shared.routes.choose(&mut rng).expect("there are some");
        let key = format!("{route}-{client}-{}", keys.len());
        let sim = json!({ "delay_ms": rng.random_range(0..100) });
        let pay = shared.pick(&mut rng).pay_with(&format!("/{route}"), &key, &sim);
        keys.push(pay.clone());
        while !shared.over.load(Ordering::SeqCst) {
            shared.requests.fetch_add(1, Ordering::SeqCst);
            let server = shared.pick(&mut rng);
            let answer = pay.to(&server).send_within(patience(&mut rng)).await;
            sleep(Duration::from_millis(rng.random_range(0..40))).await;
            if answer.is_some_and(|answer| settled(&answer)) {
                break;
            }
        }
    }
    keys
}

/// One in eight leaves soon. All others leave too, because a paused server never answers.
fn patience(rng: &mut StdRng) -> Duration {
    let soon = rng.random_range(0..8) == 0;
    Duration::from_millis(if soon { rng.random_range(0..100) } else { 5000 })
}

pub(super) fn settled(answer: &Response) -> bool {
    answer.status == 201 || answer.is(Problem::OutcomeUnknown)
}

impl Shared {
    fn pick(&self, rng: &mut StdRng) -> Arc<Server> {
        let servers = self.servers.borrow();
        Arc::clone(servers.choose(rng).expect("there are some"))
    }
}
