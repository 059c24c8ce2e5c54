//! The database servers under test.

use anyhow::Context;
use idem_testkit::servers::{PostgresServer, RedisServer, SqliteFile};

use crate::process::cpu_time;

/// A database server under test.
pub trait Store {
    /// Starts a fresh server.
    fn start() -> Self
    where
        Self: Sized;

    /// Returns the URL of the server.
    fn url(&self) -> String;

    /// Returns the CPU time of the server, in seconds.
    ///
    /// # Errors
    /// If the CPU time cannot be read.
    fn cpu_seconds(&self) -> anyhow::Result<f64>;

    /// Returns the size of the stored data, in bytes. It is 0 for a store in the process of the handler.
    ///
    /// # Errors
    /// If the size cannot be read.
    fn bytes(&self) -> anyhow::Result<u64> {
        Ok(0)
    }
}

/// No server, for the memory store.
#[derive(Debug)]
pub struct Memory;

impl Store for Memory {
    fn start() -> Self {
        Self
    }

    fn url(&self) -> String {
        String::new()
    }

    fn cpu_seconds(&self) -> anyhow::Result<f64> {
        Ok(0.0)
    }
}

/// A Redis server.
pub struct Redis(RedisServer);

impl Store for Redis {
    fn start() -> Self {
        Self(RedisServer::start(&[]))
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn cpu_seconds(&self) -> anyhow::Result<f64> {
        Ok(cpu_time(self.0.pid().unsigned_abs())?.as_secs_f64())
    }

    fn bytes(&self) -> anyhow::Result<u64> {
        let info = self.0.cli(&["info", "memory"]);
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
        Ok(used.with_context(|| info.clone())?.trim().parse()?)
    }
}

/// A SQLite file.
pub struct Sqlite(SqliteFile);

impl Store for Sqlite {
    fn start() -> Self {
        Self(SqliteFile::new())
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.0.path().display())
    }

    /// The database runs in the measured process.
    fn cpu_seconds(&self) -> anyhow::Result<f64> {
        Ok(0.0)
    }

    fn bytes(&self) -> anyhow::Result<u64> {
        // The size of the journal does not depend on the number of keys.
        Ok(self.0.path().metadata()?.len())
    }
}

/// A SQLite file and a Postgres server on the same disk.
pub struct SqliteAndPostgres {
    /// The file.
    pub sqlite: Sqlite,
    /// The server.
    pub postgres: Postgres,
}

impl Store for SqliteAndPostgres {
    fn start() -> Self {
        Self { sqlite: Sqlite::start(), postgres: Postgres::start() }
    }

    fn url(&self) -> String {
        self.sqlite.url()
    }

    fn cpu_seconds(&self) -> anyhow::Result<f64> {
        self.postgres.cpu_seconds()
    }
}

/// A Postgres server.
pub struct Postgres(PostgresServer);

impl Store for Postgres {
    fn start() -> Self {
        Self(PostgresServer::start(&["shared_buffers=256MB"]))
    }

    fn url(&self) -> String {
        self.0.url()
    }

    /// Returns the CPU time of all processes, including those that have ended.
    fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let first = self.0.pid().unsigned_abs();
        let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children"))?;
        let mut seconds = cpu_time(first)?.as_secs_f64() + seconds_of_ended_children(first)?;
        for child in children.split_whitespace() {
            // The child may have ended since.
            seconds += cpu_time(child.parse()?).unwrap_or_default().as_secs_f64();
        }
        Ok(seconds)
    }

    fn bytes(&self) -> anyhow::Result<u64> {
        Ok(self.0.sql("SELECT pg_database_size(current_database())").trim().parse()?)
    }
}

/// Returns the user and system time of the children that have ended. The unit of the file is a hundredth of a second.
fn seconds_of_ended_children(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, after_name) = stat.rsplit_once(')').context("malformed stat file")?;
    let ticks = after_name.split_whitespace().skip(13).take(2);
    ticks.map(|field| Ok(field.parse::<f64>()? / 100.0)).sum()
}
