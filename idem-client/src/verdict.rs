//! What an attempt's end means: the rules of SEMANTICS section 10.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use reqwest_middleware::Error;

use crate::hint::{Document, Said, is_replay};

/// What an attempt's end means for the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server's answer to this attempt, good or bad.
    Fresh,
    /// Its answer to an earlier one.
    Replayed,
    KeyReused,
    OutcomeUnknown,
    ResultUnavailable,
    /// An earlier attempt still runs, and the server asks not to be asked.
    InProgress,
    /// An error that another attempt would only meet again.
    Unretryable,
    /// Another attempt may do better.
    Retry(Cause),
}

/// Why another attempt may do better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// An earlier attempt still runs.
    InProgress,
    /// A 500: worth one more attempt, which tells whether the first answer was stored.
    ServerError,
    /// No connection, no answer, half of one, or one that says to come back.
    Transient,
}

impl Verdict {
    /// What an answer means. `body` is `None` where it is too long to be a problem document.
    pub(crate) fn on_answer(status: StatusCode, headers: &HeaderMap, body: Option<&Bytes>) -> Self {
        if is_replay(headers) {
            return Self::Replayed;
        }
        if !(status.is_client_error() || status.is_server_error()) {
            return Self::Fresh;
        }
        let asks_to_come_back = status == StatusCode::CONFLICT && headers.contains_key(RETRY_AFTER);
        let document = Document::read(status, headers, body.map_or(&[], |body| body));
        match (document.said(), document.retryable()) {
            (Some(Said::InProgress), Some(false)) => Self::InProgress,
            (Some(said), _) => said.into(),
            (None, Some(true)) => Self::Retry(Cause::Transient),
            (None, Some(false)) => Self::Fresh,
            // Some services say no more than this; a conflict that stays is not worth coming back for.
            (None, None) if asks_to_come_back && document.is_nameless() => {
                Self::Retry(Cause::InProgress)
            }
            (None, None) => Self::on_status(status),
        }
    }

    const fn on_status(status: StatusCode) -> Self {
        match status.as_u16() {
            408 | 425 | 429 | 502 | 503 | 504 => Self::Retry(Cause::Transient),
            500 => Self::Retry(Cause::ServerError),
            _ => Self::Fresh,
        }
    }

    pub(crate) fn on_error(error: &Error) -> Self {
        let lost = match error {
            // The first is every failure to connect and to hear, the second is one to read on; timeouts are both.
            Error::Reqwest(error) => error.is_request() || error.is_decode(),
            Error::Middleware(error) => error.is::<TimedOut>(),
        };
        if lost { Self::Retry(Cause::Transient) } else { Self::Unretryable }
    }

    /// The word for it in traces.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Replayed => "replayed",
            Self::KeyReused => "key-reused",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::ResultUnavailable => "result-unavailable",
            Self::Unretryable => "unretryable",
            Self::InProgress | Self::Retry(Cause::InProgress) => "in-progress",
            Self::Retry(Cause::ServerError) => "server-error",
            Self::Retry(Cause::Transient) => "transient",
        }
    }
}

impl From<Said> for Verdict {
    fn from(said: Said) -> Self {
        match said {
            Said::InProgress => Self::Retry(Cause::InProgress),
            Said::KeyReused => Self::KeyReused,
            Said::OutcomeUnknown => Self::OutcomeUnknown,
            Said::ResultUnavailable => Self::ResultUnavailable,
        }
    }
}

/// No whole answer came within the time for one attempt, or before the deadline. The server may have done
/// the work all the same.
#[derive(Debug, thiserror::Error)]
#[error("the server did not answer in time")]
#[non_exhaustive]
pub struct TimedOut;
