//! Classifies the result of an attempt.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use reqwest_middleware::Error;

use crate::key_problem::{ErrorResponse, KeyProblem, is_replay};

/// The meaning of an attempt's result for the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server's response to this attempt, whatever its status.
    Fresh,
    /// The stored response to an earlier attempt.
    Replayed,
    KeyReused,
    /// An earlier attempt was lost, and the server cannot find out its outcome.
    OutcomeUnknown,
    ResultUnavailable,
    /// An earlier attempt is still running, and the server forbids retries.
    InProgress,
    /// An error that another attempt would only meet again.
    Unretryable,
    /// Another attempt may succeed.
    Retry(Cause),
}

/// The reason for another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// An earlier attempt is still running.
    InProgress,
    /// An earlier attempt was lost, and the server will ask later for its outcome.
    OutcomeUnknown,
    /// A 500. One more attempt shows whether the service stored the first response.
    ServerError,
    /// No connection, no response, half a response, or a response that requests a retry.
    Transient,
}

impl Cause {
    /// Whether the response shows that an earlier attempt has not ended, or that its end is not known yet. Such a response
    /// does not count as a failed attempt.
    pub(crate) const fn is_unsettled(self) -> bool {
        matches!(self, Self::InProgress | Self::OutcomeUnknown)
    }
}

impl Verdict {
    /// Classifies a response. `body` is `None` if it is too long to be a problem document.
    pub(crate) fn of_response(
        status: StatusCode,
        headers: &HeaderMap,
        body: Option<&Bytes>,
    ) -> Self {
        if is_replay(headers) {
            return Self::Replayed;
        }
        if !(status.is_client_error() || status.is_server_error()) {
            return Self::Fresh;
        }
        let response = ErrorResponse::parse(status, headers, body.map_or(&[], |body| body));
        // idem marks its refusals, and a service can give them another status than 409.
        let is_temporary = headers.contains_key(RETRY_AFTER)
            && (status == StatusCode::CONFLICT || response.is_refusal_of_idem());
        match (response.key_problem(), response.retryable()) {
            (Some(KeyProblem::InProgress), Some(false)) => Self::InProgress,
            // Without `Retry-After`, only a person can find out the outcome.
            (Some(KeyProblem::OutcomeUnknown), None | Some(true)) if is_temporary => {
                Self::Retry(Cause::OutcomeUnknown)
            }
            (Some(problem), _) => problem.into(),
            (None, Some(true)) => Self::Retry(Cause::Transient),
            (None, Some(false)) => Self::Fresh,
            // Some services report a running request only by a 409 with `Retry-After`. A permanent conflict
            // has no such header.
            (None, None) if is_temporary && response.has_no_problem_name() => {
                Self::Retry(Cause::InProgress)
            }
            (None, None) => Self::of_status(status),
        }
    }

    const fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            408 | 425 | 429 | 502 | 503 | 504 => Self::Retry(Cause::Transient),
            500 => Self::Retry(Cause::ServerError),
            _ => Self::Fresh,
        }
    }

    /// Classifies an error.
    pub(crate) fn of_error(error: &Error) -> Self {
        let is_lost = match error {
            // `is_request` covers failures to connect, to send and to receive the head. `is_decode` covers
            // failures to read the body. Timeouts are one or the other.
            Error::Reqwest(error) => error.is_request() || error.is_decode(),
            Error::Middleware(error) => error.is::<TimedOut>(),
        };
        if is_lost { Self::Retry(Cause::Transient) } else { Self::Unretryable }
    }

    /// The name of the verdict in traces.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Replayed => "replayed",
            Self::KeyReused => "key-reused",
            Self::OutcomeUnknown | Self::Retry(Cause::OutcomeUnknown) => "outcome-unknown",
            Self::ResultUnavailable => "result-unavailable",
            Self::Unretryable => "unretryable",
            Self::InProgress | Self::Retry(Cause::InProgress) => "in-progress",
            Self::Retry(Cause::ServerError) => "server-error",
            Self::Retry(Cause::Transient) => "transient",
        }
    }
}

impl From<KeyProblem> for Verdict {
    fn from(problem: KeyProblem) -> Self {
        match problem {
            KeyProblem::InProgress => Self::Retry(Cause::InProgress),
            KeyProblem::KeyReused => Self::KeyReused,
            KeyProblem::OutcomeUnknown => Self::OutcomeUnknown,
            KeyProblem::ResultUnavailable => Self::ResultUnavailable,
        }
    }
}

/// No complete response arrived within the time for one attempt, or before the deadline. The server may
/// still have carried out the operation.
#[derive(Debug, thiserror::Error)]
#[error("the server did not respond in time")]
#[non_exhaustive]
pub struct TimedOut;
