//! An isolated test environment: a framework, a store and the history of a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use idem_testkit::servers::{PostgresServer, Proxy, RedisServer, Shared, is_locked, run_sql};
use tempfile::TempDir;
use testbed::ledger::{Event, EventKind, ExecutionContext};

use super::history::{self, History, Tally};
use super::server::{self, Program, Server};
use super::{Framework, Store};

/// Shared servers for tests that do not disturb them.
static REDIS: Shared<RedisServer> = Shared::new(|| RedisServer::start(&[]));
static POSTGRES: Shared<PostgresServer> =
    Shared::new(|| PostgresServer::start(&["max_connections=1000"]));

/// Flags with a time limit of store calls that is longer than a busy server needs.
const PATIENT: [&str; 2] = ["--store-timeout", "60s"];

/// Flags for a process that must give up a store call soon. A busy server can exceed the limit.
pub(crate) const IMPATIENT: [&str; 2] = ["--store-timeout", "2s"];

/// The maximum number of attempts to start a process.
const MAX_STARTS: u32 = 60;

/// An isolated test environment. Each one has its own namespace, database and directory.
pub(crate) struct TestEnv {
    framework: Framework,
    pub(crate) store: Store,
    namespace: String,
    directory: TempDir,
    history: Arc<History>,
}

impl TestEnv {
    pub(crate) fn new(framework: Framework, store: Store) -> Self {
        let namespace = format!("{:016x}", rand::random::<u64>());
        let directory = TempDir::with_prefix("idem-testbed-").unwrap();
        if store == Store::Postgres {
            POSTGRES.sql(&format!("CREATE DATABASE {}", name(&namespace)));
        }
        Self { framework, store, namespace, directory, history: Arc::default() }
    }

    /// Returns the URL of the store.
    pub(crate) fn url(&self) -> String {
        match self.store {
            Store::Memory => "memory:".to_owned(),
            Store::Sqlite => format!("sqlite:{}", self.database_file().display()),
            Store::Redis => REDIS.url(),
            Store::Postgres => database(&POSTGRES.url(), &self.namespace),
        }
    }

    /// Returns the path of a file that [`file`](Self::file) creates.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Creates a file and returns its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let file = self.path(name);
        fs::write(&file, content).unwrap();
        file
    }

    /// Returns the path of the database of a SQLite store.
    pub(crate) fn database_file(&self) -> PathBuf {
        self.directory.path().join("records.db")
    }

    /// Returns the port of the store.
    pub(crate) fn port(&self) -> u16 {
        match self.store {
            Store::Memory | Store::Sqlite => panic!("the store {} has no server", self.store),
            Store::Redis => REDIS.port(),
            Store::Postgres => POSTGRES.port(),
        }
    }

    /// Waits until the store has at least `records` records, so a claim has been applied.
    pub(crate) async fn until_records(&self, records: usize) {
        while self.records() < records {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn records(&self) -> usize {
        match self.store {
            Store::Memory => panic!("the memory store cannot be inspected"),
            Store::Sqlite => {
                let count = "SELECT count(*) FROM idem_records";
                run_sql(&self.database_file(), count).unwrap().try_into().unwrap()
            }
            Store::Redis => {
                let keys = REDIS.cli(&["keys", &format!("idem:{}:*", self.namespace)]);
                // The keys of records end with 64 digits. The store has other keys as well.
                keys.lines().filter(|key| key.len() > 64).count()
            }
            Store::Postgres => {
                let database = name(&self.namespace);
                let rows = POSTGRES.sql_in(&database, "SELECT count(*) FROM idem_records");
                rows.parse().unwrap()
            }
        }
    }

    /// Pauses a process between its commits. In the middle of one, it would keep the lock of a SQLite file, and no other
    /// process could write; that is another row.
    pub(crate) fn pause(&self, server: &Server) {
        server.pause();
        while self.store == Store::Sqlite && is_locked(&self.database_file()) {
            server.resume();
            server.pause();
        }
    }

    /// Starts a proxy in front of the store, and returns it with its URL.
    pub(crate) async fn proxy(&self) -> (Proxy, String) {
        proxy_before(self.port(), &self.url()).await
    }

    /// Starts a process.
    pub(crate) async fn start(&self) -> Server {
        self.start_with(&[]).await
    }

    /// Starts a process with additional flags.
    pub(crate) async fn start_with(&self, flags: &[&str]) -> Server {
        self.start_on(&self.url(), flags, &[]).await
    }

    /// Starts a process on a store at another URL. The place where effects are counted does not change.
    pub(crate) async fn start_on(
        &self,
        store: &str,
        flags: &[&str],
        environment: &[(&str, &str)],
    ) -> Server {
        // The last one of equal flags counts.
        let flags = [&PATIENT[..], flags].concat();
        self.start_of(&Program::Current(self.framework), store, &flags, environment).await
    }

    /// Starts a process of the given program. If the process cannot reach its store in time, it exits and is
    /// started again, as by a supervisor.
    pub(crate) async fn start_of(
        &self,
        program: &Program,
        store: &str,
        flags: &[&str],
        environment: &[(&str, &str)],
    ) -> Server {
        let (effects, ledger) = (self.effects().display().to_string(), self.url());
        let mut all = vec!["--listen", "127.0.0.1:0", "--store", store, "--ledger", &ledger];
        all.extend(["--namespace", &self.namespace, "--effects", &effects]);
        all.extend(flags);
        let mut failure = String::new();
        for _ in 0..MAX_STARTS {
            let log = self.directory.path().join(format!("log-{:08x}", rand::random::<u32>()));
            let history = Arc::clone(&self.history);
            match server::start(history, program, &all, environment, &log).await {
                Ok(server) => return server,
                Err(error) => failure = error,
            }
        }
        panic!("cannot start the testbed: {failure}")
    }

    pub(crate) fn in_memory(&self) -> bool {
        self.store == Store::Memory
    }

    pub(crate) fn has_server(&self) -> bool {
        matches!(self.store, Store::Redis | Store::Postgres)
    }

    /// The name of the store in metrics.
    pub(crate) fn store_name(&self) -> String {
        self.store.to_string()
    }

    /// Starts a second process, unless the store is in memory.
    pub(crate) async fn start_second(&self) -> Option<Server> {
        if self.in_memory() { None } else { Some(self.start().await) }
    }

    /// Returns the path of the ledger file.
    fn effects(&self) -> PathBuf {
        self.directory.path().join("effects")
    }

    fn events(&self) -> Vec<Event> {
        history::events(&read(&self.effects()))
    }

    /// Sums up the ledger file for the notes that `of` selects.
    pub(crate) fn tally(&self, of: impl Fn(&str) -> bool) -> Tally {
        let mut events = self.events();
        events.retain(|event| of(&event.note));
        Tally::of(&events)
    }

    /// Returns the execution contexts of the runs of a note, in the order of their entries.
    pub(crate) fn runs(&self, note: &str) -> Vec<ExecutionContext> {
        let of = |event: &Event| event.note == note && event.kind == EventKind::Attempt;
        self.events().into_iter().filter(of).filter_map(|event| event.execution).collect()
    }

    /// Returns the downstream keys of the effects of a note, in the order of the effects.
    pub(crate) fn downstream_keys(&self, note: &str) -> Vec<Option<String>> {
        let of = |event: &Event| event.note == note && event.kind == EventKind::Effect;
        self.events().into_iter().filter(of).map(|event| event.downstream_key).collect()
    }

    /// Returns the number of runs of a note that ended regularly.
    pub(crate) fn finished(&self, note: &str) -> usize {
        let of = |event: &&Event| event.note == note && event.kind == EventKind::Finished;
        self.events().iter().filter(of).count()
    }

    /// Checks the history against the invariants.
    pub(crate) fn check(&self) {
        self.history.check(&self.events());
    }
}

/// Starts a proxy in front of the server at `port`, and returns it with the `url` of the proxy.
pub(crate) async fn proxy_before(port: u16, url: &str) -> (Proxy, String) {
    let proxy = Proxy::before(port).await;
    let url = url.replace(&port.to_string(), &proxy.port().to_string());
    (proxy, url)
}

/// Returns the name of the database of an environment.
fn name(namespace: &str) -> String {
    format!("test_{namespace}")
}

/// Returns the URL of the database of an environment.
fn database(server: &str, namespace: &str) -> String {
    let (server, _) = server.rsplit_once('/').expect("the URL names a database");
    format!("{server}/{}", name(namespace))
}

pub(super) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

impl Drop for TestEnv {
    /// Prints the logs of the processes if the test failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for entry in fs::read_dir(self.directory.path()).into_iter().flatten().flatten() {
                let (name, text) = (entry.file_name(), read(&entry.path()));
                let tail: Vec<_> = text.lines().rev().take(40).collect();
                eprintln!("--- {name:?}");
                tail.iter().rev().for_each(|line| eprintln!("{line}"));
            }
        }
    }
}
