//! The ledger: the handler entries and effects that actually happened, counted in the store of the records.
//!
//! Each one is a member of a set, named by its run. Counting can therefore be retried after an error without
//! counting twice.

mod file;
mod postgres;
mod redis;
mod sqlite;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use idem_postgres::sqlx::PgConnection;
use idem_testkit::app::{Charge, Counts, Entry, Ledger, MemoryLedger, PerformEffect};
use serde_json::Value;

pub use file::{EffectsFile, Event, EventKind, ExecutionContext};

/// The number of attempts to count while the ledger is down, and the pause between them.
const MAX_RETRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// Counts in the store of the records, and in a file. Clones share the counts.
#[derive(Clone, Debug)]
pub struct StoreLedger {
    backend: Arc<Backend>,
    file: Option<Arc<EffectsFile>>,
}

/// The place of the counts.
#[derive(Debug)]
pub enum Backend {
    Memory(MemoryLedger),
    Redis(redis::Redis),
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Backend {
    pub fn in_memory() -> Self {
        Self::Memory(MemoryLedger::default())
    }

    /// # Errors
    /// If `url` is invalid.
    pub fn in_redis(url: &str, namespace: &str) -> anyhow::Result<Self> {
        Ok(Self::Redis(redis::Redis::new(url, namespace)?))
    }

    /// # Errors
    /// If the file cannot be opened.
    pub async fn in_sqlite(url: &str) -> anyhow::Result<Self> {
        Ok(Self::Sqlite(sqlite::Sqlite::new(url).await?))
    }

    /// # Errors
    /// If the database cannot be reached.
    pub async fn in_postgres(url: &str, namespace: &str) -> anyhow::Result<Self> {
        Ok(Self::Postgres(postgres::Postgres::new(url, namespace).await?))
    }
}

impl StoreLedger {
    pub fn new(backend: Backend, file: Option<EffectsFile>) -> Self {
        Self { backend: Arc::new(backend), file: file.map(Arc::new) }
    }

    /// Returns the counts of a note.
    ///
    /// # Errors
    /// If the ledger is down.
    pub async fn counts(&self, note: &str) -> io::Result<Counts> {
        match &*self.backend {
            Backend::Memory(backend) => Ok(backend.counts(note)),
            Backend::Redis(backend) => backend.counts(note).await,
            Backend::Sqlite(backend) => backend.counts(note).await,
            Backend::Postgres(backend) => backend.counts(note).await,
        }
    }

    /// Performs effects that exist if and only if `transaction` is committed. They are not written to the file,
    /// because their commit is still uncertain.
    pub fn effects_in<'a>(&'a self, transaction: &'a mut PgConnection) -> EffectsIn<'a> {
        EffectsIn { ledger: self, transaction }
    }

    async fn enter_run(&self, note: &str, run: &str) -> io::Result<(u64, u64)> {
        match &*self.backend {
            Backend::Memory(backend) => {
                let Entry { number, seq, .. } = backend.enter_run(note, run);
                Ok((number, seq))
            }
            Backend::Redis(backend) => backend.enter(note, run).await,
            Backend::Sqlite(backend) => backend.enter(note, run).await,
            Backend::Postgres(backend) => backend.enter(note, run).await,
        }
    }

    fn write(
        &self,
        kind: EventKind,
        note: &str,
        run: &str,
        charge: Option<&Charge>,
    ) -> io::Result<()> {
        let key = charge.map(|charge| charge.key.as_str());
        self.file.as_ref().map_or(Ok(()), |file| file.append(kind, note, run, key))
    }
}

impl Ledger for StoreLedger {
    fn enter<'a>(&'a self, note: &'a str) -> BoxFuture<'a, io::Result<Entry>> {
        let enter = async move {
            let run = Entry::new_run();
            self.write(EventKind::Attempt, note, &run, None)?;
            let (number, seq) = retried(|| self.enter_run(note, &run).boxed()).await?;
            Ok(Entry { run, number, seq })
        };
        enter.boxed()
    }

    fn effect<'a>(
        &'a self,
        note: &'a str,
        entry: &'a Entry,
        charge: Option<&'a Charge>,
    ) -> BoxFuture<'a, io::Result<()>> {
        let effect = async move {
            self.write(EventKind::Effect, note, &entry.run, charge)?;
            retried(|| match &*self.backend {
                Backend::Memory(backend) => backend.effect(note, entry, charge),
                Backend::Redis(backend) => backend.effect(note, &entry.run, charge).boxed(),
                Backend::Sqlite(backend) => backend.effect(note, &entry.run, charge).boxed(),
                Backend::Postgres(backend) => backend.effect(note, &entry.run, charge).boxed(),
            })
            .await
        };
        effect.boxed()
    }

    fn find<'a>(&'a self, note: &'a str, key: &'a str) -> BoxFuture<'a, io::Result<Option<Value>>> {
        match &*self.backend {
            Backend::Memory(backend) => backend.find(note, key),
            Backend::Redis(backend) => backend.find(note, key).boxed(),
            Backend::Sqlite(backend) => backend.find(note, key).boxed(),
            Backend::Postgres(backend) => backend.find(note, key).boxed(),
        }
    }

    fn hook<'a>(&'a self, note: &'a str) -> BoxFuture<'a, io::Result<()>> {
        match &*self.backend {
            Backend::Memory(backend) => backend.hook(note),
            Backend::Redis(backend) => backend.hook(note).boxed(),
            Backend::Sqlite(backend) => backend.hook(note).boxed(),
            Backend::Postgres(backend) => backend.hook(note).boxed(),
        }
    }

    fn finished(&self, note: &str, entry: &Entry) -> io::Result<()> {
        self.write(EventKind::Finished, note, &entry.run, None)
    }

    fn withdrawn(&self, note: &str, entry: &Entry) -> io::Result<()> {
        self.write(EventKind::Withdrawn, note, &entry.run, None)
    }

    fn version<'a>(&'a self, payment: &'a str) -> BoxFuture<'a, io::Result<u64>> {
        retried(move || match &*self.backend {
            Backend::Memory(backend) => backend.version(payment),
            Backend::Redis(backend) => backend.version(payment).boxed(),
            Backend::Sqlite(backend) => backend.version(payment).boxed(),
            Backend::Postgres(backend) => backend.version(payment).boxed(),
        })
        .boxed()
    }

    fn revise<'a>(&'a self, payment: &'a str) -> BoxFuture<'a, io::Result<u64>> {
        match &*self.backend {
            Backend::Memory(backend) => backend.revise(payment),
            Backend::Redis(backend) => backend.revise(payment).boxed(),
            Backend::Sqlite(backend) => backend.revise(payment).boxed(),
            Backend::Postgres(backend) => backend.revise(payment).boxed(),
        }
    }

    fn revise_if<'a>(
        &'a self,
        payment: &'a str,
        version: u64,
    ) -> BoxFuture<'a, io::Result<Option<u64>>> {
        match &*self.backend {
            Backend::Memory(backend) => backend.revise_if(payment, version),
            Backend::Redis(backend) => backend.revise_if(payment, version).boxed(),
            Backend::Sqlite(backend) => backend.revise_if(payment, version).boxed(),
            Backend::Postgres(backend) => backend.revise_if(payment, version).boxed(),
        }
    }
}

/// See [`StoreLedger::effects_in`].
#[derive(Debug)]
pub struct EffectsIn<'a> {
    ledger: &'a StoreLedger,
    transaction: &'a mut PgConnection,
}

impl PerformEffect for EffectsIn<'_> {
    fn perform<'a>(
        &'a mut self,
        note: &'a str,
        entry: &'a Entry,
        _: Option<&'a Charge>,
    ) -> BoxFuture<'a, io::Result<()>> {
        match &*self.ledger.backend {
            Backend::Postgres(backend) => {
                backend.effect_in(note, &entry.run, self.transaction).boxed()
            }
            _ => {
                let message = "the ledger is not in the database of the transaction";
                ready(Err(io::Error::other(message))).boxed()
            }
        }
    }
}

async fn retried<'a, T>(count: impl Fn() -> BoxFuture<'a, io::Result<T>>) -> io::Result<T> {
    let mut tries = 0;
    loop {
        match count().await {
            Err(error) if tries < MAX_RETRIES => {
                tracing::warn!(%error, "the ledger is down");
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            counted => return counted,
        }
    }
}
