//! The policy for storing the final errors of plain functions.

use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};

use super::compare::Equality;
use crate::exact;

/// Whether and how the [final](crate::Outcome::Final) errors of a [`Failure`](super::Failure) are stored.
pub struct ErrorStorage<E>(Option<Json<E>>);

struct Json<E> {
    encode: fn(&E, Equality<E>) -> serde_json::Result<Vec<u8>>,
    decode: fn(&[u8]) -> serde_json::Result<E>,
}

impl<E> ErrorStorage<E> {
    /// Final errors are not stored. The record keeps only the fact that the function returned one, and later calls are
    /// refused with [`ResultUnavailable`](crate::Rejection::ResultUnavailable).
    pub const NONE: Self = Self(None);

    pub(super) fn encode(
        &self,
        error: &E,
        equality: Equality<E>,
    ) -> Option<serde_json::Result<Vec<u8>>> {
        self.0.as_ref().map(|json| (json.encode)(error, equality))
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
    /// Final errors are stored as JSON, like `Ok` values, and later calls return an equal error. An error that is not
    /// [read back as an equal value](super#versions) is not stored.
    pub const JSON: Self =
        Self(Some(Json { encode: to_json, decode: |stored| serde_json::from_slice(stored) }));
}

impl<E> fmt::Debug for ErrorStorage<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "ErrorStorage::JSON" } else { "ErrorStorage::NONE" })
    }
}

/// Serializes a value as JSON, and checks that it is read back as an equal value. A result that a later call cannot
/// return is therefore never stored.
pub(super) fn to_json<V: Serialize + DeserializeOwned>(
    value: &V,
    equality: Equality<V>,
) -> serde_json::Result<Vec<u8>> {
    let json = exact::to_vec(value)?;
    let read = serde_json::from_slice::<V>(&json)?;
    let equal = match equality {
        Some(equals) => equals(value, &read),
        None => exact::canonical(&json) == exact::canonical(&exact::to_vec(&read)?),
    };
    if equal {
        return Ok(json);
    }
    Err(serde_json::Error::custom(
        "the value that is read back differs from the value that was returned; check fields with `#[serde(skip)]` or \
         `#[serde(with)]`, and values that serde writes alike, such as `Some(())` and `None`",
    ))
}
