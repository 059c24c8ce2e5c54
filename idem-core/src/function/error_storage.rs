//! The policy for storing the final errors of plain functions.

use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};

/// Whether and how the [final](crate::Outcome::Final) errors of a [`Failure`](super::Failure) are stored.
pub struct ErrorStorage<E>(Option<Json<E>>);

struct Json<E> {
    encode: fn(&E) -> serde_json::Result<Vec<u8>>,
    decode: fn(&[u8]) -> serde_json::Result<E>,
}

impl<E> ErrorStorage<E> {
    /// Final errors are not stored. The record keeps only the fact that the function returned one, and later calls are
    /// refused with [`ResultUnavailable`](crate::Rejection::ResultUnavailable).
    pub const NONE: Self = Self(None);

    pub(super) fn encode(&self, error: &E) -> Option<serde_json::Result<Vec<u8>>> {
        self.0.as_ref().map(|json| (json.encode)(error))
    }

    pub(super) fn decode(&self, stored: &[u8]) -> serde_json::Result<E> {
        match &self.0 {
            Some(json) => (json.decode)(stored),
            None => Err(serde_json::Error::custom(
                "an error is stored, but `Failure::STORAGE` is now `ErrorStorage::NONE`",
            )),
        }
    }
}

impl<E: Serialize + DeserializeOwned> ErrorStorage<E> {
    /// Final errors are stored as JSON, like `Ok` values. Later calls return an equal error.
    pub const JSON: Self =
        Self(Some(Json { encode: to_json, decode: |stored| serde_json::from_slice(stored) }));
}

impl<E> fmt::Debug for ErrorStorage<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "ErrorStorage::JSON" } else { "ErrorStorage::NONE" })
    }
}

/// Serializes a value as JSON, and checks that it can be deserialized. A record that no later call can read is
/// therefore never stored.
pub(super) fn to_json<V: Serialize + DeserializeOwned>(value: &V) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_vec(value)?;
    serde_json::from_slice::<V>(&json)?;
    Ok(json)
}
