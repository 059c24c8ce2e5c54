//! The lease as its run sees it.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::schedule::{DueKey, Schedule};
use super::state::{LeaseLoss, LeaseState};
use crate::model::{Claim, Fingerprint, Policy};

/// The lease of one run. Dropping it ends the renewals.
pub(in crate::engine) struct Lease {
    state: Arc<LeaseState>,
    schedule: Arc<Schedule>,
    /// The first key in the schedule. It changes with the first renewal, and then the schedule removes the
    /// lease by itself.
    first_due: DueKey,
}

impl Lease {
    pub(super) const fn new(
        state: Arc<LeaseState>,
        schedule: Arc<Schedule>,
        first_due: DueKey,
    ) -> Self {
        Self { state, schedule, first_due }
    }

    pub(in crate::engine) fn claim(&self) -> Claim {
        self.state.holder.claim
    }

    pub(in crate::engine) fn policy(&self) -> &'static Policy {
        self.state.holder.policy
    }

    pub(in crate::engine) fn fingerprint(&self) -> Option<Fingerprint> {
        self.state.holder.fingerprint
    }

    pub(in crate::engine) fn recoverable(&self) -> bool {
        self.state.holder.recoverable
    }

    /// The state that the code of the handler shares.
    pub(in crate::engine) const fn state(&self) -> &Arc<LeaseState> {
        &self.state
    }

    /// Marks that the handler has ended. From now on the run is not cancelled, and only it writes its end.
    pub(in crate::engine) fn begin_settling(&self) {
        self.state.begin_settling();
    }

    /// Whether the run exceeded its `max_run`.
    pub(in crate::engine) fn overran(&self) -> bool {
        self.state.overran(Instant::now())
    }

    /// Returns the loss of the lease, if there is one.
    pub(in crate::engine) fn loss(&self) -> Option<LeaseLoss> {
        self.state.loss()
    }

    /// Resolves when the lease is lost.
    pub(in crate::engine) fn poll_loss(&self, cx: &mut Context<'_>) -> Poll<LeaseLoss> {
        self.state.poll_loss(cx.waker()).map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.state.end() {
            let (operation, record) = self.state.names();
            tracing::warn!(operation, %record, "a run was dropped before it ended: its outcome is unknown once its lease is over");
        }
        self.schedule.remove(&self.first_due);
    }
}
