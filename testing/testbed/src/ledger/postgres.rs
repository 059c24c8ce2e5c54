//! The ledger in Postgres, next to the records.

use std::io;
use std::time::Duration;

use anyhow::Result;
use idem_postgres::sqlx::postgres::PgPoolOptions;
use idem_postgres::sqlx::{self, PgConnection, PgPool};

use idem_testkit::app::{Charge, Counts};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(5);

/// The advisory lock that serializes the setup of processes that start together. The number is arbitrary.
const SETUP_LOCK: i64 = 0x7465_7374;

#[derive(Debug)]
pub struct Postgres {
    pool: PgPool,
    namespace: String,
}

const RUN: &str = "INSERT INTO idem_testbed_run VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

impl Postgres {
    pub(super) async fn new(url: &str, namespace: &str) -> Result<Self> {
        let options = PgPoolOptions::new().max_connections(8).acquire_timeout(TIMEOUT);
        let pool = options.connect(url).await?;
        let mut setup = pool.begin().await?;
        let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SETUP_LOCK);
        lock.execute(&mut *setup).await?;
        sqlx::raw_sql(include_str!("schema.sql")).execute(&mut *setup).await?;
        setup.commit().await?;
        Ok(Self { pool, namespace: namespace.to_owned() })
    }

    pub(super) async fn enter(&self, note: &str, run: &str) -> io::Result<(u64, u64)> {
        let mut connection = self.pool.acquire().await.map_err(io::Error::other)?;
        self.insert(note, run, false, &mut connection).await?;
        let count = "SELECT count(*), nextval('idem_testbed_seq') FROM idem_testbed_run
                     WHERE namespace = $1 AND note = $2 AND NOT effect";
        let count = sqlx::query_as(count).bind(&self.namespace).bind(note);
        let (number, seq): (i64, i64) =
            count.fetch_one(&mut *connection).await.map_err(io::Error::other)?;
        Ok((number.unsigned_abs(), seq.unsigned_abs()))
    }

    pub(super) async fn effect(
        &self,
        note: &str,
        run: &str,
        charge: Option<&Charge>,
    ) -> io::Result<()> {
        let Some(Charge { key, payment }) = charge else {
            let mut connection = self.pool.acquire().await.map_err(io::Error::other)?;
            return self.insert(note, run, true, &mut connection).await;
        };
        let mut effect = self.pool.begin().await.map_err(io::Error::other)?;
        self.insert(note, run, true, &mut effect).await?;
        let charge =
            "INSERT INTO idem_testbed_charge VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let charge = sqlx::query(charge).bind(&self.namespace).bind(note).bind(key);
        let charge = charge.bind(payment.to_string()).execute(&mut *effect);
        charge.await.map_err(io::Error::other)?;
        effect.commit().await.map_err(io::Error::other)
    }

    pub(super) async fn find(&self, note: &str, key: &str) -> io::Result<Option<Value>> {
        let find = "SELECT payment FROM idem_testbed_charge
                    WHERE namespace = $1 AND note = $2 AND downstream_key = $3";
        let find = sqlx::query_scalar::<_, String>(find).bind(&self.namespace).bind(note).bind(key);
        let found = find.fetch_optional(&self.pool).await.map_err(io::Error::other)?;
        found.map(|payment| serde_json::from_str(&payment).map_err(io::Error::other)).transpose()
    }

    pub(super) async fn hook(&self, note: &str) -> io::Result<()> {
        let count = "INSERT INTO idem_testbed_hook AS old VALUES ($1, $2, 1)
                     ON CONFLICT (namespace, note) DO UPDATE SET entries = old.entries + 1";
        let count = sqlx::query(count).bind(&self.namespace).bind(note);
        count.execute(&self.pool).await.map(drop).map_err(io::Error::other)
    }

    /// An effect that is there if and only if `transaction` is committed.
    pub(super) async fn effect_in(
        &self,
        note: &str,
        run: &str,
        transaction: &mut PgConnection,
    ) -> io::Result<()> {
        self.insert(note, run, true, transaction).await
    }

    async fn insert(
        &self,
        note: &str,
        run: &str,
        effect: bool,
        connection: &mut PgConnection,
    ) -> io::Result<()> {
        let insert = sqlx::query(RUN).bind(&self.namespace).bind(note).bind(run).bind(effect);
        insert.execute(connection).await.map(drop).map_err(io::Error::other)
    }

    pub(super) async fn counts(&self, note: &str) -> io::Result<Counts> {
        let count = "SELECT count(*) FILTER (WHERE NOT effect), count(*) FILTER (WHERE effect),
                            coalesce((SELECT entries FROM idem_testbed_hook
                                      WHERE namespace = $1 AND note = $2), 0)
                     FROM idem_testbed_run WHERE namespace = $1 AND note = $2";
        let count = sqlx::query_as(count).bind(&self.namespace).bind(note);
        let (attempts, effects, hooks): (i64, i64, i64) =
            count.fetch_one(&self.pool).await.map_err(io::Error::other)?;
        let [attempts, effects, hooks] = [attempts, effects, hooks].map(i64::unsigned_abs);
        Ok(Counts { attempts, effects, hooks })
    }

    pub(super) async fn version(&self, payment: &str) -> io::Result<u64> {
        let read = "SELECT changes FROM idem_testbed_change WHERE namespace = $1 AND payment = $2";
        let read = sqlx::query_scalar::<_, i64>(read).bind(&self.namespace).bind(payment);
        let changes = read.fetch_optional(&self.pool).await.map_err(io::Error::other)?;
        Ok(changes.unwrap_or(0).unsigned_abs() + 1)
    }

    pub(super) async fn revise(&self, payment: &str) -> io::Result<u64> {
        let write = "INSERT INTO idem_testbed_change AS old VALUES ($1, $2, 1)
                     ON CONFLICT (namespace, payment) DO UPDATE SET changes = old.changes + 1
                     RETURNING changes";
        let write = sqlx::query_scalar::<_, i64>(write).bind(&self.namespace).bind(payment);
        let changes = write.fetch_one(&self.pool).await.map_err(io::Error::other)?;
        Ok(changes.unsigned_abs() + 1)
    }

    pub(super) async fn revise_if(&self, payment: &str, version: u64) -> io::Result<Option<u64>> {
        let first = "INSERT INTO idem_testbed_change VALUES ($1, $2, 0) ON CONFLICT DO NOTHING";
        let first = sqlx::query(first).bind(&self.namespace).bind(payment);
        first.execute(&self.pool).await.map_err(io::Error::other)?;
        let write = "UPDATE idem_testbed_change SET changes = changes + 1
                     WHERE namespace = $1 AND payment = $2 AND changes = $3 RETURNING changes";
        let write = sqlx::query_scalar::<_, i64>(write).bind(&self.namespace).bind(payment);
        let write = write.bind(i64::try_from(version - 1).map_err(io::Error::other)?);
        let changes = write.fetch_optional(&self.pool).await.map_err(io::Error::other)?;
        Ok(changes.map(|changes| changes.unsigned_abs() + 1))
    }
}
