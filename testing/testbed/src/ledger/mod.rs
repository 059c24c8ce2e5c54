//! The ledger: the handler entries and effects that actually happened, counted in the store of the records.
//!
//! Each one is a member of a set, named by its run. Counting can therefore be retried after an error without
//! counting twice.

mod file;
mod memory;
mod postgres;
mod redis;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use idem_postgres::sqlx::PgConnection;
use serde::Serialize;

pub use file::{EffectsFile, Event, EventKind, ExecutionContext};

/// The number of attempts to count while the ledger is down, and the pause between them.
const MAX_RETRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// Counts entries and effects. Clones share the counts.
#[derive(Clone, Debug)]
pub struct Ledger {
    backend: Arc<Backend>,
    file: Option<Arc<EffectsFile>>,
}

/// The place of the counts.
#[derive(Debug)]
pub enum Backend {
    Memory(memory::Memory),
    Redis(redis::Redis),
    Postgres(postgres::Postgres),
}

/// A handler entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name of the run.
    pub run: String,
    /// The number of the entry within its note, counted from 1.
    pub number: u64,
    /// A sequence number that differs for every entry.
    pub seq: u64,
}

/// The counts of one note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub attempts: u64,
    pub effects: u64,
}

impl Backend {
    pub fn in_memory() -> Self {
        Self::Memory(memory::Memory::default())
    }

    /// # Errors
    /// If `url` is invalid.
    pub fn in_redis(url: &str, namespace: &str) -> anyhow::Result<Self> {
        Ok(Self::Redis(redis::Redis::new(url, namespace)?))
    }

    /// # Errors
    /// If the database cannot be reached.
    pub async fn in_postgres(url: &str, namespace: &str) -> anyhow::Result<Self> {
        Ok(Self::Postgres(postgres::Postgres::new(url, namespace).await?))
    }
}

impl Ledger {
    pub fn new(backend: Backend, file: Option<EffectsFile>) -> Self {
        Self { backend: Arc::new(backend), file: file.map(Arc::new) }
    }

    /// Counts a handler entry.
    ///
    /// # Errors
    /// If the ledger stays down.
    pub async fn enter(&self, note: &str) -> io::Result<Entry> {
        let run = format!("{:032x}", rand::random::<u128>());
        self.write(EventKind::Attempt, note, &run)?;
        let (number, seq) = retried(|| match &*self.backend {
            Backend::Memory(backend) => ready(Ok(backend.enter(note, &run))).boxed(),
            Backend::Redis(backend) => backend.enter(note, &run).boxed(),
            Backend::Postgres(backend) => backend.enter(note, &run).boxed(),
        })
        .await?;
        Ok(Entry { run, number, seq })
    }

    /// Performs an effect.
    ///
    /// # Errors
    /// If the ledger stays down.
    pub async fn effect(&self, note: &str, entry: &Entry) -> io::Result<()> {
        self.write(EventKind::Effect, note, &entry.run)?;
        retried(|| match &*self.backend {
            Backend::Memory(backend) => {
                backend.effect(note, &entry.run);
                ready(Ok(())).boxed()
            }
            Backend::Redis(backend) => backend.effect(note, &entry.run).boxed(),
            Backend::Postgres(backend) => backend.effect(note, &entry.run).boxed(),
        })
        .await
    }

    /// Performs an effect that exists if and only if `transaction` is committed. It is not written to the file,
    /// because its commit is still uncertain.
    ///
    /// # Errors
    /// If the effect cannot be written.
    pub async fn effect_in(
        &self,
        note: &str,
        entry: &Entry,
        transaction: &mut PgConnection,
    ) -> io::Result<()> {
        match &*self.backend {
            Backend::Postgres(backend) => backend.effect_in(note, &entry.run, transaction).await,
            _ => Err(io::Error::other("the ledger is not in the database of the transaction")),
        }
    }

    /// Records the end of a handler, in the file only.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finished(&self, note: &str, entry: &Entry) -> io::Result<()> {
        self.write(EventKind::Finished, note, &entry.run)
    }

    /// Returns the counts of a note.
    ///
    /// # Errors
    /// If the ledger is down.
    pub async fn counts(&self, note: &str) -> io::Result<Counts> {
        match &*self.backend {
            Backend::Memory(backend) => Ok(backend.counts(note)),
            Backend::Redis(backend) => backend.counts(note).await,
            Backend::Postgres(backend) => backend.counts(note).await,
        }
    }

    /// Returns the version of a payment, counted from 1.
    ///
    /// # Errors
    /// If the ledger stays down.
    pub async fn version(&self, payment: &str) -> io::Result<u64> {
        retried(|| match &*self.backend {
            Backend::Memory(backend) => ready(Ok(backend.changes(payment))).boxed(),
            Backend::Redis(backend) => backend.changes(payment).boxed(),
            Backend::Postgres(backend) => backend.changes(payment).boxed(),
        })
        .await
        .map(|changes| changes + 1)
    }

    /// Creates a new version of a payment.
    ///
    /// # Errors
    /// If the ledger is down.
    pub async fn revise(&self, payment: &str) -> io::Result<u64> {
        let changes = match &*self.backend {
            Backend::Memory(backend) => backend.change(payment),
            Backend::Redis(backend) => backend.change(payment).await?,
            Backend::Postgres(backend) => backend.change(payment).await?,
        };
        Ok(changes + 1)
    }

    /// Creates a new version of a payment if its version is `version`. Returns `None` otherwise.
    ///
    /// # Errors
    /// If the ledger is down.
    pub async fn revise_if(&self, payment: &str, version: u64) -> io::Result<Option<u64>> {
        let expected = version - 1;
        let changes = match &*self.backend {
            Backend::Memory(backend) => backend.change_if(payment, expected),
            Backend::Redis(backend) => backend.change_if(payment, expected).await?,
            Backend::Postgres(backend) => backend.change_if(payment, expected).await?,
        };
        Ok(changes.map(|changes| changes + 1))
    }

    fn write(&self, kind: EventKind, note: &str, run: &str) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| file.append(kind, note, run))
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
