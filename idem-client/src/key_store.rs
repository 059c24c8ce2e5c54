//! The trait for stores of keys that survive a crash of the client.

use std::error::Error;
use std::future::Future;

use crate::key::IdempotencyKey;

/// A durable store for the keys of operations. After a crash, the client continues with the key that it may
/// already have sent.
///
/// The best place for a key is the row of the order itself, in the existing database of the client:
///
/// ```
/// # use std::collections::HashMap;
/// # use std::convert::Infallible;
/// # use std::sync::Mutex;
/// use idem_client::{IdempotencyKey, KeyStore};
///
/// struct Orders {
///     // In SQL: insert into operations (name, key) values ($1, $2) on conflict do nothing;
///     //         select key from operations where name = $1
///     keys: Mutex<HashMap<String, String>>,
/// }
///
/// impl KeyStore for Orders {
///     type Error = Infallible;
///
///     async fn key_of(&self, operation: &str) -> Result<IdempotencyKey, Infallible> {
///         let mut keys = self.keys.lock().unwrap();
///         let fresh = || IdempotencyKey::random().to_header();
///         let stored = keys.entry(operation.to_owned()).or_insert_with(fresh);
///         Ok(IdempotencyKey::from_header(stored).unwrap())
///     }
///
///     async fn forget(&self, operation: &str) -> Result<(), Infallible> {
///         self.keys.lock().unwrap().remove(operation);
///         Ok(())
///     }
/// }
/// ```
///
/// `FileKeyStore` (feature `file`) stores keys in a directory.
pub trait KeyStore: Send + Sync {
    /// The error of a store that could not read or write a key.
    type Error: Error + Send + Sync + 'static;

    /// Returns the stored key of `operation`, or stores a new [random](IdempotencyKey::random) key and returns
    /// that.
    ///
    /// Implementations must write the key to durable storage before they return it. All callers in all
    /// processes must get the same key: atomically insert if absent, then read.
    ///
    /// # Cancel safety
    /// If the future is dropped, the key may be stored anyway. The next call returns it.
    ///
    /// # Errors
    /// If the key could not be read or stored.
    fn key_of(
        &self,
        operation: &str,
    ) -> impl Future<Output = Result<IdempotencyKey, Self::Error>> + Send;

    /// Removes the key of `operation`. Succeeds if there is no such key.
    ///
    /// Afterwards the same operation gets a new key. So call this only when its result is recorded and the
    /// operation will not be sent again. A [`Reply`](crate::Reply) alone is not enough: it may be a 401, or a
    /// replayed 500.
    ///
    /// # Errors
    /// If the key could not be removed.
    fn forget(&self, operation: &str) -> impl Future<Output = Result<(), Self::Error>> + Send;
}
