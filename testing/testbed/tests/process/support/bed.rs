//! A test's own world: a framework, a store and what happened there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use idem_testkit::servers::{PostgresServer, Proxy, RedisServer};

use testbed::ledger::{Event, Known, What};

use super::history::{self, History, Tally};
use super::server::{self, Server};
use super::{Framework, Store};

/// For the tests that do it no harm.
static REDIS: LazyLock<RedisServer> = LazyLock::new(|| RedisServer::start(&[]));
static POSTGRES: LazyLock<PostgresServer> =
    LazyLock::new(|| PostgresServer::start(&["max_connections=1000"]));

/// How often a process is started before that counts as a failure.
const STARTS: u32 = 5;

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
        proxy_before(self.port(), &self.url()).await
    }

    /// What is in every call of the store to its server, unlike in pings of the connection.
    pub(crate) fn mark_of_calls(&self) -> &'static str {
        match self.store {
            Store::Memory => panic!("the store in memory has no server"),
            Store::Redis => "idem:",
            Store::Postgres => "sqlx_s_",
        }
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
        self.start_of(self.framework, store, flags, environment).await
    }

    /// Starts a process of either framework. One that cannot reach its store in time ends, and is started again,
    /// as by a supervisor.
    pub(crate) async fn start_of(
        &self,
        framework: Framework,
        store: &str,
        flags: &[&str],
        environment: &[(&str, &str)],
    ) -> Server {
        let (effects, ledger) = (self.effects().display().to_string(), self.url());
        let mut all = vec!["--listen", "127.0.0.1:0", "--store", store, "--ledger", &ledger];
        all.extend(["--namespace", &self.namespace, "--effects", &effects]);
        all.extend(flags);
        let mut said = String::new();
        for _ in 0..STARTS {
            let log = self.directory.join(format!("log-{:08x}", rand::random::<u32>()));
            let history = Arc::clone(&self.history);
            match server::start(history, framework, &all, environment, &log).await {
                Ok(server) => return server,
                Err(error) => said = error,
            }
        }
        panic!("it does not start: {said}")
    }

    pub(crate) fn in_memory(&self) -> bool {
        self.store == Store::Memory
    }

    /// Starts a second process where there can be one.
    pub(crate) async fn start_second(&self) -> Option<Server> {
        if self.in_memory() { None } else { Some(self.start().await) }
    }

    /// The ledger beside all stores.
    fn effects(&self) -> PathBuf {
        self.directory.join("effects")
    }

    fn events(&self) -> Vec<Event> {
        history::events(&read(&self.effects()))
    }

    /// Sums up the ledger beside all stores, for some notes.
    pub(crate) fn tally(&self, of: impl Fn(&str) -> bool) -> Tally {
        let mut events = self.events();
        events.retain(|event| of(&event.note));
        Tally::of(&events)
    }

    /// What the runs of a note knew of themselves, in the order of their entries.
    pub(crate) fn runs(&self, note: &str) -> Vec<Known> {
        let of = |event: &Event| event.note == note && event.what == What::Attempt;
        self.events().into_iter().filter(of).filter_map(|event| event.execution).collect()
    }

    /// How many runs of a note came to their end by themselves.
    pub(crate) fn finished(&self, note: &str) -> usize {
        let of = |event: &&Event| event.note == note && event.what == What::Finished;
        self.events().iter().filter(of).count()
    }

    /// Holds what happened to the invariants.
    pub(crate) fn check(&self) {
        self.history.check(&self.events());
    }
}

/// Something before the server at `port`, and the `url` that leads there instead.
pub(crate) async fn proxy_before(port: u16, url: &str) -> (Proxy, String) {
    let proxy = Proxy::before(port).await;
    let url = url.replace(&port.to_string(), &proxy.port().to_string());
    (proxy, url)
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
