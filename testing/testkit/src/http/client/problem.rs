//! The answers that the toolkit makes itself (SEMANTICS section 6).

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The end of its `type`.
    pub slug: &'static str,
    /// Its status.
    pub status: u16,
    /// Whether the same request may succeed later; it then has a `Retry-After`.
    pub retryable: bool,
}

impl Problem {
    /// R6
    pub const KEY_MISSING: Self = Self::last("key-missing", 400);
    /// R1, R3-R5
    pub const KEY_INVALID: Self = Self::last("key-invalid", 400);
    /// R9
    pub const KEY_REUSED: Self = Self::last("key-reused", 422);
    /// R17
    pub const IN_PROGRESS: Self = Self::retryable("in-progress", 409);
    /// R31
    pub const OUTCOME_UNKNOWN: Self = Self::last("outcome-unknown", 409);
    /// R37
    pub const RESULT_UNAVAILABLE: Self = Self::last("result-unavailable", 409);
    /// R34
    pub const STORE_UNAVAILABLE: Self = Self::retryable("store-unavailable", 503);
    /// R41, per scope
    pub const SCOPE_FULL: Self = Self::retryable("too-many-keys", 429);
    /// R41, the whole store
    pub const STORE_FULL: Self = Self::retryable("too-many-keys", 503);
    /// R36
    pub const BODY_TOO_LARGE: Self = Self::last("body-too-large", 413);

    const fn last(slug: &'static str, status: u16) -> Self {
        Self { slug, status, retryable: false }
    }

    const fn retryable(slug: &'static str, status: u16) -> Self {
        Self { slug, status, retryable: true }
    }
}
