//! What a server says of itself, and what is wrong with that: it may forget what it acknowledged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use deadpool_redis::redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use deadpool_redis::redis::{RedisResult, Value, cmd, from_redis_value};
use idem_core::store::StoreError;
use tokio::time::timeout;

use crate::error::{self, UnexpectedReply};
use crate::link::Live;
use crate::source::Connection;
use crate::store::Inner;

/// How often a store looks at its server; also whenever a connection was replaced.
const PERIOD: Duration = Duration::from_secs(60);

/// Something about a server that breaks what the store promises, or may.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HealthIssue {
    /// Its eviction policy lets it drop live records, and every dropped record may be a second effect.
    #[error(
        "`maxmemory-policy` is `{0}`, which drops live records when memory is full; set it to `noeviction`"
    )]
    Evicts(String),
    /// So many keys were evicted since the store looked first.
    #[error("{0} keys were evicted since this process started; records among them are forgotten")]
    Evicted(u64),
    /// It is a replica, which takes no writes.
    #[error("the server is a replica; connect to the primary, or by Sentinel")]
    Replica,
    /// It is older than Redis 7, which lacks `SET NX GET` and script flags.
    #[error("the server is of version {0}; Redis 7 or later, or Valkey, is needed")]
    TooOld(String),
    /// It keeps no append-only file.
    #[error(
        "the server keeps no append-only file: a restart forgets what came after its last snapshot; set `appendonly yes`"
    )]
    NotAppendOnly,
    /// It acknowledged a write that is gone: a failover, a restart or `FLUSHALL` forgot it. Stays until the
    /// store is made anew.
    #[error(
        "the server forgot what it had acknowledged (failover, restart, FLUSHALL): keys among it may run a second time"
    )]
    Forgot,
}

impl HealthIssue {
    /// Whether a store must not start.
    pub(crate) const fn is_fatal(&self) -> bool {
        matches!(self, Self::Evicts(_) | Self::Replica | Self::TooOld(_))
    }
}

/// What was seen so far.
#[derive(Default)]
pub(crate) struct Seen {
    turn: tokio::sync::Mutex<()>,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    evicted_of: HashMap<String, u64>,
    evicted: u64,
    pulse: i64,
    forgot: bool,
}

impl Inner {
    /// Looks at the server.
    pub(crate) async fn look(self: &Arc<Self>) -> Result<Vec<HealthIssue>, StoreError> {
        // One at a time, or a counter could seem to go back.
        let _turn = self.seen.turn.lock().await;
        let live = self.links.live().await?;
        let infos = live.note(infos(&mut live.connection()).await).map_err(error::of_command)?;
        let mut alarms: Vec<HealthIssue> =
            infos.iter().flat_map(|(_, info)| judge(&Info(info))).collect();
        let evicted = self.seen.count_evicted(&infos);
        if evicted > 0 {
            alarms.push(HealthIssue::Evicted(evicted));
        }
        if !alarms.contains(&HealthIssue::Replica) && self.forgot(&live).await? {
            alarms.push(HealthIssue::Forgot);
        }
        Ok(alarms)
    }

    /// Counts up a key that never expires. It only grows, unless acknowledged writes are forgotten.
    async fn forgot(&self, live: &Live) -> Result<bool, StoreError> {
        let mut count = cmd("INCR");
        count.arg(self.keys.pulse());
        let answer = live.send(count).await;
        let Value::Int(pulse) = answer.map_err(error::of_command)? else {
            return Err(StoreError::unknown(UnexpectedReply));
        };
        let mut last = self.seen.lock();
        last.forgot |= pulse <= last.pulse;
        last.pulse = pulse;
        Ok(last.forgot)
    }
}

fn judge(info: &Info<'_>) -> Vec<HealthIssue> {
    let mut alarms = Vec::new();
    let policy = info.get("maxmemory_policy");
    if policy != "noeviction" {
        alarms.push(HealthIssue::Evicts(policy.to_owned()));
    }
    if info.get("role") != "master" {
        alarms.push(HealthIssue::Replica);
    }
    let version = info.get("redis_version");
    if version.split('.').next().and_then(|major| major.parse::<u32>().ok()) < Some(7) {
        alarms.push(HealthIssue::TooOld(version.to_owned()));
    }
    if info.get("aof_enabled") != "1" {
        alarms.push(HealthIssue::NotAppendOnly);
    }
    alarms
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many keys were evicted, on all nodes, since they were seen first.
    fn count_evicted(&self, infos: &[(String, String)]) -> u64 {
        let mut last = self.lock();
        for (node, info) in infos {
            let evicted = Info(info).get("evicted_keys").parse().unwrap_or(0);
            let before = last.evicted_of.insert(node.clone(), evicted).unwrap_or(evicted);
            // A smaller number is that of a server that was started again.
            last.evicted += evicted.saturating_sub(before);
        }
        last.evicted
    }
}

/// Looks every minute, for as long as the store lives.
pub(crate) async fn watch(inner: Weak<Inner>) {
    loop {
        let Some(store) = inner.upgrade() else { return };
        let links = Arc::clone(&store.links);
        drop(store);
        drop(timeout(PERIOD, links.connected.notified()).await);
        drop(links);
        let Some(store) = inner.upgrade() else { return };
        match store.look().await {
            Ok(alarms) => report(&alarms),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot look at Redis");
            }
        }
    }
}

/// Logs what may do harm at any time. How a server is set up to keep things is said once.
fn report(alarms: &[HealthIssue]) {
    for alarm in alarms.iter().filter(|alarm| **alarm != HealthIssue::NotAppendOnly) {
        tracing::error!("{alarm}");
    }
}

/// Logs all that the store starts in spite of.
pub(crate) fn report_at_start(alarms: &[HealthIssue]) {
    for alarm in alarms {
        tracing::warn!("{alarm}");
    }
}

/// What `INFO` says, for each primary.
async fn infos(connection: &mut Connection) -> RedisResult<Vec<(String, String)>> {
    let info = cmd("INFO");
    match connection {
        Connection::One(_) | Connection::Batched(_) => {
            let answer = connection.send(info).await?;
            Ok(vec![(String::new(), from_redis_value(answer)?)])
        }
        Connection::Cluster(cluster, within) => {
            let primaries = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
            let asking = cluster.route_command(info, primaries);
            let answer = timeout(*within, asking).await.map_err(crate::source::late)??;
            let of_nodes: HashMap<String, String> = from_redis_value(answer)?;
            Ok(of_nodes.into_iter().collect())
        }
    }
}

/// The text of `INFO`.
struct Info<'a>(&'a str);

impl Info<'_> {
    fn get(&self, name: &str) -> &str {
        let mut lines = self.0.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default()
    }
}
