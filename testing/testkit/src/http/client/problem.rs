//! The refusals of idem.

/// A refusal, as listed in `docs/semantics.md#problem-documents`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The last part of its `type`.
    pub slug: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Whether the same request may succeed later. The response then has `Retry-After`.
    pub retryable: bool,
}

impl Problem {
    /// The key is missing.
    pub const KEY_MISSING: Self = Self::permanent("key-missing", 400);
    /// The key is malformed.
    pub const KEY_INVALID: Self = Self::permanent("key-invalid", 400);
    /// The key was used with a different request.
    pub const KEY_REUSED: Self = Self::permanent("key-reused", 422);
    /// Nothing is recorded under the key.
    pub const KEY_UNKNOWN: Self = Self::permanent("key-unknown", 404);
    /// The first request is still running.
    pub const IN_PROGRESS: Self = Self::retryable("in-progress", 409);
    /// The outcome of the run is unknown.
    pub const OUTCOME_UNKNOWN: Self = Self::permanent("outcome-unknown", 409);
    /// The outcome of the run is unknown, and a later request can find it out.
    pub const OUTCOME_UNKNOWN_YET: Self = Self::retryable("outcome-unknown", 409);
    /// The response was too large to store.
    pub const RESULT_UNAVAILABLE: Self = Self::permanent("result-unavailable", 409);
    /// The store could not be reached.
    pub const STORE_UNAVAILABLE: Self = Self::retryable("store-unavailable", 503);
    /// The scope is at its quota.
    pub const SCOPE_FULL: Self = Self::retryable("too-many-keys", 429);
    /// The store is at its capacity.
    pub const STORE_FULL: Self = Self::retryable("too-many-keys", 503);
    /// The process runs as many handlers as it may.
    pub const TOO_MANY_RUNS: Self = Self::retryable("too-many-runs", 503);
    /// The request body is too large.
    pub const BODY_TOO_LARGE: Self = Self::permanent("body-too-large", 413);

    /// Whether it names its record. These problems are found before key, scope and operation are known.
    pub fn names_record(&self) -> bool {
        !matches!(self.slug, "key-missing" | "key-invalid" | "key-unknown" | "body-too-large")
    }

    const fn permanent(slug: &'static str, status: u16) -> Self {
        Self { slug, status, retryable: false }
    }

    const fn retryable(slug: &'static str, status: u16) -> Self {
        Self { slug, status, retryable: true }
    }
}
