//! When to look through a collection for what is gone.

/// The least length at which it is worth it.
const FLOOR: usize = 64;

/// Due once the collection doubled since the last time, so that each insert pays a constant share.
#[derive(Default)]
pub(super) struct Doubling {
    due_at: usize,
}

impl Doubling {
    pub(super) fn is_due(&self, len: usize) -> bool {
        len >= self.due_at.max(FLOOR)
    }

    /// The collection was looked through, and `len` is what is left.
    pub(super) const fn done(&mut self, len: usize) {
        self.due_at = 2 * len;
    }
}
