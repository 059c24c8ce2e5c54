//! The reasons for which a request is refused.

use std::time::Duration;

use super::{Capacity, KeyError, StoreError};

/// The reason for which idem refuses a request in place of the handler.
///
/// Adapters send it as a [problem document](crate::rules::semantics#problem-documents). `Display` is for logs. It never
/// contains a key, a scope or a body.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The handler requires a key, and the request has none: [missing key](crate::rules::semantics#missing-key).
    #[error("the request has no idempotency key")]
    KeyMissing,
    /// The idempotency key is malformed.
    #[error("the idempotency key is invalid")]
    KeyInvalid(#[from] KeyError),
    /// The key was already used for a different request:
    /// [fingerprint mismatch](crate::rules::semantics#fingerprint-mismatch).
    #[error("the idempotency key was already used for a different request")]
    KeyReused,
    /// The first request still runs: [duplicate of a running
    /// request](crate::rules::semantics#duplicate-of-a-running-request).
    #[error("a request with the same idempotency key is still running")]
    InProgress,
    /// The first request started, and its result is not known:
    /// [outcome unknown](crate::rules::semantics#outcome-unknown).
    #[error("the outcome of the first request with this idempotency key is unknown")]
    OutcomeUnknown {
        /// The time after which a retry can determine the outcome, because the handler has `recover`. `None`: a retry would be
        /// refused again.
        retry_after: Option<Duration>,
    },
    /// The first request is done, but its response was
    /// [not retained](crate::rules::guarantees#response-not-retained).
    #[error(
        "the first request with this idempotency key is done, but its response was not retained"
    )]
    ResultUnavailable {
        /// The status that the first caller got. For a plain function it is 200 for `Ok` and 400 for `Err`.
        status: u16,
    },
    /// Nothing is recorded under the key whose [status](crate::Idempotency::status) was asked for.
    #[error("nothing is recorded under the idempotency key")]
    KeyUnknown,
    /// The claim could not be confirmed, so the handler did not run:
    /// [store failure before the run](crate::rules::semantics#store-failure-before-the-run).
    #[error("the idempotency store rejected the claim or did not reply in time")]
    StoreUnavailable(#[source] Option<StoreError>),
    /// The run ended, but the store has not accepted its completion:
    /// [store failure after the run](crate::rules::semantics#store-failure-after-the-run).
    ///
    /// Returned under at least once and with `recover`, because a later run may contradict the response.
    #[error("the run ended, but the idempotency store has not stored its response yet")]
    Unrecorded(#[source] StoreError),
    /// The transaction of the run was not committed, so the run had no effect. If the kind of the error is
    /// [`Unknown`](crate::store::StoreErrorKind::Unknown), the transaction may have been committed; a retry gets the
    /// stored response in that case.
    #[error("the transaction was rolled back, or its commit could not be confirmed")]
    NotCommitted(#[source] StoreError),
    /// The handler takes a transaction, and the store does not support transactions.
    #[error(
        "the handler takes a transaction, but the store has no transactions; build the `Idempotency` on a `PostgresStore`"
    )]
    NoTransactions,
    /// The handler takes a transaction, and the request is not guarded, so no transaction is open.
    #[error(
        "the handler takes a transaction, but the request is not guarded; remove `optional` from the attribute, and do not route GET requests to the handler"
    )]
    Unguarded,
    /// The route has two guards: a layer and the attribute, or two layers.
    #[error("guarded twice: use the layer or the attribute")]
    GuardedTwice,
    /// The request's extensions do not contain the value of this type, which a layer should use as its scope.
    #[error("no scope: the layer is outside the layer that sets `{0}`")]
    ScopeMissing(&'static str),
    /// A layer has no name for the operation of a request: the request matched no route, or the given name is empty.
    #[error(
        "no operation: the request matched no route, or the name is empty; name it with `.operation(…)`"
    )]
    OperationMissing,
    /// A layer does not guard gRPC: [gRPC](crate::rules::semantics#grpc).
    #[error("a layer does not guard gRPC; route gRPC services around it")]
    Grpc,
    /// The process is [shutting down](crate::rules::guarantees#shutdown) and refuses new requests.
    #[error("the service is shutting down")]
    Draining,
    /// The key is new, and its scope or the store is full: [key quotas](crate::rules::semantics#key-quotas).
    #[error("too many live idempotency keys in this {}", match .0 { Capacity::Scope => "scope", Capacity::Store => "store" })]
    TooManyKeys(Capacity),
    /// The request would start a run, and the process runs as many as it may, in total or in this scope:
    /// [concurrent runs](crate::rules::semantics#concurrent-runs).
    #[error("too many runs are active in this process")]
    TooManyRuns,
    /// The body exceeds the route's [request body limit](crate::rules::semantics#request-body-limit).
    #[error("the request body is too large")]
    BodyTooLarge,
    /// The value of the scope expression is empty: [scope source](crate::rules::semantics#scope-source).
    #[error("the scope is empty; the scope must come from a value that authentication sets")]
    ScopeEmpty,
    /// The value of the `fingerprint = "…"` expression cannot be serialized as JSON.
    #[error("the fingerprint expression cannot be serialized as JSON")]
    FingerprintInvalid(#[source] serde_json::Error),
    /// The record under the key cannot be read. The handler never runs again for it:
    /// [corrupt records](crate::rules::guarantees#corrupt-records).
    #[error("the stored record cannot be read")]
    RecordUnreadable(#[source] StoreError),
    /// The stored result of a plain function is not a value of the function's current type. The function never runs
    /// again for this key.
    #[error(
        "the stored result cannot be read; the function's return type must accept the results of earlier versions"
    )]
    ResultUnreadable(#[source] serde_json::Error),
    /// A plain function panicked under at least once, and its key is free again.
    #[error("the function panicked; see the log")]
    Panicked,
}

impl Rejection {
    /// The name of the rejection: the end of the problem's `type`, and the outcome in traces.
    pub const fn slug(&self) -> &'static str {
        match self {
            Self::KeyMissing => "key-missing",
            Self::KeyInvalid(_) => "key-invalid",
            Self::KeyReused => "key-reused",
            Self::KeyUnknown => "key-unknown",
            Self::InProgress => "in-progress",
            Self::OutcomeUnknown { .. } => "outcome-unknown",
            Self::ResultUnavailable { .. } => "result-unavailable",
            Self::StoreUnavailable(_)
            | Self::Unrecorded(_)
            | Self::NotCommitted(_)
            | Self::Draining => "store-unavailable",
            Self::TooManyKeys(_) => "too-many-keys",
            Self::TooManyRuns => "too-many-runs",
            Self::BodyTooLarge => "body-too-large",
            Self::ScopeEmpty
            | Self::FingerprintInvalid(_)
            | Self::RecordUnreadable(_)
            | Self::ResultUnreadable(_)
            | Self::NoTransactions
            | Self::Unguarded
            | Self::GuardedTwice
            | Self::ScopeMissing(_)
            | Self::OperationMissing
            | Self::Grpc
            | Self::Panicked => "internal-error",
        }
    }

    /// The HTTP status of the problem document.
    pub const fn status(&self) -> u16 {
        match self {
            Self::KeyMissing | Self::KeyInvalid(_) => 400,
            Self::KeyReused => 422,
            Self::KeyUnknown => 404,
            Self::InProgress | Self::OutcomeUnknown { .. } | Self::ResultUnavailable { .. } => 409,
            Self::StoreUnavailable(_)
            | Self::Unrecorded(_)
            | Self::NotCommitted(_)
            | Self::Draining
            | Self::TooManyKeys(Capacity::Store)
            | Self::TooManyRuns => 503,
            Self::TooManyKeys(Capacity::Scope) => 429,
            Self::BodyTooLarge => 413,
            Self::ScopeEmpty
            | Self::FingerprintInvalid(_)
            | Self::RecordUnreadable(_)
            | Self::ResultUnreadable(_)
            | Self::NoTransactions
            | Self::Unguarded
            | Self::GuardedTwice
            | Self::ScopeMissing(_)
            | Self::OperationMissing
            | Self::Grpc
            | Self::Panicked => 500,
        }
    }

    /// Whether the same request can succeed later without a change.
    pub const fn retryable(&self) -> bool {
        matches!(
            self,
            Self::OutcomeUnknown { retry_after: Some(_) }
                | Self::InProgress
                | Self::StoreUnavailable(_)
                | Self::Unrecorded(_)
                | Self::NotCommitted(_)
                | Self::Draining
                | Self::TooManyKeys(_)
                | Self::TooManyRuns
        )
    }
}

impl Rejection {
    /// The time after which the same request should be sent again, if it is [retryable](Self::retryable). `default` is the
    /// [delay of the service](crate::IdempotencyBuilder::retry_after).
    pub const fn retry_after(&self, default: Duration) -> Option<Duration> {
        match self {
            Self::OutcomeUnknown { retry_after } => *retry_after,
            _ if self.retryable() => Some(default),
            _ => None,
        }
    }
}

/// The minimum of `Retry-After`. The header has whole seconds, and 0 would invite an immediate retry.
pub(crate) const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);
