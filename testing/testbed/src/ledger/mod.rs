//! What really happened: handler entries and effects, counted where the store keeps its records.
//!
//! Each is a member of a set, named by its run, so that counting can be tried again after an error without
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

pub use file::{EffectsFile, Event, Known, What};

/// How often counting is tried while the ledger is down, and how long between.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// Counts. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Ledger {
    kept: Arc<Kept>,
    file: Option<Arc<EffectsFile>>,
}

/// Where the counts are.
#[derive(Debug)]
pub enum Kept {
    Memory(memory::Memory),
    Redis(redis::Redis),
    Postgres(postgres::Postgres),
}

/// An entry of a handler.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name of the run.
    pub run: String,
    /// Which entry of its note it is, from 1.
    pub number: u64,
    /// Unlike that of every other entry.
    pub seq: u64,
}

/// What was counted for one note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub attempts: u64,
    pub effects: u64,
}

impl Kept {
    pub fn in_memory() -> Self {
        Self::Memory(memory::Memory::default())
    }

    /// # Errors
    /// If `url` cannot be read.
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
    pub fn new(kept: Kept, file: Option<EffectsFile>) -> Self {
        Self { kept: Arc::new(kept), file: file.map(Arc::new) }
    }

    /// Counts a handler entry.
    ///
    /// # Errors
    /// If the ledger stays down.
    pub async fn enter(&self, note: &str) -> io::Result<Entry> {
        let run = format!("{:032x}", rand::random::<u128>());
        self.write(What::Attempt, note, &run)?;
        let (number, seq) = retried(|| match &*self.kept {
            Kept::Memory(kept) => ready(Ok(kept.enter(note, &run))).boxed(),
            Kept::Redis(kept) => kept.enter(note, &run).boxed(),
            Kept::Postgres(kept) => kept.enter(note, &run).boxed(),
        })
        .await?;
        Ok(Entry { run, number, seq })
    }

    /// Has an effect.
    ///
    /// # Errors
    /// If the ledger stays down.
    pub async fn effect(&self, note: &str, entry: &Entry) -> io::Result<()> {
        self.write(What::Effect, note, &entry.run)?;
        retried(|| match &*self.kept {
            Kept::Memory(kept) => {
                kept.effect(note, &entry.run);
                ready(Ok(())).boxed()
            }
            Kept::Redis(kept) => kept.effect(note, &entry.run).boxed(),
            Kept::Postgres(kept) => kept.effect(note, &entry.run).boxed(),
        })
        .await
    }

    /// Has an effect that is there if and only if `transaction` is committed. The file does not learn of it:
    /// nobody can tell yet whether it happens.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn effect_in(
        &self,
        note: &str,
        entry: &Entry,
        transaction: &mut PgConnection,
    ) -> io::Result<()> {
        match &*self.kept {
            Kept::Postgres(kept) => kept.effect_in(note, &entry.run, transaction).await,
            _ => Err(io::Error::other("the ledger is not in the transaction's database")),
        }
    }

    /// Notes that a handler came to its end, in the file alone.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finished(&self, note: &str, entry: &Entry) -> io::Result<()> {
        self.write(What::Finished, note, &entry.run)
    }

    /// What was counted.
    ///
    /// # Errors
    /// If the ledger is down.
    pub async fn counts(&self, note: &str) -> io::Result<Counts> {
        match &*self.kept {
            Kept::Memory(kept) => Ok(kept.counts(note)),
            Kept::Redis(kept) => kept.counts(note).await,
            Kept::Postgres(kept) => kept.counts(note).await,
        }
    }

    /// The version of a payment, from 1.
    ///
    /// # Errors
    /// If the ledger stays down.
    pub async fn version(&self, payment: &str) -> io::Result<u64> {
        retried(|| match &*self.kept {
            Kept::Memory(kept) => ready(Ok(kept.changes(payment))).boxed(),
            Kept::Redis(kept) => kept.changes(payment).boxed(),
            Kept::Postgres(kept) => kept.changes(payment).boxed(),
        })
        .await
        .map(|changes| changes + 1)
    }

    /// Gives a payment a new version.
    ///
    /// # Errors
    /// If the ledger is down.
    pub async fn revise(&self, payment: &str) -> io::Result<u64> {
        let changes = match &*self.kept {
            Kept::Memory(kept) => kept.change(payment),
            Kept::Redis(kept) => kept.change(payment).await?,
            Kept::Postgres(kept) => kept.change(payment).await?,
        };
        Ok(changes + 1)
    }

    /// Gives a payment a new version if it has that one: `None` if it has another.
    ///
    /// # Errors
    /// If the ledger is down.
    pub async fn revise_if(&self, payment: &str, version: u64) -> io::Result<Option<u64>> {
        let expected = version - 1;
        let changes = match &*self.kept {
            Kept::Memory(kept) => kept.change_if(payment, expected),
            Kept::Redis(kept) => kept.change_if(payment, expected).await?,
            Kept::Postgres(kept) => kept.change_if(payment, expected).await?,
        };
        Ok(changes.map(|changes| changes + 1))
    }

    fn write(&self, what: What, note: &str, run: &str) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| file.append(what, note, run))
    }
}

async fn retried<'a, T>(count: impl Fn() -> BoxFuture<'a, io::Result<T>>) -> io::Result<T> {
    let mut tries = 0;
    loop {
        match count().await {
            Err(error) if tries < TRIES => {
                tracing::warn!(%error, "the ledger is down");
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            counted => return counted,
        }
    }
}
