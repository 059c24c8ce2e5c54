//! The ledger in a SQLite file beside the file of the records, so that neither waits for the lock of the other.

use std::io;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Result;
use idem_sqlite::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use idem_sqlite::sqlx::{self, SqlitePool};

use idem_testkit::app::{Charge, Counts};
use serde_json::Value;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS run (seq INTEGER PRIMARY KEY, note TEXT, run TEXT, effect INTEGER, UNIQUE (note, run, effect));
    CREATE TABLE IF NOT EXISTS change (payment TEXT PRIMARY KEY, changes INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS charge (note TEXT, downstream_key TEXT, payment TEXT, PRIMARY KEY (note, downstream_key));
    CREATE TABLE IF NOT EXISTS hook (note TEXT PRIMARY KEY, entries INTEGER NOT NULL);
";

const RUN: &str = "INSERT OR IGNORE INTO run (note, run, effect) VALUES (?, ?, ?)";

/// The time for which a process waits for the others.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Sqlite(SqlitePool);

impl Sqlite {
    pub(super) async fn new(url: &str) -> Result<Self> {
        let options = SqliteConnectOptions::from_str(url)?;
        let mut file = options.get_filename().as_os_str().to_owned();
        file.push("-ledger");
        let options = options
            .filename(file)
            .create_if_missing(true)
            .busy_timeout(BUSY_TIMEOUT)
            // The tests kill processes, and not the machine.
            .synchronous(SqliteSynchronous::Off);
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        let mut setup = pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(SCHEMA).execute(&mut *setup).await?;
        setup.commit().await?;
        Ok(Self(pool))
    }

    pub(super) async fn enter(&self, note: &str, run: &str) -> io::Result<(u64, u64)> {
        self.insert(note, run, false).await?;
        let count =
            "SELECT count(*), (SELECT seq FROM run WHERE note = ?1 AND run = ?2 AND NOT effect)
                     FROM run WHERE note = ?1 AND NOT effect";
        let count = sqlx::query_as(count).bind(note.to_owned()).bind(run.to_owned());
        let (number, seq): (i64, i64) = count.fetch_one(&self.0).await.map_err(io::Error::other)?;
        Ok((number.unsigned_abs(), seq.unsigned_abs()))
    }

    pub(super) async fn effect(
        &self,
        note: &str,
        run: &str,
        charge: Option<&Charge>,
    ) -> io::Result<()> {
        let Some(Charge { key, payment }) = charge else {
            return self.insert(note, run, true).await;
        };
        // The hook must find every effect that is counted.
        let begin = self.0.begin_with("BEGIN IMMEDIATE");
        let mut effect = begin.await.map_err(io::Error::other)?;
        let counted = sqlx::query(RUN).bind(note.to_owned()).bind(run.to_owned()).bind(true);
        counted.execute(&mut *effect).await.map_err(io::Error::other)?;
        let charge = sqlx::query("INSERT OR IGNORE INTO charge VALUES (?, ?, ?)");
        let charge = charge.bind(note.to_owned()).bind(key.to_string()).bind(payment.to_string());
        charge.execute(&mut *effect).await.map_err(io::Error::other)?;
        effect.commit().await.map_err(io::Error::other)
    }

    pub(super) async fn find(&self, note: &str, key: &str) -> io::Result<Option<Value>> {
        let find = "SELECT payment FROM charge WHERE note = ? AND downstream_key = ?";
        let find = sqlx::query_scalar::<_, String>(find).bind(note.to_owned()).bind(key.to_owned());
        let found = find.fetch_optional(&self.0).await.map_err(io::Error::other)?;
        found.map(|payment| serde_json::from_str(&payment).map_err(io::Error::other)).transpose()
    }

    pub(super) async fn hook(&self, note: &str) -> io::Result<()> {
        let count =
            "INSERT INTO hook VALUES (?, 1) ON CONFLICT (note) DO UPDATE SET entries = entries + 1";
        let count = sqlx::query(count).bind(note.to_owned()).execute(&self.0);
        count.await.map(drop).map_err(io::Error::other)
    }

    async fn insert(&self, note: &str, run: &str, effect: bool) -> io::Result<()> {
        let insert = sqlx::query(RUN);
        let insert = insert.bind(note.to_owned()).bind(run.to_owned()).bind(effect);
        insert.execute(&self.0).await.map(drop).map_err(io::Error::other)
    }

    pub(super) async fn counts(&self, note: &str) -> io::Result<Counts> {
        let count = "SELECT count(*) FILTER (WHERE NOT effect), count(*) FILTER (WHERE effect),
                            coalesce((SELECT entries FROM hook WHERE note = ?1), 0)
                     FROM run WHERE note = ?1";
        let count = sqlx::query_as(count).bind(note.to_owned());
        let (attempts, effects, hooks): (i64, i64, i64) =
            count.fetch_one(&self.0).await.map_err(io::Error::other)?;
        let [attempts, effects, hooks] = [attempts, effects, hooks].map(i64::unsigned_abs);
        Ok(Counts { attempts, effects, hooks })
    }

    pub(super) async fn version(&self, payment: &str) -> io::Result<u64> {
        let read = sqlx::query_scalar::<_, i64>("SELECT changes FROM change WHERE payment = ?");
        let changes = read.bind(payment.to_owned()).fetch_optional(&self.0).await;
        Ok(changes.map_err(io::Error::other)?.unwrap_or(0).unsigned_abs() + 1)
    }

    pub(super) async fn revise(&self, payment: &str) -> io::Result<u64> {
        let write = "INSERT INTO change VALUES (?, 1)
                     ON CONFLICT (payment) DO UPDATE SET changes = changes + 1 RETURNING changes";
        let write = sqlx::query_scalar::<_, i64>(write).bind(payment.to_owned());
        let changes = write.fetch_one(&self.0).await.map_err(io::Error::other)?;
        Ok(changes.unsigned_abs() + 1)
    }

    pub(super) async fn revise_if(&self, payment: &str, version: u64) -> io::Result<Option<u64>> {
        let first = sqlx::query("INSERT OR IGNORE INTO change VALUES (?, 0)");
        let first = first.bind(payment.to_owned()).execute(&self.0);
        first.await.map_err(io::Error::other)?;
        let write = "UPDATE change SET changes = changes + 1 WHERE payment = ? AND changes = ? RETURNING changes";
        let write = sqlx::query_scalar::<_, i64>(write).bind(payment.to_owned());
        let write = write.bind(i64::try_from(version - 1).map_err(io::Error::other)?);
        let changes = write.fetch_optional(&self.0).await.map_err(io::Error::other)?;
        Ok(changes.map(|changes| changes.unsigned_abs() + 1))
    }
}
