//! The parts of a store that its modules share.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::Cmd;
use idem_core::store::{RecordId, StoreError, Update};
use tokio::sync::Semaphore;

use crate::claim_cache::ClaimCache;
use crate::conn::Connections;
use crate::keys::Keys;
use crate::reply;
use crate::scan_pace::ScanPace;
use crate::scripts::Scripts;

/// The approximate length of the arguments of `free.lua`, in bytes.
const ARGS_LEN: usize = 48;

/// Connections, key names, scripts and cached claims.
pub(crate) struct Shared {
    pub(crate) connections: Arc<Connections>,
    pub(crate) keys: Keys,
    pub(crate) scripts: Scripts,
    pub(crate) claims: ClaimCache,
    /// The rate at which listings examine keys.
    pub(crate) scans: ScanPace,
    /// The turn to check all keys of one full scope.
    pub(crate) recounts: Arc<Semaphore>,
}

impl Shared {
    /// Frees the key of a running record, and keeps its fencing token for `token_retention`. A release presents
    /// nonce and fencing token ([`claim_bytes`](crate::value::claim_bytes)), an abandonment the nonce alone.
    pub(crate) async fn free(
        &self,
        id: RecordId,
        presented: &[u8],
        token_retention: Duration,
    ) -> Result<Update, StoreError> {
        let add_args = |command: &mut Cmd| {
            command.arg(presented).arg(token_retention.as_millis() as u64);
        };
        let connection = self.connections.get().await?;
        let key = self.keys.record(id);
        reply::update(self.scripts.free.run(&connection, &key, ARGS_LEN, add_args).await?)
    }
}
