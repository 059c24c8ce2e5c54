//! The processes and what befalls them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use idem_testkit::servers::{Proxy, Replies};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::support::{Bed, Framework, OwnServer, Request, Server, proxy_before};

/// Whom the clients talk to: servers come and go.
pub(super) type Current = watch::Sender<Vec<Arc<Server>>>;

/// See the module.
pub(super) struct Fleet<'a> {
    bed: &'a Bed,
    store: Option<OwnServer>,
    places: Vec<Place>,
    servers: Arc<Current>,
    befell: BTreeMap<&'static str, u32>,
    drained: Vec<JoinHandle<Option<i32>>>,
}

/// Where one process after another stands, each before its way to the store.
struct Place {
    framework: Framework,
    proxy: Option<Proxy>,
    url: String,
}

/// Longer than a process takes to give its drain up.
const DRAIN: Duration = Duration::from_secs(60);

/// What can happen to a process that keeps its records in itself.
const ALONE: [&str; 1] = ["process paused"];

/// What can happen to processes that share a store.
const SHARING: [&str; 9] = [
    "process killed",
    "process drained",
    "process paused",
    "store paused",
    "store killed",
    "connections cut",
    "replies lost",
    "replies late",
    "store unreachable",
];

impl<'a> Fleet<'a> {
    /// Starts a process of each framework, on one store that is their own.
    pub(super) async fn start(bed: &'a Bed, frameworks: &[Framework]) -> Self {
        let store = (!bed.in_memory()).then(|| OwnServer::start(bed.store));
        let mut places = Vec::new();
        for &framework in frameworks {
            places.push(match &store {
                None => Place { framework, proxy: None, url: bed.url() },
                Some(store) => {
                    let (proxy, url) = proxy_before(store.port(), &store.url()).await;
                    Place { framework, proxy: Some(proxy), url }
                }
            });
        }
        let servers = Arc::new(Current::default());
        let fleet =
            Self { bed, store, places, servers, befell: BTreeMap::new(), drained: Vec::new() };
        for place in 0..fleet.places.len() {
            let server = Arc::new(fleet.server(place).await);
            fleet.servers.send_modify(|servers| servers.push(server));
        }
        fleet
    }

    pub(super) fn servers(&self) -> Arc<Current> {
        Arc::clone(&self.servers)
    }

    /// A request where it can be answered now.
    pub(super) fn reach(&self, request: &Request) -> Request {
        request.to(&self.servers.borrow()[0])
    }

    /// Waits for the processes that were asked to end: they do, by themselves.
    pub(super) async fn drained(&mut self) {
        for ended in self.drained.drain(..) {
            let ended = tokio::time::timeout(DRAIN, ended).await;
            let code = ended.expect("a drained process does not end").unwrap();
            // 3: the store was down until the drain gave up.
            assert!(matches!(code, Some(0 | 3)), "a drained process ended with {code:?}");
        }
    }

    /// How often what happened.
    pub(super) fn counts(&self) -> String {
        let counts = self.befell.iter().map(|(what, times)| format!("{what} {times}"));
        counts.collect::<Vec<_>>().join(", ")
    }

    async fn server(&self, place: usize) -> Server {
        let Place { framework, url, .. } = &self.places[place];
        // Transactions have their effect beside the records; the way there is not disturbed.
        let ledger = self.store.as_ref().map_or_else(|| self.bed.url(), OwnServer::url);
        self.bed.start_of(*framework, url, &["--ledger", &ledger], &[]).await
    }

    /// Something goes wrong somewhere, and is well again when this returns.
    pub(super) async fn fault(&mut self, rng: &mut StdRng) {
        let known: &[_] = if self.store.is_some() { &SHARING } else { &ALONE };
        let what = *known.choose(rng).expect("there are some");
        *self.befell.entry(what).or_default() += 1;
        let place = rng.random_range(0..self.places.len());
        let while_it_lasts = Duration::from_millis(rng.random_range(100..2000));
        let server = Arc::clone(&self.servers.borrow()[place]);
        match what {
            "process killed" => {
                server.kill_now();
                self.replace(place).await;
            }
            "process drained" => {
                server.terminate();
                self.drained.push(tokio::spawn(async move { server.ended().await.code() }));
                self.replace(place).await;
            }
            "process paused" => {
                server.pause();
                sleep(while_it_lasts).await;
                server.resume();
            }
            _ => self.store_fault(what, place, while_it_lasts).await,
        }
    }

    async fn store_fault(&mut self, what: &str, place: usize, while_it_lasts: Duration) {
        let (Some(store), Some(proxy)) = (&mut self.store, &self.places[place].proxy) else {
            return;
        };
        match what {
            "store paused" => {
                store.pause();
                sleep(while_it_lasts).await;
                store.resume();
            }
            "store killed" => store.restart(),
            "connections cut" => proxy.cut(),
            "replies lost" => {
                proxy.replies(Replies::Swallow);
                sleep(while_it_lasts).await;
                proxy.replies(Replies::Pass);
                proxy.cut();
            }
            "replies late" => {
                proxy.replies(Replies::Delay(while_it_lasts / 10));
                sleep(while_it_lasts).await;
                proxy.replies(Replies::Pass);
            }
            _ => {
                // Nothing listens there.
                proxy.lead_to(1);
                sleep(while_it_lasts).await;
                proxy.lead_to(store.port());
            }
        }
    }

    /// Puts a new process in the place of one that ends.
    async fn replace(&self, place: usize) {
        let server = Arc::new(self.server(place).await);
        self.servers.send_modify(|servers| servers[place] = server);
    }
}
