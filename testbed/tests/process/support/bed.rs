//! A test's own world: a framework, a store and what happened there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use idem_conformance::servers::{PostgresServer, Proxy, RedisServer};

use super::history::{History, Tally};
use super::server::{self, Server};

/// Which binary is tested.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

/// Where records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Memory,
    Redis,
    Postgres,
}

/// For the tests that do it no harm.
static REDIS: LazyLock<RedisServer> = LazyLock::new(|| RedisServer::start(&[]));
static POSTGRES: LazyLock<PostgresServer> =
    LazyLock::new(|| PostgresServer::start(&["max_connections=500"]));

impl Store {
    pub(crate) fn memory() -> Self {
        Self::Memory
    }

    pub(crate) fn redis() -> Self {
        Self::Redis
    }

    pub(crate) fn postgres() -> Self {
        Self::Postgres
    }
}

/// See the module.
pub(crate) struct Bed {
    framework: Framework,
    pub(crate) store: Store,
    namespace: String,
    directory: PathBuf,
    history: Arc<History>,
}

impl Bed {
    pub(crate) fn new(framework: Framework, store: Store) -> Self {
        let namespace = format!("{:016x}", rand::random::<u64>());
        let directory = std::env::temp_dir().join(format!("idem-testbed-{namespace}"));
        fs::create_dir(&directory).unwrap();
        if store == Store::Postgres {
            POSTGRES.sql(&format!("CREATE DATABASE {}", name(&namespace)));
        }
        Self { framework, store, namespace, directory, history: Arc::default() }
    }

    /// Where the records are, for all processes.
    pub(crate) fn url(&self) -> String {
        match self.store {
            Store::Memory => "memory:".to_owned(),
            Store::Redis => REDIS.url(),
            Store::Postgres => database(&POSTGRES.url(), &self.namespace),
        }
    }

    /// The server's port.
    pub(crate) fn port(&self) -> u16 {
        match self.store {
            Store::Memory => panic!("the store in memory has no server"),
            Store::Redis => REDIS.port(),
            Store::Postgres => POSTGRES.port(),
        }
    }

    /// Waits until there are so many records: a claim has been applied.
    pub(crate) async fn until_records(&self, records: usize) {
        while self.records() < records {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn records(&self) -> usize {
        match self.store {
            Store::Memory => panic!("nobody sees the store in memory"),
            Store::Redis => {
                let keys = REDIS.cli(&["keys", &format!("idem:{}:*", self.namespace)]);
                // Records are named by 64 digits; the store keeps other keys beside them.
                keys.lines().filter(|key| key.len() > 64).count()
            }
            Store::Postgres => {
                let database = name(&self.namespace);
                let rows = POSTGRES.sql_in(&database, "SELECT count(*) FROM idem_records");
                rows.parse().unwrap()
            }
        }
    }

    /// Something between a process and the store, and the URL that leads there.
    pub(crate) async fn proxy(&self) -> (Proxy, String) {
        let proxy = Proxy::before(self.port()).await;
        let url = self.url().replace(&self.port().to_string(), &proxy.port().to_string());
        (proxy, url)
    }

    /// Starts a process.
    pub(crate) async fn start(&self) -> Server {
        self.start_with(&[]).await
    }

    /// Starts a process with more flags.
    pub(crate) async fn start_with(&self, flags: &[&str]) -> Server {
        self.start_on(&self.url(), flags, &[]).await
    }

    /// Starts a process on a store at another URL; effects are counted where they always are.
    pub(crate) async fn start_on(
        &self,
        store: &str,
        flags: &[&str],
        environment: &[(&str, &str)],
    ) -> Server {
        let (effects, ledger) = (self.effects().display().to_string(), self.url());
        let mut all = vec!["--listen", "127.0.0.1:0", "--store", store, "--ledger", &ledger];
        all.extend(["--namespace", &self.namespace, "--effects", &effects]);
        all.extend(flags);
        let log = self.directory.join(format!("log-{:08x}", rand::random::<u32>()));
        server::start(Arc::clone(&self.history), self.framework, &all, environment, &log).await
    }

    pub(crate) fn in_memory(&self) -> bool {
        self.store == Store::Memory
    }

    /// The ledger beside all stores.
    pub(crate) fn effects(&self) -> PathBuf {
        self.directory.join("effects")
    }

    /// Sums up the ledger beside all stores.
    pub(crate) fn tally(&self) -> Tally {
        Tally::of(&read(&self.effects()))
    }

    /// Holds what happened to the invariants.
    pub(crate) fn check(&self) {
        self.history.check(&read(&self.effects()));
    }
}

/// A bed's own database.
fn name(namespace: &str) -> String {
    format!("bed_{namespace}")
}

/// The URL of a bed's database on a server.
fn database(server: &str, namespace: &str) -> String {
    let (server, _) = server.rsplit_once('/').expect("it names a database");
    format!("{server}/{}", name(namespace))
}

pub(super) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

impl Drop for Bed {
    /// Shows what the processes said if the test failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
                let (name, text) = (entry.file_name(), read(&entry.path()));
                let tail: Vec<_> = text.lines().rev().take(40).collect();
                eprintln!("--- {name:?}");
                tail.iter().rev().for_each(|line| eprintln!("{line}"));
            }
        }
        drop(fs::remove_dir_all(&self.directory));
    }
}
