//! The result of a run that lost its claim: evidence in the audit log
//! ([late completions](crate::rules::guarantees#late-completion)).

use std::error::Error;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::Idempotency;
use super::retry::{ATTEMPT_TIMEOUT, MAX_SENDS, pause};
use crate::detach::spawn_on_runtime;
use crate::model::{Claim, Completion};
use crate::store::{AuditAction, AuditEntry, IdempotencyStore};

impl Idempotency {
    /// Writes the result of a late run to the audit log, in a background task for which [`drain`](Self::drain) waits a few
    /// seconds. It changes no record.
    pub(super) fn keep_late_completion(&self, claim: Claim, completion: &Completion) {
        let (status, body) = match completion {
            Completion::Response(response) => (response.status, Some(response.body.clone())),
            Completion::NotRetained { status } => (*status, None),
            // The run reports no result.
            Completion::Unknown(_) => return,
        };
        let (actor, state) = (format!("run {}", claim.attempt), status.to_string());
        let reason = "its claim was taken over, resolved or deleted";
        let mut entry =
            AuditEntry::new(claim.id, AuditAction::Late, &actor, reason, claim.token, &state);
        let store = Arc::clone(&self.0.store);
        spawn_on_runtime(self.0.abandonments.track_future(async move {
            entry.response_digest = body.map(|body| Sha256::digest(body).into());
            append(&*store, entry).await;
        }));
    }
}

async fn append(store: &dyn IdempotencyStore, entry: AuditEntry) {
    let Some(records) = store.records() else { return };
    for sends in 1.. {
        let appended = records.append_audit(entry.clone()).bounded(ATTEMPT_TIMEOUT).await;
        match appended {
            Ok(()) => return,
            Err(_) if sends < MAX_SENDS => sleep(pause(sends)).await,
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::warn!(record = %entry.record, error, "the audit log does not contain a late completion");
                return;
            }
        }
    }
}
