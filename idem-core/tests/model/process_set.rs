//! Sets of processes.

use crate::store::ProcessId;

/// A set of processes, as a bit mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ProcessSet(u8);

impl ProcessSet {
    pub(crate) fn insert(&mut self, process: ProcessId) {
        self.0 |= 1 << process;
    }

    pub(crate) fn contains(self, process: ProcessId) -> bool {
        self.0 & 1 << process != 0
    }
}
