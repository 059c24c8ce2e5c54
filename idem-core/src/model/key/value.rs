//! Values that can be used as idempotency keys.

use std::borrow::Cow;
use std::sync::Arc;

use super::{IdempotencyKey, KeyError};

/// A value that can be used as an idempotency key, such as `event.id` in `key = "event.id"`.
///
/// Strings and integers implement this trait, and so do references and smart pointers to them. Implement it for your
/// own id types by converting them to text. Equal values must give equal keys.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used as an idempotency key; use a string or an integer, or implement `KeyValue`",
    label = "not a `KeyValue`",
    note = "for a type of another crate, append `.to_string()`"
)]
pub trait KeyValue {
    /// Converts the value to a key.
    ///
    /// # Errors
    ///
    /// If the value is not a valid key: see [`IdempotencyKey::new`].
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
