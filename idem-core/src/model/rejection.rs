//! Why a request was not run and not replayed.

use std::time::Duration;

use super::{KeyError, StoreError};
use crate::store::Capacity;

/// A request that the toolkit answered itself. Adapters send it as a problem document
/// (SEMANTICS section 6); `Display` is for logs and never shows a key, a scope or a body.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The handler requires a key and none came (R6).
    #[error("the request has no idempotency key")]
    KeyMissing,
    /// A key came that is not one (R1, R3-R5).
    #[error("the idempotency key is malformed")]
    KeyInvalid(#[from] KeyError),
    /// The key was used for another request (R9, R10).
    #[error("the idempotency key was used for a different request")]
    KeyReused,
    /// The first request still runs (R17).
    #[error("a request with the same idempotency key is still running")]
    InProgress,
    /// The first request started, and nobody knows how it ended (R31).
    #[error("the outcome of the first request with this idempotency key is unknown")]
    OutcomeUnknown,
    /// The first request ran to its end, but its answer was not kept (R37).
    #[error("the first request with this idempotency key is done, but its answer was not kept")]
    ResultUnavailable {
        /// The status the first caller saw; a guarded function's result has one of its own.
        status: u16,
    },
    /// No claim could be established, so nothing was run (R34).
    #[error("the idempotency store did not answer in time or refused")]
    StoreUnavailable(#[source] Option<StoreError>),
    /// It ran to its end, but the store has not taken its answer. Under at least once its caller must not
    /// see a success that a later run may contradict (R35).
    #[error("the idempotency store has not taken the answer of a finished run yet")]
    Unrecorded(#[source] StoreError),
    /// It ran inside a transaction that was not committed: nothing of it happened, or, where the error is
    /// [`Unknown`](crate::store::StoreErrorKind::Unknown), all of it. A retry finds out.
    #[error("the transaction of the run was not committed, as far as can be told")]
    NotCommitted(#[source] StoreError),
    /// Its handler takes a transaction, and the store has none to give.
    #[error(
        "the handler takes a transaction, which only the Postgres store gives: build the `Idempotency` on a `PostgresStore`"
    )]
    NoTransactions,
    /// Its handler takes a transaction, and the request has no key, so nothing opens one.
    #[error(
        "the handler takes a transaction, which only requests with a key get: take `optional` out of the attribute, and keep it off GET routes"
    )]
    Unguarded,
    /// The process is shutting down, so nothing new is begun.
    #[error("the service is shutting down")]
    Draining,
    /// There is no room for another key (R41).
    #[error("too many live idempotency keys in this {}", match .0 { Capacity::Scope => "scope", Capacity::Store => "store" })]
    TooManyKeys(Capacity),
    /// The request's body is over the route's limit (R36).
    #[error("the request body is too large")]
    BodyTooLarge,
    /// The scope expression yielded an empty value: fail closed (R15).
    #[error("the scope is empty; the scope expression must name a value that authentication fills")]
    ScopeEmpty,
    /// The value named by `fingerprint = "…"` cannot be written as JSON.
    #[error("the fingerprint expression cannot be written as JSON")]
    FingerprintInvalid(#[source] serde_json::Error),
    /// What stands under the key cannot be read; it is never run again.
    #[error("the stored record cannot be read")]
    RecordUnreadable(#[source] StoreError),
    /// A guarded function's stored result is no value of the type that it returns by now; it is never
    /// run again.
    #[error(
        "the stored result cannot be read; the function's type must read what earlier versions stored"
    )]
    ResultUnreadable(#[source] serde_json::Error),
    /// A guarded function panicked; under at least once its key is free again.
    #[error("the function panicked; the log says where")]
    Panicked,
}

impl Rejection {
    /// The word for it: the end of the problem's `type`, and the outcome in traces.
    pub const fn slug(&self) -> &'static str {
        match self {
            Self::KeyMissing => "key-missing",
            Self::KeyInvalid(_) => "key-invalid",
            Self::KeyReused => "key-reused",
            Self::InProgress => "in-progress",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::ResultUnavailable { .. } => "result-unavailable",
            Self::StoreUnavailable(_)
            | Self::Unrecorded(_)
            | Self::NotCommitted(_)
            | Self::Draining => "store-unavailable",
            Self::TooManyKeys(_) => "too-many-keys",
            Self::BodyTooLarge => "body-too-large",
            Self::ScopeEmpty
            | Self::FingerprintInvalid(_)
            | Self::RecordUnreadable(_)
            | Self::ResultUnreadable(_)
            | Self::NoTransactions
            | Self::Unguarded
            | Self::Panicked => "internal-error",
        }
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::KeyMissing | Self::KeyInvalid(_) => 400,
            Self::KeyReused => 422,
            Self::InProgress | Self::OutcomeUnknown | Self::ResultUnavailable { .. } => 409,
            Self::StoreUnavailable(_)
            | Self::Unrecorded(_)
            | Self::NotCommitted(_)
            | Self::Draining
            | Self::TooManyKeys(Capacity::Store) => 503,
            Self::TooManyKeys(Capacity::Scope) => 429,
            Self::BodyTooLarge => 413,
            Self::ScopeEmpty
            | Self::FingerprintInvalid(_)
            | Self::RecordUnreadable(_)
            | Self::ResultUnreadable(_)
            | Self::NoTransactions
            | Self::Unguarded
            | Self::Panicked => 500,
        }
    }

    /// Whether the same request may succeed later, unchanged.
    pub const fn retryable(&self) -> bool {
        matches!(
            self,
            Self::InProgress
                | Self::StoreUnavailable(_)
                | Self::Unrecorded(_)
                | Self::NotCommitted(_)
                | Self::Draining
                | Self::TooManyKeys(_)
        )
    }
}

/// The least that `Retry-After` may say: it has whole seconds, and 0 would mean at once (R17).
pub(crate) const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);
