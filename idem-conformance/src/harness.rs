//! The interface between the suite and the store under test.

use std::future::Future;
use std::time::Duration;

use idem_core::store::IdempotencyStore;

/// Connects a store to the suite.
///
/// Every rule runs on its own harness and lets time pass through [`advance`](Self::advance). See the
/// [crate documentation](crate) for a complete example.
pub trait StoreHarness: Send + Sync + Sized + 'static {
    /// The store under test.
    type Store: IdempotencyStore;

    /// The unit of all leases and ttls in the suite. The default is 200 ms.
    ///
    /// Rules check a record one unit before or after it changes. If a pass fails and was too slow for that, it is
    /// repeated with units of twice the length. After seven passes, or about five minutes, the rule is inconclusive:
    /// the test passes, and a line on standard error reports it. Use long units if [`advance`](Self::advance) does
    /// not sleep.
    const UNIT: Duration = Duration::from_millis(200);

    /// The number of rounds of each concurrency rule. The default is 20.
    const ROUNDS: usize = 20;

    /// The number of operation lists in the comparison with the model. The default is 32.
    const CASES: u32 = 32;

    /// Creates the harness of one rule.
    ///
    /// The store needs timeouts that a busy machine does not reach. A failed store call fails the rule at any speed,
    /// because a [`StoreError`](idem_core::store::StoreError) does not show whether its cause was a timeout.
    ///
    /// Rules draw their record ids at random, so harnesses can share a server. If the store counts or
    /// deletes records across keys, give each harness its own namespace.
    fn fresh() -> impl Future<Output = Self> + Send;

    /// Returns the store.
    fn store(&self) -> &Self::Store;

    /// Lets `time` pass for the store: moves its clock or the stored times if possible, otherwise sleeps.
    fn advance(&self, time: Duration) -> impl Future<Output = ()> + Send;
}
