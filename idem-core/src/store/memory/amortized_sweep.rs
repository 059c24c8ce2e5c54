//! Schedules cleanup so that it costs amortized O(1) per insert.

/// The minimum length at which a cleanup is worth its cost.
const FLOOR: usize = 64;

/// Schedules the cleanup of a collection. It is due when the collection has doubled since the last cleanup.
#[derive(Default)]
pub(super) struct AmortizedSweep {
    due_at: usize,
}

impl AmortizedSweep {
    pub(super) fn is_due(&self, len: usize) -> bool {
        len >= self.due_at.max(FLOOR)
    }

    /// Records a cleanup that left `len` entries.
    pub(super) const fn done(&mut self, len: usize) {
        self.due_at = 2 * len;
    }
}
