//! The ledger in Redis, next to the records.

use std::io;
use std::time::Duration;

use anyhow::Result;
use idem_redis::deadpool_redis::redis::{AsyncConnectionConfig, FromRedisValue, Pipeline, pipe};
use idem_redis::deadpool_redis::{Manager, Pool, Runtime, Timeouts};

use idem_testkit::app::{Charge, Counts};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Returns nothing if the number of changes differs from the expected one.
const CHANGE_IF: &str = "if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return false end
                         return redis.call('INCR', KEYS[1])";

#[derive(Debug)]
pub struct Redis {
    pool: Pool,
    prefix: String,
}

impl Redis {
    pub(super) fn new(url: &str, namespace: &str) -> Result<Self> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let timeouts =
            Timeouts { wait: Some(TIMEOUT), create: Some(TIMEOUT), recycle: Some(TIMEOUT) };
        let pool = Pool::builder(Manager::new_with_config(url, config)?)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self { pool, prefix: format!("idem-testbed:{namespace}") })
    }

    pub(super) async fn enter(&self, note: &str, run: &str) -> io::Result<(u64, u64)> {
        let attempts = self.key("attempts", note);
        let mut commands = pipe();
        commands
            .atomic()
            .sadd(&attempts, run)
            .ignore()
            .scard(attempts)
            .incr(self.key("seq", ""), 1);
        self.query(&commands).await
    }

    pub(super) async fn effect(
        &self,
        note: &str,
        run: &str,
        charge: Option<&Charge>,
    ) -> io::Result<()> {
        let mut commands = pipe();
        commands.atomic().sadd(self.key("effects", note), run).ignore();
        if let Some(Charge { key, payment }) = charge {
            commands.hset_nx(self.key("charges", note), key, payment.to_string()).ignore();
        }
        self.query(&commands).await
    }

    pub(super) async fn find(&self, note: &str, key: &str) -> io::Result<Option<Value>> {
        let (found,): (Option<String>,) =
            self.query(pipe().hget(self.key("charges", note), key)).await?;
        found.map(|payment| serde_json::from_str(&payment).map_err(io::Error::other)).transpose()
    }

    pub(super) async fn hook(&self, note: &str) -> io::Result<()> {
        self.query(pipe().incr(self.key("hooks", note), 1).ignore()).await
    }

    pub(super) async fn counts(&self, note: &str) -> io::Result<Counts> {
        let mut commands = pipe();
        commands.scard(self.key("attempts", note)).scard(self.key("effects", note));
        commands.get(self.key("hooks", note));
        let (attempts, effects, hooks): (u64, u64, Option<u64>) = self.query(&commands).await?;
        Ok(Counts { attempts, effects, hooks: hooks.unwrap_or(0) })
    }

    pub(super) async fn version(&self, payment: &str) -> io::Result<u64> {
        let (changes,): (Option<u64>,) =
            self.query(pipe().get(self.key("changes", payment))).await?;
        Ok(changes.unwrap_or(0) + 1)
    }

    pub(super) async fn revise(&self, payment: &str) -> io::Result<u64> {
        let (changes,): (u64,) = self.query(pipe().incr(self.key("changes", payment), 1)).await?;
        Ok(changes + 1)
    }

    pub(super) async fn revise_if(&self, payment: &str, version: u64) -> io::Result<Option<u64>> {
        let mut script = pipe();
        script.cmd("EVAL").arg(CHANGE_IF).arg(1).arg(self.key("changes", payment)).arg(version - 1);
        let (changes,): (Option<u64>,) = self.query(&script).await?;
        Ok(changes.map(|changes| changes + 1))
    }

    fn key(&self, of: &str, name: &str) -> String {
        format!("{}:{of}:{name}", self.prefix)
    }

    async fn query<T: FromRedisValue>(&self, commands: &Pipeline) -> io::Result<T> {
        let mut connection = self.pool.get().await.map_err(io::Error::other)?;
        commands.query_async(&mut connection).await.map_err(io::Error::other)
    }
}
