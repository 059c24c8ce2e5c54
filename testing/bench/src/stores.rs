//! The database servers under test.

use anyhow::{Context, bail};
use idem_testkit::servers::{PostgresServer, RedisServer, SqliteFile};

/// A database server under test.
pub trait Store {
    /// Starts a fresh server.
    fn start() -> Self;

    /// Returns the URL of the server.
    fn url(&self) -> String;

    /// Returns the CPU time of the server, in seconds.
    ///
    /// # Errors
    /// If the CPU time cannot be read.
    fn cpu_seconds(&self) -> anyhow::Result<f64>;
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
        let info = self.0.cli(&["info", "cpu"]);
        let figure =
            |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        let figures = (figure("used_cpu_sys:"), figure("used_cpu_user:"));
        let (Some(sys), Some(user)): (Option<f64>, Option<f64>) = figures else { bail!("{info}") };
        Ok(sys + user)
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
        let first = self.0.pid();
        let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children"))?;
        let mut ticks = ticks(&first.to_string(), 13..17)?;
        for child in children.split_whitespace() {
            ticks += self::ticks(child, 13..15).unwrap_or(0.0);
        }
        Ok(ticks / 100.0)
    }
}

/// Returns the sum of some fields of the `stat` file of a process, in hundredths of a second: user and system time,
/// and those of its children.
fn ticks(pid: &str, fields: std::ops::Range<usize>) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, after_name) = stat.rsplit_once(')').context("malformed stat file")?;
    let fields = after_name.split_whitespace().skip(fields.start - 2).take(fields.len());
    fields.map(|field| Ok(field.parse::<f64>()?)).sum()
}
