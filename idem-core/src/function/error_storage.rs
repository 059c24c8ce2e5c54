//! Results as stored answers and back.

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};

use super::Failure;
use crate::engine::Executed;
use crate::model::{Completion, Headers, Outcome, StoredResponse};

/// The statuses that stored results have, next to the HTTP answers that the same store may hold.
pub(super) const OK: u16 = 200;
const ERR: u16 = 400;

/// Whether and how the final errors of a [`Failure`] are stored.
pub struct ErrorStorage<E>(Option<Json<E>>);

struct Json<E> {
    write: fn(&E) -> serde_json::Result<Vec<u8>>,
    read: fn(&[u8]) -> serde_json::Result<E>,
}

impl<E> ErrorStorage<E> {
    /// Final errors are not stored, only that there was one.
    pub const NONE: Self = Self(None);
}

impl<E: Serialize + DeserializeOwned> ErrorStorage<E> {
    /// Final errors are stored as JSON, as `Ok` values are.
    pub const JSON: Self =
        Self(Some(Json { write: written, read: |stored| serde_json::from_slice(stored) }));
}

impl<E> fmt::Debug for ErrorStorage<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ErrorStorage").field(&self.0.as_ref().map(|_| "as JSON")).finish()
    }
}

/// What a function's result is to its caller and to the record. `max` is how many bytes are kept.
pub(super) fn record<T, E>(result: Result<T, E>, max: usize) -> Executed<Result<T, E>>
where
    T: Serialize + DeserializeOwned,
    E: Failure,
{
    let outcome = result.as_ref().map_or_else(Failure::outcome, |_| Outcome::Final);
    let completion = match (&result, outcome) {
        (Ok(value), _) => conclude(OK, Some(written(value)), max),
        (Err(error), Outcome::Final) => conclude(ERR, E::STORAGE.write(error), max),
        // It frees the key, or nobody knows what it did.
        (Err(_), Outcome::NotExecuted | Outcome::Ambiguous) => Completion::Unknown,
    };
    Executed { reply: result, outcome, completion }
}

/// The value as JSON that was read once, so that no record is made that a later call cannot use.
fn written<V: Serialize + DeserializeOwned>(value: &V) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_vec(value)?;
    serde_json::from_slice::<V>(&json)?;
    Ok(json)
}

/// A result that was reached is never forgotten, even where it cannot be kept.
fn conclude(status: u16, written: Option<serde_json::Result<Vec<u8>>>, max: usize) -> Completion {
    let body = match written {
        Some(Ok(body)) if body.len() <= max => body,
        Some(Ok(body)) => {
            tracing::warn!(bytes = body.len(), max, "a result is too large to be stored");
            return Completion::NotRetained { status };
        }
        Some(Err(error)) => {
            let error = &error as &dyn Error;
            tracing::error!(
                error,
                "a result cannot be written as JSON and read again, so it is not stored"
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

/// The result that a stored answer holds.
pub(super) fn read<T, E>(answer: &StoredResponse) -> serde_json::Result<Result<T, E>>
where
    T: DeserializeOwned,
    E: Failure,
{
    match answer.status {
        OK => serde_json::from_slice(&answer.body).map(Ok),
        ERR => E::STORAGE.read(&answer.body).map(Err),
        _ => Err(serde_json::Error::custom("this is an HTTP answer, not a function's result")),
    }
}

impl<E> ErrorStorage<E> {
    fn write(&self, error: &E) -> Option<serde_json::Result<Vec<u8>>> {
        self.0.as_ref().map(|json| (json.write)(error))
    }

    fn read(&self, stored: &[u8]) -> serde_json::Result<E> {
        match &self.0 {
            Some(json) => (json.read)(stored),
            None => {
                Err(serde_json::Error::custom("`Failure::STORAGE` is `ErrorStorage::NONE` by now"))
            }
        }
    }
}
