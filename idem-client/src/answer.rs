//! How an operation ended: an answer, or why there is none.

use std::error::Error as StdError;
use std::fmt;

use reqwest::Response;
use reqwest_middleware::Error;

use crate::key::{IdempotencyKey, KeyError};

/// The server's final answer, of whatever status: a declined card is an answer.
///
/// Forget the key when you have recorded what became of the operation, and no sooner: a refusal such as 401
/// came before the operation was looked at, and a replayed 5xx says that the service failed, not that it did
/// nothing.
#[derive(Debug)]
#[must_use = "an answer may be a refusal: look at its status"]
pub enum Answer {
    /// The answer to the attempt that was made last: a success, or what refuses an operation that no attempt
    /// can have carried out. All answers of a service that does not mark replays are fresh.
    Fresh(Response),
    /// The stored answer to an earlier attempt, whose own answer was lost or not final. It may be a failure
    /// of any status, 500 too, and stays the answer for as long as the service knows the key.
    Replayed(Response),
}

impl Answer {
    /// The response, however it came about.
    pub const fn response(&self) -> &Response {
        match self {
            Self::Fresh(response) | Self::Replayed(response) => response,
        }
    }

    /// The response, however it came about.
    pub fn into_response(self) -> Response {
        match self {
            Self::Fresh(response) | Self::Replayed(response) => response,
        }
    }

    /// Whether the server says that it answered this operation before.
    pub const fn is_replayed(&self) -> bool {
        matches!(self, Self::Replayed(_))
    }
}

/// Why an operation has no final answer. Except after [`NotSent`](Self::NotSent) it may have been carried
/// out; each variant says how to go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The first attempt still runs on the server. Send the same request with the same key later.
    #[error("the operation was still in progress; send it again later with the same key")]
    InProgress(#[source] Box<Stop>),
    /// The server began and cannot say how it ended. Find out by other means; do not send it again.
    #[error("the server does not know how the operation ended; check whether it took place")]
    OutcomeUnknown(#[source] Box<Stop>),
    /// The operation is done, but the server did not keep its answer. Look the result up.
    #[error("the operation is done, but its answer was not kept; look the result up")]
    ResultUnavailable(#[source] Box<Stop>),
    /// The key was used for another request. Nothing was done for this one; find out which of the two
    /// is meant.
    #[error("the idempotency key was used before for a different request")]
    KeyReused(#[source] Box<Stop>),
    /// The policy allows no further attempt. Send the same request with the same key later.
    #[error("gave up; send the operation again later with the same key")]
    Exhausted(#[source] Box<Stop>),
    /// An attempt may have been carried out, and what came last does not say. Mend what that complains of,
    /// such as a token that ran out, and send the same request with the same key; never one with a new key.
    ///
    /// So end: an answer that is no success after an attempt whose own answer was lost, a server error that
    /// is neither retried nor a replay, and an attempt that another middleware of the client cut off.
    #[error("the operation may have been carried out; send it again with the same key")]
    Unsettled(#[source] Box<Stop>),
    /// An error that no retry mends, such as too many redirects.
    #[error("the operation failed in a way that a retry does not mend")]
    Unretryable(#[source] Box<Stop>),
    /// Another middleware of the client failed before this one was asked, so that no attempt was made.
    #[error("another middleware of the client failed")]
    Outside(#[source] Error),
    /// Nothing was sent.
    #[error("nothing was sent")]
    NotSent(#[source] NotSent),
}

impl Failure {
    /// Where the operation stands, after at least one attempt.
    pub fn stop(&self) -> Option<&Stop> {
        match self {
            Self::InProgress(stop)
            | Self::OutcomeUnknown(stop)
            | Self::ResultUnavailable(stop)
            | Self::KeyReused(stop)
            | Self::Exhausted(stop)
            | Self::Unsettled(stop)
            | Self::Unretryable(stop) => Some(stop),
            Self::Outside(_) | Self::NotSent(_) => None,
        }
    }

    /// The same, to keep, and to read the last response to its end.
    pub fn into_stop(self) -> Option<Stop> {
        match self {
            Self::InProgress(stop)
            | Self::OutcomeUnknown(stop)
            | Self::ResultUnavailable(stop)
            | Self::KeyReused(stop)
            | Self::Exhausted(stop)
            | Self::Unsettled(stop)
            | Self::Unretryable(stop) => Some(*stop),
            Self::Outside(_) | Self::NotSent(_) => None,
        }
    }

    /// The key to go on with, after at least one attempt.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        self.stop().map(|stop| &stop.key)
    }
}

/// Where an operation stood when it was given up.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stop {
    /// The key that every attempt carried.
    pub key: IdempotencyKey,
    /// How many attempts were made.
    pub attempts: u32,
    /// What forbade another one, if another one would have made sense.
    pub limit: Option<Limit>,
    /// How the last attempt ended.
    pub last: Last,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempts {
            1 => f.write_str("after 1 attempt")?,
            attempts => write!(f, "after {attempts} attempts")?,
        }
        if let Some(limit) = self.limit {
            write!(f, ", for {limit}")?;
        }
        match &self.last {
            Last::Response(response) => write!(f, "; the last answer was {}", response.status()),
            Last::Error(_) => f.write_str("; the last one failed"),
        }
    }
}

impl StdError for Stop {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.last {
            Last::Response(_) => None,
            Last::Error(error) => Some(error),
        }
    }
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Last {
    /// With this response.
    Response(Response),
    /// Without one.
    Error(Error),
}

impl From<Result<Response, Error>> for Last {
    fn from(result: Result<Response, Error>) -> Self {
        result.map_or_else(Self::Error, Self::Response)
    }
}

/// What forbade another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// As many attempts failed as [`RetryPolicy::attempts`](crate::RetryPolicy::attempts) allows, or two
    /// with a 500.
    Attempts,
    /// The [deadline](crate::RetryPolicy::deadline) has passed, or would during the next pause.
    Deadline,
    /// The [budget](crate::RetryBudget) of the client was spent.
    Budget,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attempts => "no more are allowed",
            Self::Deadline => "the deadline is reached",
            Self::Budget => "the retry budget is spent",
        })
    }
}

/// Why a request was refused before it was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// Its body can be read only once, so it could not be sent again.
    #[error(
        "the body is a stream, which cannot be sent twice; give the request a body from memory"
    )]
    Stream,
    /// Its key is none.
    #[error("the request's idempotency key cannot be sent")]
    Key(#[from] KeyError),
    /// It has several keys, be they equal or not (R4).
    #[error("the request has more than one idempotency key; give it one")]
    SeveralKeys,
    /// The client would not retry.
    #[error(
        "the client has no idempotency middleware; build it with `IdempotencyMiddleware::attach`"
    )]
    NoMiddleware,
    /// It could not be built, or its address is none of HTTP.
    #[error("the request cannot be built")]
    Request(#[source] reqwest::Error),
}
