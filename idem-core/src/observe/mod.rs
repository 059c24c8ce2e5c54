//! Events for observers: what the calls, the runs and the store of a service do.
//!
//! An [`Observer`] gets an [`Event`] for each of them, for example to count calls, to page a person about a late completion,
//! or to write an audit trail. The crate `idem-metrics` is an observer that exports metrics.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! use idem_core::observe::{Event, Observer};
//! use idem_core::{Idempotency, MemoryStore};
//!
//! /// Counts the requests that were refused because their key was used for another request.
//! #[derive(Clone, Default)]
//! struct ReusedKeys(Arc<AtomicU64>);
//!
//! impl Observer for ReusedKeys {
//!     fn observe(&self, event: &Event<'_>) {
//!         if let Event::Call { outcome: "key-reused", .. } = event {
//!             self.0.fetch_add(1, Ordering::Relaxed);
//!         }
//!     }
//! }
//!
//! let reused = ReusedKeys::default();
//! let idempotency = Idempotency::builder(MemoryStore::new()).observer(reused.clone()).build();
//! ```
//!
//! Without an observer, no event is made and no clock is read for one. Events contain names of operations, record ids,
//! statuses and times. They never contain a key, a scope, a body or a label.

mod event;
mod store;
mod transaction;
mod watch;

pub use event::{Event, RunResult, StoreCall};
pub(crate) use store::ObservedStore;
pub(crate) use watch::{Observers, Watch};

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// Gets the events of an [`Idempotency`](crate::Idempotency). Set by
/// [`IdempotencyBuilder::observer`](crate::IdempotencyBuilder::observer).
///
/// Tuples and vectors of observers are observers, and so are boxed and shared ones.
pub trait Observer: Send + Sync + 'static {
    /// Takes note of an event.
    ///
    /// It is called in the middle of a request or of a renewal, possibly on several threads concurrently, and must not block.
    /// A panic is caught and logged once, and the request is not affected.
    fn observe(&self, event: &Event<'_>);
}

impl<O: Observer + ?Sized> Observer for Box<O> {
    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }
}

impl<O: Observer> Observer for Vec<O> {
    fn observe(&self, event: &Event<'_>) {
        pass_on(self.iter().map(|observer| observer as &dyn Observer), event);
    }
}

/// Passes the event to all observers. If some of them panic, the first panic continues after the last observer.
fn pass_on<'o>(observers: impl IntoIterator<Item = &'o dyn Observer>, event: &Event<'_>) {
    let mut panic = None;
    for observer in observers {
        // Nothing of the engine is changed inside of the observer.
        if let Err(caught) = catch_unwind(AssertUnwindSafe(|| observer.observe(event))) {
            panic.get_or_insert(caught);
        }
    }
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

macro_rules! tuple_of_observers {
    ($($name:ident $index:tt),+) => {
        impl<$($name: Observer),+> Observer for ($($name,)+) {
            fn observe(&self, event: &Event<'_>) {
                pass_on([$(&self.$index as &dyn Observer),+], event);
            }
        }
    };
}

tuple_of_observers!(A 0, B 1);
tuple_of_observers!(A 0, B 1, C 2);
tuple_of_observers!(A 0, B 1, C 2, D 3);
