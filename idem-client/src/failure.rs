//! The reasons why an operation has no final reply.

use std::error::Error as StdError;
use std::fmt;

use reqwest::Response;
use reqwest_middleware::Error;

use crate::key::{IdempotencyKey, KeyError};

/// The reason why an operation has no final reply.
///
/// The operation may have been carried out, except after [`NotSent`](Self::NotSent). Each variant describes
/// how to continue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// An earlier attempt is still running on the server. Send the same request with the same key later.
    #[error("the operation is still in progress; send it again later with the same key")]
    InProgress(#[source] Box<GaveUp>),
    /// The server started the operation, and the outcome is unknown. Check by other means whether the
    /// operation took place. Do not send it again.
    ///
    /// If [`GaveUp::limit`] is set, the server can still find out the outcome: it asked for a retry, and a limit prevented
    /// it. Then send the same request with the same key later.
    #[error("the outcome of the operation is unknown; check whether it took place")]
    OutcomeUnknown(#[source] Box<GaveUp>),
    /// The operation was completed, but the server did not store its response. Look up the result.
    #[error("the operation was completed, but its response was not stored; look up the result")]
    ResultUnavailable(#[source] Box<GaveUp>),
    /// The key was used with a different request. Nothing was done for this request. Check which of the two
    /// requests is the intended one.
    #[error(
        "the idempotency key was used before with a different request; check which is intended"
    )]
    KeyReused(#[source] Box<GaveUp>),
    /// The policy allows no further attempt. Send the same request with the same key later.
    #[error("retries exhausted; send the operation again later with the same key")]
    Exhausted(#[source] Box<GaveUp>),
    /// An attempt may have been carried out, and the last response or error does not show whether it was.
    /// Fix the reported problem, such as an expired token, and send the same request with the same key.
    /// Never use a new key.
    ///
    /// Returned when
    ///
    /// - an error response follows an attempt whose response was lost,
    /// - the server returns an error that is neither retried nor a replay, or
    /// - other middleware of the client cancels an attempt.
    #[error("the operation may have been carried out; send it again with the same key")]
    Indeterminate(#[source] Box<GaveUp>),
    /// An error that a retry does not fix, such as too many redirects.
    #[error("the operation failed with a non-retryable error")]
    Unretryable(#[source] Box<GaveUp>),
    /// Other middleware of the client failed before it called this one. No attempt was made.
    #[error("other middleware of the client failed before the first attempt")]
    Outside(#[source] Error),
    /// The request was not sent.
    #[error("the request was not sent")]
    NotSent(#[source] NotSent),
}

impl Failure {
    /// Returns the state of the operation when the client gave up. `None` if no attempt was made.
    pub fn gave_up(&self) -> Option<&GaveUp> {
        match self {
            Self::InProgress(gave_up)
            | Self::OutcomeUnknown(gave_up)
            | Self::ResultUnavailable(gave_up)
            | Self::KeyReused(gave_up)
            | Self::Exhausted(gave_up)
            | Self::Indeterminate(gave_up)
            | Self::Unretryable(gave_up) => Some(gave_up),
            Self::Outside(_) | Self::NotSent(_) => None,
        }
    }

    /// Converts the failure into the state of the operation, so that the last response can be read to its
    /// end. `None` if no attempt was made.
    pub fn into_gave_up(self) -> Option<GaveUp> {
        match self {
            Self::InProgress(gave_up)
            | Self::OutcomeUnknown(gave_up)
            | Self::ResultUnavailable(gave_up)
            | Self::KeyReused(gave_up)
            | Self::Exhausted(gave_up)
            | Self::Indeterminate(gave_up)
            | Self::Unretryable(gave_up) => Some(*gave_up),
            Self::Outside(_) | Self::NotSent(_) => None,
        }
    }

    /// Returns the key to continue with. `None` if no attempt was made.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        self.gave_up().map(|gave_up| &gave_up.key)
    }
}

/// The state of an operation when the client gave up.
#[derive(Debug)]
#[non_exhaustive]
pub struct GaveUp {
    /// The key that every attempt carried.
    pub key: IdempotencyKey,
    /// The number of attempts made.
    pub attempts: u32,
    /// The limit that prevented another attempt. `None` if another attempt would not have helped.
    pub limit: Option<RetryLimit>,
    /// The result of the last attempt.
    pub last: LastAttempt,
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempts {
            1 => f.write_str("stopped after 1 attempt")?,
            attempts => write!(f, "stopped after {attempts} attempts")?,
        }
        if let Some(limit) = self.limit {
            write!(f, " ({limit})")?;
        }
        match &self.last {
            LastAttempt::Response(response) => {
                write!(f, "; the last response was {}", response.status())
            }
            LastAttempt::Error(_) => f.write_str("; the last attempt failed"),
        }
    }
}

impl StdError for GaveUp {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.last {
            LastAttempt::Response(_) => None,
            LastAttempt::Error(error) => Some(error),
        }
    }
}

/// The result of the last attempt.
#[derive(Debug)]
pub enum LastAttempt {
    /// The attempt ended with this response.
    Response(Response),
    /// The attempt ended without a response.
    Error(Error),
}

impl From<Result<Response, Error>> for LastAttempt {
    fn from(result: Result<Response, Error>) -> Self {
        // The URL can contain secrets, and errors are logged with their sources.
        result.map_or_else(|error| Self::Error(error.without_url()), Self::Response)
    }
}

/// The limit that prevented another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryLimit {
    /// The number of failed attempts reached [`RetryPolicy::attempts`](crate::RetryPolicy::attempts), or
    /// two attempts ended with a 500.
    Attempts,
    /// The [deadline](crate::RetryPolicy::deadline) passed, or would have passed during the next pause.
    Deadline,
    /// The [retry budget](crate::RetryBudget) of the client was exhausted.
    Budget,
}

impl fmt::Display for RetryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attempts => "attempt limit reached",
            Self::Deadline => "deadline reached",
            Self::Budget => "retry budget exhausted",
        })
    }
}

/// The reason why a request was rejected before it was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// The body is a stream. It can be read only once, so the request could not be sent again.
    #[error("the body is a stream, which cannot be sent twice; use a body that is held in memory")]
    Stream,
    /// The idempotency key is invalid.
    #[error("the idempotency key of the request is invalid")]
    Key(#[from] KeyError),
    /// The request has several key headers, whether their values are equal or not.
    #[error("the request has more than one idempotency key; send exactly one")]
    SeveralKeys,
    /// The client has no idempotency middleware, so it would not retry.
    #[error(
        "the client has no idempotency middleware; build it with `IdempotencyMiddleware::attach`"
    )]
    NoMiddleware,
    /// The request could not be built, or its URL is not HTTP(S).
    #[error("the request could not be built, or its URL is not HTTP(S)")]
    Request(#[source] reqwest::Error),
}
