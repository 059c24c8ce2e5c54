//! Keys that outlive the process.

use std::error::Error;
use std::future::Future;

use crate::key::IdempotencyKey;

/// Where the keys of operations are kept, so that a client that crashed goes on with the key that it may
/// already have sent.
///
/// The best place is the row of the order itself, in the database that the client already has:
///
/// ```
/// # use std::collections::HashMap;
/// # use std::convert::Infallible;
/// # use std::sync::Mutex;
/// use idem_client::{IdempotencyKey, KeyStore};
///
/// struct Orders {
///     // stands for: insert into operations (name, key) values ($1, $2) on conflict do nothing;
///     //             select key from operations where name = $1
///     keys: Mutex<HashMap<String, String>>,
/// }
///
/// impl KeyStore for Orders {
///     type Error = Infallible;
///
///     async fn key_of(&self, operation: &str) -> Result<IdempotencyKey, Infallible> {
///         let mut keys = self.keys.lock().unwrap();
///         let fresh = || IdempotencyKey::random().to_header();
///         let kept = keys.entry(operation.to_owned()).or_insert_with(fresh);
///         Ok(IdempotencyKey::from_header(kept).unwrap())
///     }
///
///     async fn forget(&self, operation: &str) -> Result<(), Infallible> {
///         self.keys.lock().unwrap().remove(operation);
///         Ok(())
///     }
/// }
/// ```
///
/// `FileKeyStore` (feature `file`) keeps them in a directory.
pub trait KeyStore: Send + Sync {
    /// Why a key could not be kept.
    type Error: Error + Send + Sync + 'static;

    /// The key of `operation`: the one that is kept, or a new [random](IdempotencyKey::random) one.
    ///
    /// Implementers guarantee that the key is on durable storage before it is returned, and that all
    /// callers, in all processes, get the same one: insert if absent, atomically, then read. When the future
    /// is dropped the key may be kept all the same.
    fn key_of(
        &self,
        operation: &str,
    ) -> impl Future<Output = Result<IdempotencyKey, Self::Error>> + Send;

    /// Forgets the key of `operation`; it is no error if there is none. The same operation would then be a
    /// new one, so call this only when its result is recorded and it will not be asked for again. An
    /// [`Answer`](crate::Answer) alone is no reason: it may be a 401, or a replayed 500.
    fn forget(&self, operation: &str) -> impl Future<Output = Result<(), Self::Error>> + Send;
}
