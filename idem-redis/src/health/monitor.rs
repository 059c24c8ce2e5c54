//! The health check, at start and while the store exists.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use deadpool_redis::redis::{Value, cmd};
use idem_core::store::StoreError;
use tokio::time::timeout;

use super::info::Info;
use super::issue::HealthIssue;
use crate::conn::Connection;
use crate::error::UnexpectedReply;
use crate::shared::Shared;

/// Time between two checks. A check also runs after a connection was opened.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// The time for which the counter of a store outlives its last check. A store that cannot check for longer, for
/// example because its process is suspended, reports lost writes.
const HEARTBEAT_RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Checks the server of a store.
pub(crate) struct HealthMonitor {
    shared: Arc<Shared>,
    /// The key of the counter. It belongs to this store alone. Otherwise other stores could increment a counter that
    /// went back beyond the number that this store has seen.
    heartbeat_key: String,
    /// Held during a check: concurrent checks could see a counter go back.
    running: tokio::sync::Mutex<()>,
    state: Mutex<HealthState>,
}

/// The data that is kept between two checks.
#[derive(Default)]
struct HealthState {
    evicted_by_node: HashMap<String, u64>,
    evicted: u64,
    heartbeat: i64,
    writes_lost: bool,
}

impl HealthMonitor {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let heartbeat_key = shared.keys.heartbeat(rand::random());
        let (running, state) = (tokio::sync::Mutex::default(), Mutex::default());
        Self { shared, heartbeat_key, running, state }
    }

    /// Checks the server now.
    pub(crate) async fn check(&self) -> Result<Vec<HealthIssue>, StoreError> {
        let _running = self.running.lock().await;
        let connection = self.shared.connections.get().await?;
        let infos = connection.info().await?;
        let mut issues: Vec<HealthIssue> =
            infos.iter().flat_map(|(_, info)| Info(info).issues()).collect();
        let evicted = self.state().count_evicted(&infos);
        if evicted > 0 {
            issues.push(HealthIssue::KeysEvicted(evicted));
        }
        if !issues.contains(&HealthIssue::Replica) && self.heartbeat(&connection).await? {
            issues.push(HealthIssue::WritesLost);
        }
        Ok(issues)
    }

    /// Increments the counter of this store. It only grows, unless the server loses acknowledged writes.
    /// Returns whether that ever happened.
    async fn heartbeat(&self, connection: &Connection) -> Result<bool, StoreError> {
        let mut increment = cmd("INCR");
        increment.arg(&self.heartbeat_key);
        let Value::Int(heartbeat) = connection.send(increment).await? else {
            return Err(StoreError::unknown(UnexpectedReply("INCR")));
        };
        let writes_lost = self.state().count_heartbeat(heartbeat);
        let mut expire = cmd("PEXPIRE");
        expire.arg(&self.heartbeat_key).arg(HEARTBEAT_RETENTION.as_millis() as u64);
        connection.send(expire).await?;
        Ok(writes_lost)
    }

    fn state(&self) -> MutexGuard<'_, HealthState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn check_and_log(&self) {
        let server = &*self.shared.connections.source.server;
        match self.check().await {
            Ok(issues) => log(server, &issues),
            Err(error) => {
                tracing::warn!(server, error = &error as &dyn Error, "Redis health check failed");
            }
        }
    }
}

impl HealthState {
    /// Returns whether the counter ever went back.
    fn count_heartbeat(&mut self, heartbeat: i64) -> bool {
        self.writes_lost |= heartbeat <= self.heartbeat;
        self.heartbeat = heartbeat;
        self.writes_lost
    }

    /// Returns the number of keys evicted since the first check, summed over all nodes.
    fn count_evicted(&mut self, infos: &[(String, String)]) -> u64 {
        for (node, info) in infos {
            let evicted = Info(info).evicted_keys();
            let before = self.evicted_by_node.insert(node.clone(), evicted).unwrap_or(evicted);
            // The number is smaller after a restart of the server.
            self.evicted += evicted.saturating_sub(before);
        }
        self.evicted
    }
}

/// Checks every minute and after each new connection, until the store is dropped.
pub(crate) async fn watch(monitor: Weak<HealthMonitor>) {
    loop {
        let Some(store) = monitor.upgrade() else { return };
        let connections = Arc::clone(&store.shared.connections);
        drop(store);
        drop(timeout(CHECK_INTERVAL, connections.opened.notified()).await);
        drop(connections);
        let Some(store) = monitor.upgrade() else { return };
        store.check_and_log().await;
    }
}

/// Logs the issues of a running store. The missing append-only file is logged at start only.
fn log(server: &str, issues: &[HealthIssue]) {
    for issue in issues.iter().filter(|issue| **issue != HealthIssue::NoAppendOnlyFile) {
        tracing::error!(server, "{issue}");
    }
}

/// Logs the issues in spite of which the store starts.
pub(crate) fn log_at_start(server: &str, issues: &[HealthIssue]) {
    for issue in issues {
        tracing::warn!(server, "{issue}");
    }
}
