//! Limits on the number of live keys.

use std::num::NonZeroU32;

use super::ScopeId;

/// The [quota](crate::rules::semantics#key-quotas) of one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The scope whose keys are counted.
    pub scope: ScopeId,
    /// The maximum number of live keys. A key is live until its record expires, whatever its state.
    pub max_keys: NonZeroU32,
}

/// The limit that a claim exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// The quota of the scope.
    Scope,
    /// The capacity of the whole store.
    Store,
}
