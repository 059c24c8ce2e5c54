//! The calls that change records.

use std::time::Instant;

use idem_core::state_machine::{Change, Slot};
use idem_core::store::{
    AuditEntry, ClaimOutcome, ClaimRequest, RecordId, StoreError, Timestamp, Update,
};
use tokio::sync::oneshot;

/// A call, and the time at which it was sent.
pub(crate) struct Call {
    pub(super) sent: Instant,
    pub(super) kind: Kind,
}

/// A transition of the state machine that presents a claim, or is made by an operator.
pub(crate) type Transition = Box<dyn Fn(Option<&Slot>, Timestamp) -> (Change, Update) + Send>;

pub(crate) enum Kind {
    Claim {
        id: RecordId,
        request: Box<ClaimRequest>,
        reply: Reply<ClaimOutcome>,
    },
    Update {
        id: RecordId,
        transition: Transition,
        audit: Option<AuditEntry>,
        reply: Reply<Update>,
    },
    /// Writes an entry about something that changed no record.
    AppendAudit {
        entry: AuditEntry,
        reply: Reply<()>,
    },
    /// Deletes old entries of the audit log.
    PruneAudit {
        before: Timestamp,
        reply: Reply<u64>,
    },
    /// Deletes expired records.
    Sweep {
        reply: Reply<u64>,
    },
}

/// The outcome of a call, and its caller.
pub(crate) struct Reply<T> {
    outcome: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T> Reply<T> {
    pub(crate) fn to(caller: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { outcome: None, caller }
    }

    /// Keeps the outcome until the transaction is committed.
    pub(super) fn keep(&mut self, outcome: Result<T, StoreError>) {
        self.outcome = Some(outcome);
    }

    fn finish(self) {
        let outcome = self.outcome.unwrap_or_else(|| Err(StoreError::unknown(NoOutcome)));
        drop(self.caller.send(outcome)); // the caller may have left
    }
}

/// A call of a committed transaction has no outcome.
#[derive(Debug, thiserror::Error)]
#[error("the writer of the SQLite store did not reply; report this as a bug of idem-sqlite")]
struct NoOutcome;

impl Call {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { sent: Instant::now(), kind }
    }

    /// The record that the call reads.
    pub(super) fn id(&self) -> Option<RecordId> {
        match &self.kind {
            Kind::Claim { id, .. } | Kind::Update { id, .. } => Some(*id),
            Kind::AppendAudit { .. } | Kind::PruneAudit { .. } | Kind::Sweep { .. } => None,
        }
    }

    /// Sends the outcome to the caller.
    pub(super) fn finish(self) {
        match self.kind {
            Kind::Claim { reply, .. } => reply.finish(),
            Kind::Update { reply, .. } => reply.finish(),
            Kind::AppendAudit { reply, .. } => reply.finish(),
            Kind::PruneAudit { reply, .. } | Kind::Sweep { reply } => reply.finish(),
        }
    }

    /// Sends an error to the caller.
    pub(super) fn fail(mut self, error: StoreError) {
        match &mut self.kind {
            Kind::Claim { reply, .. } => reply.keep(Err(error)),
            Kind::Update { reply, .. } => reply.keep(Err(error)),
            Kind::AppendAudit { reply, .. } => reply.keep(Err(error)),
            Kind::PruneAudit { reply, .. } | Kind::Sweep { reply } => reply.keep(Err(error)),
        }
        self.finish();
    }
}
