//! Converts results of plain functions to stored responses and back.

use std::error::Error;

use bytes::Bytes;
use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};

use super::Failure;
use super::compare::Equality;
use super::error_storage::to_json;
use crate::engine::Executed;
use crate::model::{Completion, Headers, Outcome, StoredResponse, UnknownReason};

/// The status of a stored `Ok`. Stored results have a status because HTTP responses, which the same store may hold,
/// have one.
pub(super) const OK: u16 = 200;

/// The status of a stored `Err`.
const ERR: u16 = 400;

/// Classifies the result of a function, and converts it to its completion.
///
/// `max` is the maximum size of a stored result, in bytes. `equality` compares what is read back.
pub(super) fn encode<T, E>(
    result: Result<T, E>,
    max: usize,
    equality: (Equality<T>, Equality<E>),
) -> Executed<Result<T, E>>
where
    T: Serialize + DeserializeOwned,
    E: Failure,
{
    let outcome = result.as_ref().map_or_else(Failure::outcome, |_| Outcome::Final);
    let completion = match (&result, outcome) {
        (Ok(value), _) => completion_of(OK, Some(to_json(value, equality.0)), max),
        (Err(error), Outcome::Final) => {
            completion_of(ERR, E::STORAGE.encode(error, equality.1), max)
        }
        // The key is freed, or the outcome is unknown.
        (Err(_), Outcome::NotExecuted | Outcome::Ambiguous) => {
            Completion::unknown(UnknownReason::Ambiguous)
        }
    };
    Executed { reply: result, outcome, completion }
}

/// The value that a `recover` hook found, as its completion. Values are compared by their JSON when they are read back.
pub(super) fn found<T: Serialize + DeserializeOwned>(value: &T, max: usize) -> Executed<()> {
    let completion = completion_of(OK, Some(to_json(value, None)), max);
    Executed { reply: (), outcome: Outcome::Final, completion }
}

/// The completion of a run that ended with a final result. If the result cannot be stored, the completion records that
/// the run ended.
fn completion_of(status: u16, json: Option<serde_json::Result<Vec<u8>>>, max: usize) -> Completion {
    let body = match json {
        Some(Ok(body)) if body.len() <= max => body,
        Some(Ok(body)) => {
            let bytes = body.len();
            tracing::warn!(bytes, max, "a result exceeds `max_response` and is not stored");
            return Completion::NotRetained { status };
        }
        Some(Err(error)) => {
            let error = &error as &dyn Error;
            tracing::error!(
                error,
                "a result is not stored, because it cannot be serialized as JSON and read back as an equal value"
            );
            return Completion::NotRetained { status };
        }
        None => return Completion::NotRetained { status },
    };
    Completion::Response(StoredResponse {
        status,
        headers: Headers::default(),
        body: Bytes::from(body),
    })
}

/// Restores the result of a function from a stored response.
pub(super) fn decode<T, E>(response: &StoredResponse) -> serde_json::Result<Result<T, E>>
where
    T: DeserializeOwned,
    E: Failure,
{
    match response.status {
        OK => serde_json::from_slice(&response.body).map(Ok),
        ERR => E::STORAGE.decode(&response.body).map(Err),
        _ => Err(serde_json::Error::custom(
            "the record holds an HTTP response, not the result of a function",
        )),
    }
}
