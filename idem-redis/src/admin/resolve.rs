//! Resolves a record by hand, with an entry in the audit log before and after it.

use std::error::Error;

use deadpool_redis::redis::Cmd;
use idem_core::store::{
    AuditEntry, AuditOutcome, Completion, FencingToken, RecordId, Resolution, State, StoreError,
    UnknownReason, Update,
};

use super::audit;
use crate::conn::{Connection, WriteConnection};
use crate::fencing::FENCE_RETENTION;
use crate::reply;
use crate::shared::Shared;
use crate::store::Inner;
use crate::value::Prefix;

/// Writes the intent, makes the change, and writes its outcome. The log is another key than the record, so the three
/// writes cannot be atomic in a Cluster.
pub(super) async fn with_audit(
    inner: &Inner,
    id: RecordId,
    expected: FencingToken,
    resolution: Resolution,
    entry: &AuditEntry,
) -> Result<Update, StoreError> {
    let shared = &*inner.shared;
    let change = Change::new(resolution);
    let write = WriteConnection::open(&shared.connections, inner.replica_wait).await?;
    // If the entry was lost, the record has not changed.
    let intent = audit::begin(shared, write.get(), entry).await.map_err(StoreError::not_done)?;
    let update = change.send(shared, write.get(), id, expected).await?;
    write.confirm().await?;
    let outcome = match update {
        Update::Applied => AuditOutcome::Done,
        Update::Stale(_) => AuditOutcome::Rejected,
    };
    if let Err(error) = audit::end(shared, write.get(), &intent, outcome).await {
        let error = &error as &dyn Error;
        tracing::warn!(%id, error, "the audit log does not contain the outcome of a resolution");
    }
    Ok(update)
}

/// The arguments of `resolve.lua` after the fencing token.
struct Change {
    action: &'static str,
    kept_ms: u64,
    prefix: Vec<u8>,
    tail: Vec<u8>,
}

impl Change {
    fn new(resolution: Resolution) -> Self {
        let (action, completion, retention) = match resolution {
            Resolution::Complete { response, ttl } => {
                ("complete", Completion::Response(response), ttl)
            }
            // The script takes the reason from the record.
            Resolution::Hold(hold) => ("hold", Completion::unknown(UnknownReason::Crashed), hold),
            Resolution::Release => return Self::free("release"),
            Resolution::Evict => return Self::free("evict"),
        };
        let Prefix { bytes, kept_ms } = Prefix::completed(&completion, retention);
        let mut tail = Vec::new();
        State::from(completion).put_tail(&mut tail);
        Self { action, kept_ms, prefix: bytes.into(), tail }
    }

    const fn free(action: &'static str) -> Self {
        let kept_ms = FENCE_RETENTION.as_millis() as u64;
        Self { action, kept_ms, prefix: Vec::new(), tail: Vec::new() }
    }

    async fn send(
        &self,
        shared: &Shared,
        connection: &Connection,
        id: RecordId,
        expected: FencingToken,
    ) -> Result<Update, StoreError> {
        let Self { action, kept_ms, prefix, tail } = self;
        let add_args = |command: &mut Cmd| {
            command.arg(&expected.0.to_be_bytes()[..]).arg(action).arg(kept_ms);
            command.arg(&prefix[..]).arg(&tail[..]);
        };
        let key = shared.keys.record(id);
        let args_len = 64 + tail.len();
        reply::update(shared.scripts.resolve.run(connection, &key, args_len, add_args).await?)
    }
}
