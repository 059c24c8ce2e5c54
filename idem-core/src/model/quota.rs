//! Bounds on the number of live keys.

use std::num::NonZeroU32;

use super::ScopeId;

/// A bound on the live keys of one scope (R41).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Whose keys are counted.
    pub scope: ScopeId,
    /// How many may be live at once: running, completed or unknown, and not expired.
    pub max_keys: NonZeroU32,
}

/// Which bound a claim met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// The scope's quota.
    Scope,
    /// The whole store.
    Store,
}
