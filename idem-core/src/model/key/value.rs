//! The values that a key can be made of.

use std::borrow::Cow;
use std::sync::Arc;

use super::{IdempotencyKey, KeyError};

/// A value that is an idempotency key, as `key = "event.id"` names one.
///
/// Implement it for an id type of your own by its text; equal values must give equal keys.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an idempotency key; use a string or an integer, or implement `KeyValue`",
    label = "not an idempotency key",
    note = "for a type of another crate, write `.to_string()` behind it"
)]
pub trait KeyValue {
    /// The key that this value is.
    ///
    /// # Errors
    ///
    /// Where the value is no valid key: see [`IdempotencyKey::new`].
    fn to_key(&self) -> Result<IdempotencyKey, KeyError>;
}

impl KeyValue for IdempotencyKey {
    fn to_key(&self) -> Result<IdempotencyKey, KeyError> {
        Ok(self.clone())
    }
}

impl KeyValue for str {
    fn to_key(&self) -> Result<IdempotencyKey, KeyError> {
        IdempotencyKey::new(self)
    }
}

impl KeyValue for String {
    fn to_key(&self) -> Result<IdempotencyKey, KeyError> {
        self.as_str().to_key()
    }
}

impl<T: KeyValue + ?Sized> KeyValue for &T {
    fn to_key(&self) -> Result<IdempotencyKey, KeyError> {
        T::to_key(self)
    }
}

impl<T: KeyValue + ?Sized> KeyValue for Box<T> {
    fn to_key(&self) -> Result<IdempotencyKey, KeyError> {
        T::to_key(self)
    }
}

impl<T: KeyValue + ?Sized> KeyValue for Arc<T> {
    fn to_key(&self) -> Result<IdempotencyKey, KeyError> {
        T::to_key(self)
    }
}

impl<T: KeyValue + ToOwned + ?Sized> KeyValue for Cow<'_, T> {
    fn to_key(&self) -> Result<IdempotencyKey, KeyError> {
        T::to_key(self)
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl KeyValue for $integer {
            fn to_key(&self) -> Result<IdempotencyKey, KeyError> {
                IdempotencyKey::new(self.to_string())
            }
        }
    )*};
}

integers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }
