//! What a handler works with.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use idem_core::store::TransactionSlot;
use sqlx::PgConnection;

use crate::transaction::Session;

/// The open transaction of a guarded handler: a [`PgConnection`] to run queries of one's own on.
///
/// What is written through it is committed together with the record of the key, when the handler has
/// answered, or not at all. Handlers take the `Tx` of their adapter, which is this one and an extractor.
///
/// Begin nested transactions as always; leave `COMMIT` and `ROLLBACK` of this one to the toolkit. It must be
/// dropped when the handler ends: one that is kept elsewhere, as in a task, is never committed.
#[derive(Default)]
pub struct Tx {
    slot: TransactionSlot,
    /// Taken out of the slot with the first query, when the transaction is open.
    session: OnceLock<Session>,
}

impl Tx {
    /// A transaction that will be passed through `slot`.
    pub fn through(slot: TransactionSlot) -> Self {
        Self { slot, session: OnceLock::new() }
    }

    /// What the call of a function that takes this must be given
    /// ([`Call::in_transaction`](idem_core::http::Call::in_transaction)).
    pub fn slot(&self) -> TransactionSlot {
        self.slot.clone()
    }

    fn session(&self) -> &Session {
        self.session.get_or_init(|| {
            let passed = self.slot.take().and_then(|passed| passed.downcast().ok());
            #[expect(clippy::expect_used, reason = "documented under # Panics of Deref")]
            *passed.expect("`Tx` works only inside a guarded handler: put `#[idempotent(…)]` on it")
        })
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    /// # Panics
    /// If no transaction was passed, because the handler is not guarded.
    fn deref(&self) -> &PgConnection {
        self.session()
    }
}

impl DerefMut for Tx {
    /// # Panics
    /// As [`deref`](Self::deref).
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.session();
        #[expect(clippy::expect_used, reason = "set by the line above")]
        self.session.get_mut().expect("set by the line above")
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.slot.put(Box::new(session));
        }
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx(..)")
    }
}
