//! The processes and their faults.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use idem_testkit::servers::{Proxy, Replies};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::support::{Program, Request, Server, Store, StoreServer, TestEnv, proxy_before};

/// The servers that clients can reach at the moment.
pub(super) type Current = watch::Sender<Vec<Arc<Server>>>;

/// A group of processes that share a store.
pub(super) struct Fleet<'a> {
    env: &'a TestEnv,
    store: Option<StoreServer>,
    slots: Vec<Slot>,
    servers: Arc<Current>,
    occurrences: BTreeMap<&'static str, u32>,
    drained: Vec<JoinHandle<Option<i32>>>,
}

/// A slot for one process at a time, with its path to the store.
struct Slot {
    program: Program,
    proxy: Option<Proxy>,
    url: String,
}

/// Longer than the drain deadline of a process.
const DRAIN_LIMIT: Duration = Duration::from_secs(60);

/// The duration of a fault, in milliseconds: up to more than a lease, and less than the lease and the settle time of
/// `/recover` together. A run that is paused for longer can have its effect after the hook reported that there was none.
const FAULT_MS: Range<u64> = 100..1500;

/// The faults of a process with a memory store.
const ALONE: [&str; 1] = ["process paused"];

/// The faults of processes that share a file.
const SHARING_A_FILE: [&str; 3] = ["process killed", "process drained", "process paused"];

/// The faults of processes that share a store server.
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
    /// Starts a process of each program on a separate store. An earlier program is started before the current ones, since
    /// they migrate the store.
    pub(super) async fn start(env: &'a TestEnv, programs: &[Program]) -> Self {
        let store = env.has_server().then(|| StoreServer::start(env.store));
        let mut slots = Vec::new();
        for program in programs.iter().cloned() {
            slots.push(match &store {
                None => Slot { program, proxy: None, url: env.url() },
                Some(store) => {
                    let (proxy, url) = proxy_before(store.port(), &store.url()).await;
                    Slot { program, proxy: Some(proxy), url }
                }
            });
        }
        let servers = Arc::new(Current::default());
        let fleet =
            Self { env, store, slots, servers, occurrences: BTreeMap::new(), drained: Vec::new() };
        for slot in (0..fleet.slots.len()).rev() {
            let server = Arc::new(fleet.server(slot).await);
            fleet.servers.send_modify(|servers| servers.insert(0, server));
        }
        fleet
    }

    pub(super) fn servers(&self) -> Arc<Current> {
        Arc::clone(&self.servers)
    }

    /// Directs a request to a running process.
    pub(super) fn reach(&self, request: &Request) -> Request {
        request.to(&self.servers.borrow()[0])
    }

    /// Waits for the drained processes, which must end by themselves.
    pub(super) async fn drained(&mut self) {
        for ended in self.drained.drain(..) {
            let ended = tokio::time::timeout(DRAIN_LIMIT, ended).await;
            let code = ended.expect("a drained process does not end").unwrap();
            // The code is 3 if the store was down until the drain gave up.
            assert!(matches!(code, Some(0 | 3)), "a drained process ended with {code:?}");
        }
    }

    /// Returns the number of occurrences of each fault.
    pub(super) fn counts(&self) -> String {
        let counts = self.occurrences.iter().map(|(what, times)| format!("{what} {times}"));
        counts.collect::<Vec<_>>().join(", ")
    }

    fn is_earlier(&self, slot: usize) -> bool {
        matches!(self.slots[slot].program, Program::Earlier(_))
    }

    async fn server(&self, slot: usize) -> Server {
        let Slot { program, url, .. } = &self.slots[slot];
        // Transactions have their effects next to the records. The path to the ledger is not disturbed.
        let ledger = self.store.as_ref().map_or_else(|| self.env.url(), StoreServer::url);
        self.env.start_of(program, url, &["--ledger", &ledger], &[]).await
    }

    /// Injects a random fault, and returns after it has ended.
    pub(super) async fn fault(&mut self, rng: &mut StdRng) {
        let known: &[_] = match self.env.store {
            Store::Memory => &ALONE,
            Store::Sqlite => &SHARING_A_FILE,
            Store::Redis | Store::Postgres => &SHARING,
        };
        let what = *known.choose(rng).expect("the list is not empty");
        *self.occurrences.entry(what).or_default() += 1;
        let slot = rng.random_range(0..self.slots.len());
        let duration = Duration::from_millis(rng.random_range(FAULT_MS));
        let server = Arc::clone(&self.servers.borrow()[slot]);
        match what {
            // An earlier program could not start again on a migrated store.
            "process killed" | "process drained" if self.is_earlier(slot) => {}
            "process killed" => {
                server.kill_now();
                self.reslot(slot).await;
            }
            "process drained" => {
                server.terminate();
                self.drained.push(tokio::spawn(async move { server.ended().await.code() }));
                self.reslot(slot).await;
            }
            "process paused" => {
                server.pause();
                sleep(duration).await;
                server.resume();
            }
            _ => self.store_fault(what, slot, duration).await,
        }
    }

    async fn store_fault(&mut self, what: &str, slot: usize, duration: Duration) {
        let (Some(store), Some(proxy)) = (&mut self.store, &self.slots[slot].proxy) else {
            return;
        };
        match what {
            "store paused" => {
                store.pause();
                sleep(duration).await;
                store.resume();
            }
            "store killed" => store.restart(),
            "connections cut" => proxy.cut(),
            "replies lost" => {
                proxy.replies(Replies::Swallow);
                sleep(duration).await;
                proxy.replies(Replies::Pass);
                proxy.cut();
            }
            "replies late" => {
                proxy.replies(Replies::Delay(duration / 10));
                sleep(duration).await;
                proxy.replies(Replies::Pass);
            }
            _ => {
                // No server listens on port 1.
                proxy.redirect_to(1);
                sleep(duration).await;
                proxy.redirect_to(store.port());
            }
        }
    }

    /// Replaces a process that has ended.
    async fn reslot(&self, slot: usize) {
        let server = Arc::new(self.server(slot).await);
        self.servers.send_modify(|servers| servers[slot] = server);
    }
}
