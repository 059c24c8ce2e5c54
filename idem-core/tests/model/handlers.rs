//! The handlers of a check: their guarantee, and whether they have `recover`.

use idem_core::{Guarantee, Policy};

use crate::store::{HOLD, LEASE, MAX_ATTEMPTS, ProcessId, TTL, micros};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handlers {
    pub(crate) guarantee: Guarantee,
    pub(crate) recover: Recover,
}

/// The processes whose handlers have `recover`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recover {
    Never,
    Always,
    /// The first process has an older version of the handler.
    ExceptFirst,
}

impl Handlers {
    pub(crate) fn recovers(self, process: ProcessId) -> bool {
        match self.recover {
            Recover::Never => false,
            Recover::Always => true,
            Recover::ExceptFirst => process > 0,
        }
    }

    /// Whether `process` may recover the outcome of a run of `owner`.
    pub(crate) fn may_recover(self, owner: ProcessId, process: ProcessId) -> bool {
        self.recovers(owner) && self.recovers(process)
    }

    /// Whether another run may start while a run of `process` is active. Such a run is cancelled when its lease
    /// ends, and its client gets its response only if that is the accepted one.
    pub(crate) fn may_be_replaced(self, process: ProcessId) -> bool {
        self.guarantee == Guarantee::AtLeastOnce || self.recovers(process)
    }

    pub(crate) fn policy(self) -> Policy {
        Policy::new(micros(TTL), self.guarantee)
            .with_hold(micros(HOLD))
            .with_lease(micros(LEASE))
            .with_max_attempts(MAX_ATTEMPTS)
    }
}
