//! The transaction of a handler.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use idem_core::store::TransactionSlot;
use sqlx::{PgConnection, PgTransaction};

/// The open transaction of a guarded handler. It dereferences to a [`PgConnection`] for queries.
///
/// The handler's writes are committed together with the record of the key after the handler has returned,
/// or not at all; see
/// [exactly once effect](idem_core::rules::guarantees#exactly-once-effect). Handlers take the `Tx` of
/// their adapter, which wraps this type and is an extractor.
///
/// Nested transactions are savepoints, as usual. Do not run `COMMIT` or `ROLLBACK`: idem ends the
/// transaction. The `Tx` must be dropped before the handler returns. A transaction whose `Tx` is kept
/// elsewhere, for example in a spawned task, is never committed.
///
/// The runtime of the handler drives the connection. While the handler blocks its thread, its queries stand
/// still, and so do those of every other handler on the same runtime.
#[derive(Default)]
pub struct Tx {
    slot: TransactionSlot,
    /// Taken out of the slot by the first query, when the transaction is open.
    transaction: OnceLock<PgTransaction<'static>>,
}

impl Tx {
    /// Creates a `Tx` whose transaction arrives through `slot`.
    pub fn from_slot(slot: TransactionSlot) -> Self {
        Self { slot, transaction: OnceLock::new() }
    }

    /// The slot to pass to [`Call::in_transaction`](idem_core::http::Call::in_transaction), for calls of a
    /// function that takes this `Tx`.
    pub fn slot(&self) -> TransactionSlot {
        self.slot.clone()
    }

    fn transaction(&self) -> &PgTransaction<'static> {
        self.transaction.get_or_init(|| {
            let content = self.slot.take().and_then(|content| content.downcast().ok());
            #[expect(clippy::expect_used, reason = "documented under # Panics of Deref")]
            *content
                .expect("no transaction is open: use the `Tx` in a handler or function with `#[idempotent]`, not in an extractor")
        })
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    /// # Panics
    /// If there is no open transaction, because the handler has not started or is not guarded.
    fn deref(&self) -> &PgConnection {
        self.transaction()
    }
}

impl DerefMut for Tx {
    /// # Panics
    /// As [`deref`](Self::deref).
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.transaction();
        #[expect(clippy::expect_used, reason = "set by the line above")]
        self.transaction.get_mut().expect("set by the line above")
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            self.slot.put(Box::new(transaction));
        }
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx(..)")
    }
}
