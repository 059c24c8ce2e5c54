//! What a store supplies for its suite.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use idem_core::store::{IdempotencyStore, RecordId};

use crate::key::Key;

/// A store as the suite sees it: made afresh for every rule, with a clock that the rule can let run.
///
/// ```
/// use std::time::Duration;
/// use idem_conformance::Subject;
/// use idem_core::MemoryStore;
///
/// struct MemorySubject(MemoryStore);
///
/// impl Subject for MemorySubject {
///     type Store = MemoryStore;
///     const UNIT: Duration = Duration::from_secs(60);
///
///     async fn fresh() -> Self {
///         Self(MemoryStore::new())
///     }
///
///     fn store(&self) -> &MemoryStore {
///         &self.0
///     }
///
///     async fn pass(&self, time: Duration) {
///         self.0.advance_clock(time);
///     }
/// }
/// ```
pub trait Subject: Send + Sync + Sized + 'static {
    /// The store under test.
    type Store: IdempotencyStore;

    /// What the leases and ttls of the suite are small multiples of. A rule that lets time pass leaves
    /// one unit between the moment it looks and the moment something ends, so a store whose clock runs
    /// by itself must answer well within one.
    const UNIT: Duration = Duration::from_millis(200);

    /// How often a race is run.
    const ROUNDS: usize = 20;

    /// How many lists of operations the store is compared with the model by.
    const CASES: u32 = 32;

    /// A view of the store for one rule. Rules draw their record ids at random, so views may share a
    /// server; a store that counts or deletes over all records needs a namespace of its own.
    fn fresh() -> impl Future<Output = Self> + Send;

    /// The store.
    fn store(&self) -> &Self::Store;

    /// Lets `time` pass on the store's clock: moves it if that can be done, else sleeps.
    fn pass(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// The subject of one rule.
#[derive(Debug)]
pub struct Case<S>(Arc<S>);

impl<S> Clone for Case<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Subject> Case<S> {
    pub(crate) async fn fresh() -> Self {
        Self(Arc::new(S::fresh().await))
    }

    pub(crate) fn store(&self) -> &S::Store {
        self.0.store()
    }

    /// A key that nobody used before.
    pub(crate) fn key(&self) -> Key<S> {
        self.key_at(rand::random())
    }

    pub(crate) fn key_at(&self, id: [u8; 32]) -> Key<S> {
        Key { case: self.clone(), id: RecordId::from_bytes(id) }
    }

    pub(crate) async fn pass(&self, units: u32) {
        self.pass_time(S::UNIT * units).await;
    }

    pub(crate) async fn pass_time(&self, time: Duration) {
        self.0.pass(time).await;
    }
}
